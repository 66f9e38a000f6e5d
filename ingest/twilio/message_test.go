package twilio

import (
	"bufio"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"throughline/ingest/calls/callstest"
	"throughline/media/codec"
)

// TestDocumentedMessages reads the bodies of Twilio's own page, and every
// beginning of them.
func TestDocumentedMessages(t *testing.T) {
	f, err := os.Open(callstest.Data(t, "twilio_media_streams", "messages.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	want := []kind{connected, begin, audio, dtmf, mark, stop}
	lines := bufio.NewScanner(f)
	for n := 0; lines.Scan(); n++ {
		m, err := parse(lines.Bytes())
		if err != nil || m.kind != want[n] {
			t.Errorf("line %d is %s, %v", n, m.kind, err)
		}
		if m.kind != connected && m.stream != "MZ18ad3ab5a668481ce02b83e7395059f0" {
			t.Errorf("line %d is of stream %q", n, m.stream)
		}
		if m.kind == begin && (m.start.call != "CA123" || len(m.start.tracks) != 2 || m.start.rate != 8000 || m.start.params["RemoteParty"] != "Bob") {
			t.Errorf("start is read as %+v", m.start)
		}
		if m.kind == audio && (m.track != "outbound" || m.chunk != 1 || !m.timed || m.at.Milliseconds() != 5 || m.seq != 3) {
			t.Errorf("media is read as %+v", m)
		}
		for i := range lines.Bytes() {
			if m, err := parse(lines.Bytes()[:i]); err == nil {
				t.Errorf("%d octets of line %d are a %s", i, n, m.kind)
			}
		}
	}
}

func TestAudioSpellings(t *testing.T) {
	for _, s := range []string{"++//", "--__"} {
		if b, err := appendAudio(nil, s); err != nil || string(b) != "\xfb\xef\xff" {
			t.Errorf("%q is %x, %v", s, b, err)
		}
	}
	for s, want := range map[string]string{"": "", "AA==": "\x00", "AA": "\x00", "AAA=": "\x00\x00"} {
		if b, err := appendAudio(nil, s); err != nil || string(b) != want {
			t.Errorf("%q is %x, %v", s, b, err)
		}
	}
	for _, bad := range []string{"A", "+-", "A A", "§"} {
		if b, err := appendAudio(nil, bad); err == nil {
			t.Errorf("%q is %x", bad, b)
		}
	}
}

func FuzzMessage(f *testing.F) {
	f.Add([]byte(begun))
	f.Add([]byte(stopped))
	f.Add([]byte(`{"event":"media","sequence_number":"4","stream_id":"s1","media":{"track":"inbound_track","chunk":2,"timestamp":"100","payload":"AAAA"}}`))
	f.Add([]byte(`{"callSid":"j1","sampleRate":16000,"mixType":"stereo","metadata":{"agent":"a7"}}`))
	f.Add([]byte(`{"event":"websocket:connected","content-type":"audio/l16;rate=16000"}`))
	f.Add([]byte("MEDIA_START connection_id:m1 channel_id:1.2 format:slin16"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		m, err := parse(raw)
		if err != nil {
			return
		}
		if m.kind == "" || m.seq < -1 || m.chunk < -1 || m.at < 0 || len(m.start.params) > 2*maxParams+3 {
			t.Errorf("took %+v", m)
		}
		if m.kind != begin {
			return
		}
		if format, err := formatOf(m.start); err == nil && (format.Validate() != nil || format.Codec == codec.Unknown) {
			t.Errorf("format %v", format)
		}
	})
}

func FuzzAudio(f *testing.F) {
	f.Add("++//", 3)
	f.Add("AA==", 1)
	f.Fuzz(func(t *testing.T, payload string, before int) {
		dst := make([]byte, before&0xff)
		b, err := appendAudio(dst, payload)
		if err == nil && (len(b) < len(dst) || len(b)-len(dst) > len(payload)) {
			t.Errorf("%d octets of %d", len(b)-len(dst), len(payload))
		}
	})
}

// TestSignature checks each form of the address that Twilio may have signed.
func TestSignature(t *testing.T) {
	sign := func(token, address string) string {
		mac := hmac.New(sha1.New, []byte(token))
		mac.Write([]byte(address))
		return base64.StdEncoding.EncodeToString(mac.Sum(nil))
	}
	const token = "12345"
	tests := []struct {
		name   string
		cfg    Config
		host   string
		target string
		change func(*http.Request)
		ok     bool
	}{
		{"as TwiML says", Config{AuthTokens: []string{token}}, "calls.example.com", Path, func(r *http.Request) {
			r.Header.Set("X-Twilio-Signature", sign(token, "wss://calls.example.com"+Path))
		}, true},
		{"second token", Config{AuthTokens: []string{"old", token}}, "calls.example.com", Path, func(r *http.Request) {
			r.Header.Set("X-Twilio-Signature", sign(token, "wss://calls.example.com"+Path))
		}, true},
		{"slash at the end", Config{AuthTokens: []string{token}}, "calls.example.com", Path + "/", func(r *http.Request) {
			r.Header.Set("X-Twilio-Signature", sign(token, "wss://calls.example.com"+Path))
		}, true},
		{"slash that is lost", Config{AuthTokens: []string{token}}, "calls.example.com", Path, func(r *http.Request) {
			r.Header.Set("X-Twilio-Signature", sign(token, "wss://calls.example.com"+Path+"/"))
		}, true},
		{"port that is lost", Config{AuthTokens: []string{token}}, "calls.example.com", Path, func(r *http.Request) {
			r.Header.Set("X-Twilio-Signature", sign(token, "wss://calls.example.com:443"+Path))
		}, true},
		{"port that is added", Config{AuthTokens: []string{token}}, "calls.example.com:8443", Path, func(r *http.Request) {
			r.Header.Set("X-Twilio-Signature", sign(token, "wss://calls.example.com"+Path))
		}, true},
		{"https", Config{AuthTokens: []string{token}}, "calls.example.com", Path, func(r *http.Request) {
			r.Header.Set("X-Twilio-Signature", sign(token, "https://calls.example.com"+Path))
		}, true},
		{"behind a proxy", Config{AuthTokens: []string{token}, PublicURL: "wss://calls.example.com/voice/"}, "10.0.0.7:8080", Path, func(r *http.Request) {
			r.Header.Set("X-Twilio-Signature", sign(token, "wss://calls.example.com/voice"+Path))
		}, true},
		{"another host", Config{AuthTokens: []string{token}}, "calls.example.com", Path, func(r *http.Request) {
			r.Header.Set("X-Twilio-Signature", sign(token, "wss://evil.example.com"+Path))
		}, false},
		{"another token", Config{AuthTokens: []string{token}}, "calls.example.com", Path, func(r *http.Request) {
			r.Header.Set("X-Twilio-Signature", sign("54321", "wss://calls.example.com"+Path))
		}, false},
		{"query that was not signed", Config{AuthTokens: []string{token}}, "calls.example.com", Path + "?call=x", func(r *http.Request) {
			r.Header.Set("X-Twilio-Signature", sign(token, "wss://calls.example.com"+Path))
		}, false},
		{"not base64", Config{AuthTokens: []string{token}}, "calls.example.com", Path, func(r *http.Request) { r.Header.Set("X-Twilio-Signature", "%") }, false},
		{"cut off", Config{AuthTokens: []string{token}}, "calls.example.com", Path, func(r *http.Request) {
			r.Header.Set("X-Twilio-Signature", sign(token, "wss://calls.example.com"+Path)[:8])
		}, false},
		{"none", Config{AuthTokens: []string{token}}, "calls.example.com", Path, func(*http.Request) {}, false},
		{"none, from here", Config{AuthTokens: []string{token}}, "calls.example.com", Path, func(r *http.Request) { r.RemoteAddr = "127.0.0.1:1" }, false},
		{"key", Config{Keys: []string{"0123456789abcdef"}}, "x", Path, func(r *http.Request) { r.Header.Set("Authorization", "Bearer 0123456789abcdef") }, true},
		{"key as a password", Config{Keys: []string{"0123456789abcdef"}}, "x", Path, func(r *http.Request) { r.SetBasicAuth("jambonz", "0123456789abcdef") }, true},
		{"other key", Config{Keys: []string{"0123456789abcdef"}}, "x", Path, func(r *http.Request) { r.Header.Set("Authorization", "Bearer 0123456789abcdeF") }, false},
		{"nothing configured, from here", Config{}, "x", Path, func(r *http.Request) { r.RemoteAddr = "[::1]:1" }, true},
		{"nothing configured, from afar", Config{}, "x", Path, func(*http.Request) {}, false},
		{"nothing configured, by a proxy", Config{}, "x", Path, func(r *http.Request) {
			r.RemoteAddr = "127.0.0.1:1"
			r.Header.Set("Forwarded", "for=192.0.2.1")
		}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g, err := newGuard(tt.cfg)
			if err != nil {
				t.Fatal(err)
			}
			r := httptest.NewRequest(http.MethodGet, tt.target, nil)
			r.Host, r.RemoteAddr = tt.host, "192.0.2.1:1"
			tt.change(r)
			if err := g.check(r); (err == nil) != tt.ok {
				t.Errorf("check says %v", err)
			}
		})
	}
	for _, bad := range []Config{{AuthTokens: []string{""}}, {Keys: []string{"short"}}, {PublicURL: "calls.example.com"}, {PublicURL: "http://x"}} {
		if _, err := newGuard(bad); err == nil || strings.Contains(err.Error(), "short") {
			t.Errorf("%+v: %v", bad, err)
		}
	}
}
