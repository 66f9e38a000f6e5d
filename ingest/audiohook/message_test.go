package audiohook

import (
	"encoding/json"
	"os"
	"testing"
	"time"

	"throughline/ingest/calls/callstest"
)

func TestDuration(t *testing.T) {
	tests := []struct {
		in   string
		want time.Duration
		out  string
	}{
		{"PT0S", 0, "PT0S"},
		{"PT1.25S", 1250 * time.Millisecond, "PT1.25S"},
		{"PT1M2.5S", 62500 * time.Millisecond, "PT62.5S"},
		{"PT1H", time.Hour, "PT3600S"},
		{"PT0.000125S", 125 * time.Microsecond, "PT0.000125S"},
		{"PT0.5M", 30 * time.Second, "PT30S"},
		{"PT0.0000000019S", time.Nanosecond, "PT0.000000001S"},
	}
	for _, tt := range tests {
		got, err := parseDuration(tt.in)
		if err != nil || got != tt.want || formatDuration(got) != tt.out {
			t.Errorf("%s is %v, %v, written %s", tt.in, got, err, formatDuration(got))
		}
	}
	for _, bad := range []string{"", "PT", "P1D", "PTS", "PT-1S", "PT1.S5", "PT1S2M", "PT1e3S", "1.5", "PT9999999999S", "PT999999999S", "PT1.2.3S", "PT S"} {
		if d, err := parseDuration(bad); err == nil {
			t.Errorf("%q is read as %v", bad, d)
		}
	}
}

// documented gives the messages of the developer centre.
func documented(t testing.TB) map[string]json.RawMessage {
	t.Helper()
	b, err := os.ReadFile(callstest.Data(t, "genesys_audiohook", "messages.json"))
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(b, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestDocumentedOpen(t *testing.T) {
	raw := documented(t)["open"]
	m, err := parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	var p openParameters
	if err := m.parameters(&p); err != nil {
		t.Fatal(err)
	}
	o, ok := choose(p.Media)
	if p.check() != nil || p.probe() || !ok || len(o.Channels) != 2 || p.Participant.ANI != "+1-555-555-1234" || p.Language != "en-US" {
		t.Errorf("open is read as %+v, %+v", p, o)
	}
	for n := range raw {
		if _, err := parse(raw[:n]); err == nil {
			t.Errorf("prefix of %d octets is a message", n)
		}
	}
}

func FuzzMessage(f *testing.F) {
	f.Add([]byte(`{"version":"2","id":"e160e428-53e2-487c-977d-96989bf5c99d","type":"open","seq":1,"serverseq":0,"position":"PT0S","parameters":{"organizationId":"o","conversationId":"c","participant":{"id":"p","ani":"+1","dnis":""},"media":[{"type":"audio","format":"PCMU","channels":["external","internal"],"rate":8000}],"continuedSessions":[{"id":"x","serverseq":1,"clientseq":2}]}}`))
	f.Add([]byte(`{"version":"2","id":"e","type":"resumed","seq":2,"serverseq":1,"position":"PT1.5S","parameters":{"start":"PT1S","discarded":"PT0.5S"}}`))
	f.Add([]byte(`{"version":"2","id":"e","type":"close","seq":3,"serverseq":1,"position":"PT1M","parameters":{"reason":"end"}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		m, err := parse(raw)
		if err != nil {
			return
		}
		if m.Version != "2" || m.Seq < 1 || m.Position < 0 || time.Duration(m.Position) > maxDuration {
			t.Errorf("took %+v", m)
		}
		var o openParameters
		if m.parameters(&o) == nil && o.check() == nil {
			if c, ok := choose(o.Media); ok && (len(c.Channels) < 1 || len(c.Channels) > 2 || c.Rate < 8000) {
				t.Errorf("chose %+v", c)
			}
		}
		var s spanParameters
		if m.parameters(&s) == nil && (s.Start < 0 || s.Discarded < 0) {
			t.Errorf("span %+v", s)
		}
	})
}
