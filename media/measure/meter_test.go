package measure

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"
)

// seconds makes intervals of pairs of seconds.
func seconds(v ...float64) (out []Interval) {
	for i := 0; i+1 < len(v); i += 2 {
		out = append(out, Interval{sec(v[i]), sec(v[i+1])})
	}
	return out
}

func sec(v float64) time.Duration { return time.Duration(v * float64(time.Second)) }

func speak(t *testing.T, m *Meter, s Side, spans []Interval) {
	t.Helper()
	for _, i := range spans {
		if err := m.Speech(s, i.Begin, i.End); err != nil {
			t.Fatal(err)
		}
	}
}

func TestNonTalk(t *testing.T) {
	tests := []struct {
		name            string
		customer, agent []Interval
		hold            []Interval
		end             float64
		nonTalk         float64
		silences        int
	}{
		{"nobody ever speaks", nil, nil, nil, 10, 10, 1},
		{"a pause of exactly three seconds is none", seconds(0, 2), seconds(5, 6), nil, 6, 0, 0},
		{"a longer one counts whole", seconds(0, 2), seconds(5.5, 6), nil, 6, 3.5, 1},
		{"one party's silence is none while the other speaks", seconds(0, 1, 9, 10), seconds(1, 9), nil, 10, 0, 0},
		{"a hold counts whole, and the silence in it once", seconds(0, 2, 20, 21), nil, seconds(3, 19), 21, 16, 0},
		{"a silence cut by a short hold", seconds(0, 1), nil, seconds(5, 6), 10, 4 + 1 + 4, 2},
		{"silence at the end, live", seconds(0, 1), nil, nil, 4.5, 3.5, 1},
	}
	for _, tt := range tests {
		m := NewMeter(Params{}, false)
		speak(t, m, Customer, tt.customer)
		speak(t, m, Agent, tt.agent)
		for _, h := range tt.hold {
			m.Hold(h.Begin, h.End)
		}
		if r := m.Report(sec(tt.end)); r.NonTalk != sec(tt.nonTalk) || r.Silences != tt.silences {
			t.Errorf("%s: %v in %d silences, want %v in %d", tt.name, r.NonTalk, r.Silences, tt.nonTalk, tt.silences)
		}
	}
}

func TestInterruptions(t *testing.T) {
	tests := []struct {
		name            string
		customer, agent []Interval
		want            []Interruption
	}{
		{"they take turns", seconds(0, 3), seconds(3.2, 6), nil},
		{"the agent cuts the customer off", seconds(0, 3), seconds(2, 6), []Interruption{{Agent, sec(2), sec(3), true}}},
		{"the customer talks on", seconds(0, 9), seconds(2, 4), []Interruption{{Agent, sec(2), sec(4), false}}},
		{"a backchannel", seconds(0, 9), seconds(2, 2.9), nil},
		{"a short overlap at a change of turns", seconds(0, 3), seconds(2.6, 6), nil},
		{"both begin at once", seconds(0, 3), seconds(0.3, 6), nil},
		{"an utterance with a breath in it is one", seconds(0, 9), seconds(2, 2.6, 3, 3.6), []Interruption{{Agent, sec(2), sec(3.6), false}}},
		{"each interrupts the other", seconds(0, 3, 5, 8), seconds(2, 6), []Interruption{{Agent, sec(2), sec(3), true}, {Customer, sec(5), sec(6), true}}},
	}
	for _, tt := range tests {
		m := NewMeter(Params{}, false)
		speak(t, m, Customer, tt.customer)
		speak(t, m, Agent, tt.agent)
		r := m.Report(sec(10))
		if !reflect.DeepEqual(r.Interruptions, tt.want) {
			t.Errorf("%s: %+v, want %+v", tt.name, r.Interruptions, tt.want)
		}
		if n := *r.Customer.Interrupts + *r.Agent.Interrupts; n != len(tt.want) {
			t.Errorf("%s: the sides count %d", tt.name, n)
		}
	}
}

