package outgoing

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// The headers of Standard Webhooks 1.0.
const (
	headerID        = "Webhook-Id"
	headerTimestamp = "Webhook-Timestamp" // seconds since 1970 of the attempt
	headerSignature = "Webhook-Signature" // "v1," and base64, one a secret, separated by spaces
)

// Tolerance is how far a receiver's clock may be from ours.
const Tolerance = 5 * time.Minute

const secretPrefix = "whsec_"

// NewSecret makes a secret of 32 random bytes.
func NewSecret() string {
	b := make([]byte, 32)
	rand.Read(b)
	return secretPrefix + base64.StdEncoding.EncodeToString(b)
}

// CheckSecret tells whether a secret is of the form that NewSecret gives.
func CheckSecret(s string) error {
	_, err := parseSecret(s)
	return err
}

func parseSecret(s string) ([]byte, error) {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(s, secretPrefix))
	if err != nil || len(key) < 24 || len(key) > 64 {
		return nil, errors.New("is not whsec_ and the base64 of 24 to 64 bytes: throughline webhook secret makes one")
	}
	return key, nil
}

// sign is the signature of exactly these bytes, with each key in turn: while a
// secret is being rotated the receiver may know either.
func sign(keys [][]byte, id string, at time.Time, body []byte) string {
	signatures := make([]string, len(keys))
	for i, key := range keys {
		signatures[i] = "v1," + base64.StdEncoding.EncodeToString(digest(key, id, strconv.FormatInt(at.Unix(), 10), body))
	}
	return strings.Join(signatures, " ")
}

func digest(key []byte, id, timestamp string, body []byte) []byte {
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s.%s.", id, timestamp)
	mac.Write(body)
	return mac.Sum(nil)
}

// Verify is what a receiver does before it believes a request: nil where one of
// the secrets signed the body, not longer ago than Tolerance.
func Verify(secrets []string, header http.Header, body []byte, now time.Time) error {
	id, timestamp := header.Get(headerID), header.Get(headerTimestamp)
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if id == "" || err != nil {
		return errors.New("webhook-id or webhook-timestamp is missing or not of its form")
	}
	if away := now.Sub(time.Unix(seconds, 0)); away > Tolerance || away < -Tolerance {
		return fmt.Errorf("webhook-timestamp is more than %v away: compare the clocks", Tolerance)
	}
	for _, s := range secrets {
		key, err := parseSecret(s)
		if err != nil {
			return fmt.Errorf("secret %w", err)
		}
		want := digest(key, id, timestamp, body)
		for given := range strings.FieldsSeq(header.Get(headerSignature)) {
			encoded, v1 := strings.CutPrefix(given, "v1,")
			got, err := base64.StdEncoding.DecodeString(encoded)
			if v1 && err == nil && hmac.Equal(got, want) {
				return nil
			}
		}
	}
	return errors.New("webhook-signature is of none of the secrets")
}
