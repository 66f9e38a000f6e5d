package siprec

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/pion/srtp/v3"

	"throughline/ingest/rtp"
)

// crypto is an a=crypto line (RFC 4568): the key of whoever wrote it protects what
// they send.
type crypto struct {
	tag     int
	suite   string
	profile srtp.ProtectionProfile
	key     []byte
	salt    []byte
}

// profile is what a suite's name stands for, and the sizes of its key and salt.
func profile(suite string) (p srtp.ProtectionProfile, key, salt int, ok bool) {
	switch strings.ToUpper(suite) {
	case "AES_CM_128_HMAC_SHA1_80":
		return srtp.ProtectionProfileAes128CmHmacSha1_80, 16, 14, true
	case "AES_CM_128_HMAC_SHA1_32":
		return srtp.ProtectionProfileAes128CmHmacSha1_32, 16, 14, true
	case "AES_256_CM_HMAC_SHA1_80":
		return srtp.ProtectionProfileAes256CmHmacSha1_80, 32, 14, true
	case "AEAD_AES_128_GCM":
		return srtp.ProtectionProfileAeadAes128Gcm, 16, 12, true
	case "AEAD_AES_256_GCM":
		return srtp.ProtectionProfileAeadAes256Gcm, 32, 12, true
	}
	return 0, 0, 0, false
}

// parseCrypto reads "1 AES_CM_128_HMAC_SHA1_80 inline:key|2^20|1:4 …". Suites and
// parameters that are not known here do not fit; another line may.
func parseCrypto(value string) (crypto, bool) {
	w := strings.Fields(value)
	if len(w) < 3 {
		return crypto{}, false
	}
	tag, err := strconv.Atoi(w[0])
	if err != nil || tag < 0 || tag > 999999999 {
		return crypto{}, false
	}
	p, keySize, saltSize, ok := profile(w[1])
	if !ok {
		return crypto{}, false
	}
	for _, parameter := range w[3:] {
		if strings.HasPrefix(parameter, "UNENCRYPTED") || strings.HasPrefix(parameter, "UNAUTHENTICATED") {
			return crypto{}, false
		}
	}
	inline, ok := strings.CutPrefix(w[2], "inline:")
	if !ok {
		return crypto{}, false
	}
	text, _, _ := strings.Cut(inline, "|")
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		raw, err = base64.RawStdEncoding.DecodeString(text)
	}
	if err != nil || len(raw) != keySize+saltSize {
		return crypto{}, false
	}
	return crypto{tag: tag, suite: w[1], profile: p, key: raw[:keySize], salt: raw[keySize:]}, true
}

// own makes our key for the answer to c: same tag, same suite (RFC 4568 §5.1.3).
func (c crypto) own() (crypto, error) {
	raw := make([]byte, len(c.key)+len(c.salt))
	if _, err := rand.Read(raw); err != nil {
		return crypto{}, fmt.Errorf("make srtp key: %w", err)
	}
	mine := c
	mine.key, mine.salt = raw[:len(c.key)], raw[len(c.key):]
	return mine, nil
}

// String is the value of an a=crypto line.
func (c crypto) String() string {
	raw := append(append([]byte(nil), c.key...), c.salt...)
	return fmt.Sprintf("%d %s inline:%s", c.tag, c.suite, base64.StdEncoding.EncodeToString(raw))
}

func (c crypto) same(o crypto) bool {
	return c.suite == o.suite && string(c.key) == string(o.key) && string(c.salt) == string(o.salt)
}

// replayWindow is how far back a packet may come again before it is refused.
const replayWindow = 64

// vault decrypts what comes for a leg and encrypts what goes back. Its keys may be
// changed while packets come.
type vault struct {
	next rtp.Sink

	mu       sync.Mutex
	in, out  *srtp.Context
	theirs   crypto
	plain    []byte
	rejected func()
}

func newVault(next rtp.Sink, theirs, mine crypto, rejected func()) (*vault, error) {
	v := &vault{next: next, rejected: rejected}
	return v, v.rekey(theirs, mine)
}

// rekey takes new keys, after a new offer.
func (v *vault) rekey(theirs, mine crypto) error {
	in, err := srtp.CreateContext(theirs.key, theirs.salt, theirs.profile, srtp.SRTPReplayProtection(replayWindow), srtp.SRTCPReplayProtection(replayWindow))
	if err != nil {
		return fmt.Errorf("srtp keys: %w", err)
	}
	out, err := srtp.CreateContext(mine.key, mine.salt, mine.profile)
	if err != nil {
		return fmt.Errorf("srtp keys: %w", err)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.in, v.out, v.theirs = in, out, theirs
	return nil
}

// Receive opens a packet. One that is forged, repeated or of another key is
// counted and goes no further.
func (v *vault) Receive(datagram []byte, arrival time.Time) error {
	v.mu.Lock()
	plain, err := v.in.DecryptRTP(v.plain[:0], datagram, nil)
	if err == nil {
		v.plain = plain
	}
	v.mu.Unlock()
	if err != nil {
		v.rejected()
		return fmt.Errorf("open srtp: %w", err)
	}
	// One goroutine reads a socket's RTP, so plain is not overwritten meanwhile.
	return v.next.Receive(plain, arrival)
}

// ReceiveRTCP opens what the sender reports.
func (v *vault) ReceiveRTCP(packet []byte, arrival time.Time) error {
	v.mu.Lock()
	plain, err := v.in.DecryptRTCP(nil, packet, nil)
	v.mu.Unlock()
	if err != nil {
		v.rejected()
		return fmt.Errorf("open srtcp: %w", err)
	}
	return v.next.ReceiveRTCP(plain, arrival)
}

// Report seals the leg's report.
func (v *vault) Report(now time.Time, bye bool) ([]byte, error) {
	b, err := v.next.Report(now, bye)
	if err != nil || len(b) == 0 {
		return nil, err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	sealed, err := v.out.EncryptRTCP(nil, b, nil)
	if err != nil {
		return nil, fmt.Errorf("seal srtcp: %w", err)
	}
	return sealed, nil
}
