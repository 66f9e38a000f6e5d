package outgoing

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// The vector that the libraries of Standard Webhooks are tested with.
const (
	vectorID        = "msg_p5jXN8AQM9LWM0D4loKWxJek"
	vectorBody      = `{"test": 2432232314}`
	vectorSignature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
	vectorSeconds   = 1614265330
)

func TestSignatureOfTheStandard(t *testing.T) {
	key, err := parseSecret(testSecret)
	if err != nil {
		t.Fatal(err)
	}
	if got := sign([][]byte{key}, vectorID, time.Unix(vectorSeconds, 0), []byte(vectorBody)); got != vectorSignature {
		t.Errorf("signed %s, want %s", got, vectorSignature)
	}
}

func TestVerify(t *testing.T) {
	other := NewSecret()
	at := time.Unix(vectorSeconds, 0)
	for name, c := range map[string]struct {
		secrets         []string
		id, stamp, sign string
		body            string
		now             time.Time
		wrong           string
	}{
		"as signed":               {[]string{testSecret}, vectorID, "1614265330", vectorSignature, vectorBody, at, ""},
		"by one of two secrets":   {[]string{other, testSecret}, vectorID, "1614265330", vectorSignature, vectorBody, at, ""},
		"one of three signatures": {[]string{testSecret}, vectorID, "1614265330", "v1a,AAAA v1,AAAA " + vectorSignature, vectorBody, at, ""},
		"another secret":          {[]string{other}, vectorID, "1614265330", vectorSignature, vectorBody, at, "none of the secrets"},
		"a byte more":             {[]string{testSecret}, vectorID, "1614265330", vectorSignature, vectorBody + " ", at, "none of the secrets"},
		"another id":              {[]string{testSecret}, "msg_x", "1614265330", vectorSignature, vectorBody, at, "none of the secrets"},
		"another second":          {[]string{testSecret}, vectorID, "1614265331", vectorSignature, vectorBody, at, "none of the secrets"},
		"no version":              {[]string{testSecret}, vectorID, "1614265330", vectorSignature[3:], vectorBody, at, "none of the secrets"},
		"replayed later":          {[]string{testSecret}, vectorID, "1614265330", vectorSignature, vectorBody, at.Add(Tolerance + time.Second), "clocks"},
		"from the future":         {[]string{testSecret}, vectorID, "1614265330", vectorSignature, vectorBody, at.Add(-Tolerance - time.Second), "clocks"},
		"no headers":              {[]string{testSecret}, "", "", "", vectorBody, at, "missing"},
		"not a number":            {[]string{testSecret}, vectorID, "today", vectorSignature, vectorBody, at, "missing"},
	} {
		t.Run(name, func(t *testing.T) {
			h := http.Header{headerID: {c.id}, headerTimestamp: {c.stamp}, headerSignature: {c.sign}}
			err := Verify(c.secrets, h, []byte(c.body), c.now)
			if (err == nil) != (c.wrong == "") || err != nil && !strings.Contains(err.Error(), c.wrong) {
				t.Errorf("got %v, want %q", err, c.wrong)
			}
		})
	}
}

// FuzzVerify gives a receiver anything: it neither fails nor believes it.
func FuzzVerify(f *testing.F) {
	f.Add(vectorID, "1614265330", "v1,AAAA v1,", vectorBody)
	f.Add("", "-9223372036854775808", "v1,=\x00 ,", "")
	f.Fuzz(func(t *testing.T, id, stamp, signature, body string) {
		h := http.Header{headerID: {id}, headerTimestamp: {stamp}, headerSignature: {signature}}
		if Verify([]string{testSecret}, h, []byte(body), time.Unix(vectorSeconds, 0)) == nil && signature != vectorSignature {
			t.Error("believed")
		}
	})
}
