package demo

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"throughline/event"
	"throughline/ingest/whatsapp"
)

// The vector is of OpenSSL: openssl dgst -sha256 -hmac 'an app secret for the
// golden vector' over the bytes of body.
func TestSignatureIsMetas(t *testing.T) {
	const body = `{"object":"whatsapp_business_account","entry":[{"id":"1","text":"caf\u00e9 \/ \ud83d\ude00"}]}`
	const want = "sha256=254f14b791e07d42742920012c1ce323a7206c0dd9ebb50c7c8dedb2d820f397"
	if got := sign("an app secret for the golden vector", []byte(body)); got != want {
		t.Errorf("signed as %s", got)
	}
}

func TestBodiesAreSpeltAsMetaSpellsThem(t *testing.T) {
	got, err := escaped(object{"text": "café / 😀"})
	if err != nil || string(got) != `{"text":"caf\u00e9 \/ \ud83d\ude00"}` {
		t.Errorf("spelt %s, %v", got, err)
	}
	var back map[string]string
	if err := json.Unmarshal(got, &back); err != nil || back["text"] != "café / 😀" {
		t.Errorf("reads back as %q, %v", back["text"], err)
	}
}

// TestWebhooksMeanWhatTheScriptSays reads every webhook of the day with the
// product's own parser.
func TestWebhooksMeanWhatTheScriptSays(t *testing.T) {
	d := bundledDay(t)
	var bodies [][]byte
	var mu sync.Mutex
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		mu.Lock()
		defer mu.Unlock()
		if r.Header.Get("X-Hub-Signature-256") != sign("s", body) {
			t.Error("a body is not signed")
		}
		bodies = append(bodies, body)
	}))
	defer server.Close()
	l := newLedger()
	m := &meta{courier: newCourier(server.URL, "", time.Second, func() *ledger { return l }), secret: "s", number: d.Number}
	c := newCast(d, time.Now(), 0)
	kinds, echoes, statuses, consents := map[string]event.Kind{}, 0, 0, 0
	want := map[string]event.Kind{}
	for _, conv := range d.Conversations {
		if conv.Channel != event.WhatsApp {
			continue
		}
		p := c.people[conv.Who]
		line := &whatsApp{meta: m, ledger: l, player: p}
		for i, s := range conv.Steps {
			w := words{step: s, id: c.messageID(conv, i)}
			w.text, _ = p.words(s.Says)
			if s.ReplyTo != "" {
				w.replyTo = c.messageID(conv, 0)
			}
			var err error
			switch {
			case s.Preference != "":
				consents++
				err = m.deliver(context.Background(), m.preference(p, s.Preference))
			case s.Echo:
				want[w.id] = event.Text
				echoes++
				err = line.echo(context.Background(), w)
			case s.said() && s.role() == event.Customer:
				want[w.id] = s.kind()
				err = line.say(context.Background(), w)
			case len(s.Statuses) > 0:
				statuses += len(s.Statuses)
				err = line.statuses(context.Background(), w.id, s.Statuses)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, body := range bodies {
		arrivals, err := whatsapp.Parse("t", body)
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range arrivals {
			switch {
			case a.Turn != nil:
				kinds[a.Turn.Provider] = a.Turn.Kind
				if a.Turn.Role == event.Agent {
					echoes--
				}
			case a.Change != nil:
				statuses--
			case a.Consent != nil && !a.Consent.Allowed:
				consents--
			}
		}
	}
	if echoes != 0 || statuses != 0 || consents != 0 {
		t.Errorf("%d echoes, %d statuses and %d consents are lost on the way", echoes, statuses, consents)
	}
	for id, kind := range want {
		if kinds[id] != kind {
			t.Errorf("a %s is read as %q", kind, kinds[id])
		}
	}
}

func TestTheCourierIsPatientAndNoMore(t *testing.T) {
	for _, tt := range []struct {
		name    string
		answers []int
		want    string // of the error; empty: it arrives
	}{
		{"at once", []int{202}, ""},
		{"after a restart", []int{503, 502, 429, 200}, ""},
		{"a mistake of ours", []int{400}, "answered 400 Wrong; #/text is missing"},
		{"a wrong signature", []int{401}, "answered 401"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var bodies []string
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, err := io.ReadAll(r.Body)
				if err != nil {
					t.Error(err)
				}
				bodies = append(bodies, string(body))
				status := tt.answers[min(len(bodies), len(tt.answers))-1]
				w.Header().Set("Retry-After", "0")
				w.WriteHeader(status)
				if status == 400 {
					_, _ = w.Write([]byte(`{"title":"Wrong","errors":[{"pointer":"#/text","detail":"is missing"}]}`))
				}
			}))
			defer server.Close()
			l := newLedger()
			c := newCourier(server.URL, "", 30*time.Second, func() *ledger { return l })
			_, err := c.carry(context.Background(), "POST", "/x", []byte("same"))
			if (tt.want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("ends with %v", err)
			}
			if len(bodies) != len(tt.answers) || strings.Join(bodies, "") != strings.Repeat("same", len(bodies)) {
				t.Errorf("sent %q", bodies)
			}
			if l.counts.Requests != len(tt.answers) || l.counts.Retried != len(tt.answers)-1 {
				t.Errorf("counted %+v", l.counts)
			}
		})
	}
}

func TestTheCourierGivesUp(t *testing.T) {
	l := newLedger()
	c := newCourier("http://127.0.0.1:1", "", 50*time.Millisecond, func() *ledger { return l })
	_, err := c.carry(context.Background(), "GET", "/hook?hub.verify_token=hush", nil)
	if err == nil || !strings.HasPrefix(err.Error(), "GET /hook: ") || strings.Contains(err.Error(), "hush") {
		t.Errorf("nobody is there, and it ends with %v", err)
	}
	if l.counts.Refused != 1 {
		t.Errorf("counted %+v", l.counts)
	}
}

func TestRetryAfter(t *testing.T) {
	for header, want := range map[string]time.Duration{"": 0, "2": 2 * time.Second, "-1": 0, "soon": 0, "86400": longestTry} {
		if got := retryAfter(header); got != want {
			t.Errorf("%q is %s", header, got)
		}
	}
}
