// Package callstest is what the tests of sources of calls share: a door on a real
// broker, and the way back from the topics to sound.
//
// Enters: a test. Leaves: a running door, what stands on the topics, decoded legs.
// It may not touch: anything outside of tests.
package callstest

import (
	"context"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"throughline/bus"
	"throughline/event"
	"throughline/governance"
	"throughline/ingest/calls"
	"throughline/ingest/ingesttest"
	"throughline/media"
	"throughline/media/decode"
	"throughline/media/wav"
)

// Kit is a door on a broker of its own.
type Kit struct {
	Bus    *bus.Bus
	Door   *calls.Door
	Ledger *governance.Ledger
}

// New runs a door until the test is over. Buffers are wide: tests send audio
// faster than it was spoken.
func New(t testing.TB, cfg calls.Config) *Kit {
	t.Helper()
	b := ingesttest.Dial(t, ingesttest.Broker(t))
	if err := b.Ensure(ingesttest.Deadline(t), event.All()...); err != nil {
		t.Fatal(err)
	}
	ledger := governance.NewLedger(governance.Config{})
	gate, err := governance.NewGate(governance.Config{}, ledger)
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Buffer == 0 {
		cfg.Buffer = time.Hour
	}
	door, err := calls.New(cfg, calls.Parts{Gate: gate, Consents: ledger, Bus: b})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- door.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("door: %v", err)
		}
	})
	return &Kit{Bus: b, Door: door, Ledger: ledger}
}

// Serve runs a door of HTTP until the test is over, and gives its address as that
// of WebSockets.
func Serve(t testing.TB, door interface {
	Routes(*http.ServeMux)
	Run(context.Context) error
}) string {
	t.Helper()
	mux := http.NewServeMux()
	door.Routes(mux)
	web := httptest.NewServer(mux)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- door.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		web.Close()
	})
	return "ws" + strings.TrimPrefix(web.URL, "http")
}

// Ended waits until n interactions have come to their end and gives the ends.
func (k *Kit) Ended(t testing.TB, n int) []event.Interaction {
	t.Helper()
	var ends []event.Interaction
	ingesttest.Await(t, "the ends of all calls", func() bool {
		ends = slices.DeleteFunc(k.Changes(t), func(i event.Interaction) bool { return !i.Change.Terminal() })
		return len(ends) >= n
	})
	return ends
}

// Idle waits until the door has let go of every call, which it does after their
// ends are on their way.
func (k *Kit) Idle(t testing.TB) {
	t.Helper()
	ingesttest.Await(t, "a door without calls", func() bool { return k.Door.Open() == 0 })
}

// Changes are all that stand on the topic.
func (k *Kit) Changes(t testing.TB) []event.Interaction {
	t.Helper()
	return ingesttest.All(t, k.Bus, event.Interactions().Source)
}

// Heard waits until so many octets of all payloads are stored: what is sent by UDP,
// and is not read yet when the call ends, was never received.
func (k *Kit) Heard(t testing.TB, octets int) {
	t.Helper()
	ingesttest.Await(t, "the audio that was sent", func() bool {
		n := 0
		for _, c := range ingesttest.All(t, k.Bus, event.Audio().Source) {
			var m media.Chunk
			if err := m.UnmarshalBinary(c.Payload); err != nil {
				t.Fatal(err)
			}
			for _, p := range m.Parts {
				n += len(p.Payload)
			}
		}
		return n >= octets
	})
}

// Leg is what a reader of the topic makes of a leg.
type Leg struct {
	Chunks  []event.AudioChunk
	Samples []int16     // at the rate that was asked for, gaps filled with zeros
	Gaps    []media.Gap // in order
	Last    bool
}

// Legs waits for the last audio of every leg that joined, which is on its way when
// the end of the call stands on its own topic, and decodes it by role.
func (k *Kit) Legs(t testing.TB, interaction string, rate int) map[event.Role]*Leg {
	t.Helper()
	open := map[string]bool{}
	for _, c := range k.Changes(t) {
		if c.Interaction == interaction && c.Change == event.Joined {
			open[c.Attrs["leg"]] = true
		}
	}
	ingesttest.Await(t, "the last audio of every leg", func() bool {
		for _, c := range ingesttest.All(t, k.Bus, event.Audio().Source) {
			if c.Last {
				delete(open, c.Leg)
			}
		}
		return len(open) == 0
	})
	return k.LegsNow(t, interaction, rate)
}

// LegsNow decodes the audio of an interaction that stands there now, by role.
func (k *Kit) LegsNow(t testing.TB, interaction string, rate int) map[event.Role]*Leg {
	t.Helper()
	byLeg := map[string][]event.AudioChunk{}
	for _, c := range ingesttest.All(t, k.Bus, event.Audio().Source) {
		if c.Interaction == interaction {
			byLeg[c.Leg] = append(byLeg[c.Leg], c)
		}
	}
	legs := map[event.Role]*Leg{}
	for _, chunks := range byLeg {
		slices.SortFunc(chunks, func(a, b event.AudioChunk) int { return int(a.Seq) - int(b.Seq) })
		l := &Leg{Chunks: chunks}
		sink := &media.Samples{SampleRate: rate, Limit: 2 * time.Hour}
		d, err := decode.New(decode.Config{MaxFill: time.Hour}, sink)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range chunks {
			var m media.Chunk
			if err := m.UnmarshalBinary(c.Payload); err != nil {
				t.Fatal(err)
			}
			for _, p := range m.Parts {
				if p.Gap.Kind != media.NoGap {
					l.Gaps = append(l.Gaps, p.Gap)
				}
			}
			if err := d.WriteChunk(&m); err != nil {
				t.Fatal(err)
			}
			l.Last = l.Last || c.Last
		}
		if err := d.Flush(); err != nil {
			t.Fatal(err)
		}
		l.Samples = sink.PCM
		if legs[chunks[0].Role] != nil {
			t.Fatalf("two legs are of role %q", chunks[0].Role)
		}
		legs[chunks[0].Role] = l
	}
	return legs
}

// Data is the path of a published recording; the test is skipped without it.
func Data(t testing.TB, name ...string) string {
	t.Helper()
	dir := os.Getenv("THROUGHLINE_DATA")
	for up := "."; dir == ""; up = filepath.Join(up, "..") {
		if _, err := os.Stat(filepath.Join(up, "go.mod")); err == nil {
			dir = filepath.Join(up, "..", "shared", "data")
		}
		if abs, err := filepath.Abs(up); err != nil || abs == "/" {
			break
		}
	}
	path := filepath.Join(append([]string{dir}, name...)...)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("%s is not there; THROUGHLINE_DATA may say where the data sets are", filepath.Join(name...))
	}
	return path
}

// Samples reads all of a WAV file.
func Samples(t testing.TB, path string) []int16 {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := wav.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var all []int16
	buf := make([]int16, 1<<14)
	for {
		n, err := r.Read(buf)
		all = append(all, buf[:n]...)
		if err != nil {
			return all
		}
	}
}

// Tone is a voice-loud sine of n samples at 8 kHz.
func Tone(hertz float64, n int) []int16 {
	s := make([]int16, n)
	for i := range s {
		s[i] = int16(8000 * math.Sin(2*math.Pi*hertz*float64(i)/8000))
	}
	return s
}