func TestTwoChannelCall(t *testing.T) {
	m := NewMeter(Params{}, false)
	speak(t, m, Customer, seconds(0, 10, 20, 30))
	speak(t, m, Agent, seconds(8, 20))
	for _, err := range []error{
		m.Words(Customer, 50, sec(20)), m.Words(Agent, 3, sec(1)),
		m.Level(Agent, -26), m.Level(Agent, -14), m.Level(Agent, math.NaN()), m.Level(Customer, math.Inf(-1)),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	r := m.Report(sec(30))
	if r.Talk != sec(30) || *r.Overtalk != sec(2) || math.Abs(*r.OvertalkShare-2.0/30) > 1e-9 {
		t.Errorf("talk %v, overtalk %v, share %v", r.Talk, *r.Overtalk, *r.OvertalkShare)
	}
	if r.Customer.Talk != sec(20) || r.Agent.Talk != sec(12) || math.Abs(*r.Agent.Share-12.0/32) > 1e-9 {
		t.Errorf("customer %v, agent %v, share %v", r.Customer.Talk, r.Agent.Talk, *r.Agent.Share)
	}
	if *r.Customer.Speed != 150 || r.Agent.Speed != nil {
		t.Errorf("speeds %v, %v: one second is too little", r.Customer.Speed, r.Agent.Speed)
	}
	if l := *r.Agent.Loudness; math.Abs(l-(56.667+76.667)/2) > 0.01 || math.Abs(*r.Agent.LoudnessMax-76.667) > 0.01 || *r.Customer.Loudness != 0 {
		t.Errorf("loudness %v, %v, %v", l, *r.Agent.LoudnessMax, *r.Customer.Loudness)
	}
	if *r.Agent.Overtalk != 1 || *r.Customer.Overtalk != 0 {
		t.Errorf("turns over the other: %v, %v", *r.Agent.Overtalk, *r.Customer.Overtalk)
	}
	if r.Params.NonTalk != DefaultNonTalk || r.Mixed != nil || r.Unknown != nil {
		t.Errorf("report %+v", r)
	}
	if err := m.Speech(Mixed, 0, 1); err == nil {
		t.Error("a mixed channel was taken beside two")
	}
}

func TestMonoSaysWhatItCannotKnow(t *testing.T) {
	m := NewMeter(Params{NonTalk: time.Second}, true)
	speak(t, m, Mixed, seconds(0, 4, 6, 10))
	r := m.Report(sec(10))
	if r.Customer != nil || r.Agent != nil || r.Overtalk != nil || r.OvertalkShare != nil || r.Interruptions != nil {
		t.Errorf("a mono call knows %+v", r)
	}
	if r.Talk != sec(8) || r.NonTalk != sec(2) || r.Mixed.Talk != sec(8) || r.Mixed.Turns != 2 || r.Params.NonTalk != time.Second {
		t.Errorf("report %+v", r)
	}
	raw, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range r.Unknown {
		if !strings.Contains(string(raw), `"`+name+`":null`) {
			t.Errorf("%s is called unknown, but is not null in %s", name, raw)
		}
	}
	for _, err := range []error{m.Speech(Agent, 0, 1), m.Words(Customer, 1, 1), m.Level(Side(9), 1)} {
		if err == nil {
			t.Error("a mono call took a side")
		}
	}
}

// TestOrderDoesNotMatter reports the same speech in order, shuffled, and growing bit by bit.
func TestOrderDoesNotMatter(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		var spans []Interval
		at := time.Duration(0)
		for range 40 {
			at += time.Duration(random.Int64N(int64(2 * time.Second)))
			end := at + time.Duration(random.Int64N(int64(4*time.Second)))
			spans = append(spans, Interval{at, end})
			at = end
		}
		meters := [3]*Meter{}
		for i := range meters {
			meters[i] = NewMeter(Params{}, false)
		}
		for i, s := range spans {
			side := Side(i % 2)
			speak(t, meters[0], side, []Interval{s})
			for end := s.Begin; end < s.End; end += 200 * time.Millisecond {
				speak(t, meters[1], side, []Interval{{s.Begin, end}})
			}
			speak(t, meters[1], side, []Interval{s, s})
		}
		for _, i := range random.Perm(len(spans)) {
			speak(t, meters[2], Side(i%2), spans[i:i+1])
		}
		want := meters[0].Report(at)
		for i, m := range meters[1:] {
			if got := m.Report(at); !reflect.DeepEqual(got, want) {
				t.Fatalf("meter %d: %+v, want %+v", i+1, got, want)
			}
		}
		if sum := want.Customer.Talk + want.Agent.Talk - *want.Overtalk; sum != want.Talk {
			t.Fatalf("the sides less overtalk make %v, anybody %v", sum, want.Talk)
		}
	}
}

func BenchmarkReport(b *testing.B) {
	m := NewMeter(Params{}, false)
	for i := range 2000 { // an hour of quick exchange
		at := time.Duration(i) * 1800 * time.Millisecond
		if err := m.Speech(Side(i%2), at, at+2*time.Second); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		m.Report(time.Hour)
	}
}
