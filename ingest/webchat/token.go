package webchat

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"throughline/event"
)

// Claims is what a token says, in JSON Web Token names (RFC 7519). A site that
// knows its visitor, and an agent desktop, bring tokens that their own server
// signed with the same secret.
type Claims struct {
	Subject  string        `json:"sub,omitempty"`    // the visitor's id
	Tenant   string        `json:"tenant"`           //
	Account  string        `json:"account"`          // the widget
	Handle   *event.Handle `json:"handle,omitempty"` // who the visitor is known to be, instead of Subject
	Name     string        `json:"name,omitempty"`
	Role     event.Role    `json:"role"`            // customer or agent
	Agent    string        `json:"agent,omitempty"` // with role agent: whose desktop
	Conv     string        `json:"conv,omitempty"`  // with role agent: the interaction to answer
	IssuedAt int64         `json:"iat,omitempty"`
	Expires  int64         `json:"exp"`
}

var (
	errToken   = errors.New("token is not one that this service or its tenant signed")
	errExpired = errors.New("token has expired")
)

// header is the only one accepted: a token never chooses its own algorithm
// (RFC 8725 §3.1).
const header = `{"alg":"HS256","typ":"JWT"}`

// Sign makes a token of c.
func Sign(secret string, c Claims) (string, error) {
	body, err := json.Marshal(c)
	if err != nil {
		return "", fmt.Errorf("sign token: %w", err)
	}
	e := base64.RawURLEncoding
	signed := e.EncodeToString([]byte(header)) + "." + e.EncodeToString(body)
	return signed + "." + seal(secret, signed), nil
}

func seal(secret, signed string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(signed))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// verify reads a token that any of secrets has signed.
func verify(secrets []string, token string, now time.Time) (c Claims, err error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return c, errToken
	}
	if !signedByAny(secrets, parts[0]+"."+parts[1], parts[2]) {
		return c, errToken
	}
	e := base64.RawURLEncoding
	var head struct {
		Alg string `json:"alg"`
	}
	raw, err := e.DecodeString(parts[0])
	if err != nil || json.Unmarshal(raw, &head) != nil || head.Alg != "HS256" {
		return c, errToken
	}
	raw, err = e.DecodeString(parts[1])
	if err != nil || json.Unmarshal(raw, &c) != nil {
		return c, errToken
	}
	if now.Unix() >= c.Expires {
		return c, errExpired
	}
	return c, nil
}

func signedByAny(secrets []string, signed, mac string) bool {
	for _, s := range secrets {
		if hmac.Equal([]byte(mac), []byte(seal(s, signed))) {
			return true
		}
	}
	return false
}
