package activity

import (
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"throughline/media"
	"throughline/media/measure"
	"throughline/media/wav"
)

// script makes audio of 8 kHz: spans of tone at a level in dB over noise at another.
func script(noise float64, spans ...float64) []int16 {
	random := rand.New(rand.NewPCG(5, 6))
	var out []int16
	for i := 0; i+1 < len(spans); i += 2 {
		amplitude := 32767 * math.Pow(10, spans[i+1]/20) * math.Sqrt2
		for range int(spans[i] * 8000) {
			t := float64(len(out)) / 8000
			v := amplitude*math.Sin(2*math.Pi*300*t) + 32767*math.Pow(10, noise/20)*random.NormFloat64()
			out = append(out, int16(min(max(v, -32768), 32767)))
		}
	}
	return out
}

const off = -200 // dB: no tone

func detect(t testing.TB, rate int, blocks ...media.Block) ([]Interval, *Detector) {
	t.Helper()
	var got []Interval
	d, err := NewDetector(rate, func(i Interval) error { got = append(got, i); return nil })
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range blocks {
		for len(b.Samples) > 0 {
			n := min(len(b.Samples), 333)
			if err := d.WritePCM(media.Block{Offset: b.Offset, Samples: b.Samples[:n], Origin: b.Origin}); err != nil {
				t.Fatal(err)
			}
			b.Offset += media.TicksDuration(int64(n), rate)
			b.Samples = b.Samples[n:]
		}
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	return got, d
}

func TestDetector(t *testing.T) {
	heard := func(s []int16) []media.Block { return []media.Block{{Samples: s}} }
	tests := []struct {
		name   string
		blocks []media.Block
		want   []float64 // begin and end in seconds
	}{
		{"digital silence", heard(make([]int16, 80000)), nil},
		{"line noise", heard(script(-50, 20, off)), nil},
		{"speech on a clean line", heard(script(-90, 1, off, 2, -26, 1, off, 1, -30, 1, off)), []float64{1, 3, 4, 5}},
		{"speech on a noisy line", heard(script(-50, 4, off, 2, -26, 1, off)), []float64{4, 6}},
		{"a pause shorter than the hangover", heard(script(-90, 1, off, 1, -26, 0.2, off, 1, -26, 1, off)), []float64{1, 3.2}},
		{"a click", heard(script(-90, 1, off, 0.04, -10, 1, off)), nil},
		{"sound to the end", heard(script(-90, 1, off, 1, -26)), []float64{1, 2}},
		{"a bridged loss is not speech", []media.Block{
			{Samples: script(-90, 1, off)}, {Offset: time.Second, Samples: script(-90, 1, -26), Origin: media.Concealed},
		}, nil},
		{"a hold ends an interval", []media.Block{
			{Samples: script(-90, 1, -26)}, {Offset: time.Minute, Samples: script(-90, 1, -26)},
		}, []float64{0, 1, 60, 61}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, _ := detect(t, 8000, tt.blocks...)
			if len(got)*2 != len(tt.want) {
				t.Fatalf("%v, want %v", got, tt.want)
			}
			for i, g := range got {
				if math.Abs(g.Begin.Seconds()-tt.want[2*i]) > 0.021 || math.Abs(g.End.Seconds()-tt.want[2*i+1]) > 0.021 {
					t.Errorf("interval %d is %v to %v, want %v", i, g.Begin, g.End, tt.want[2*i:2*i+2])
				}
				if g.Level < -31 || g.Level > -25 || g.Open {
					t.Errorf("interval %d at %.1f dB, open %v", i, g.Level, g.Open)
				}
			}
		})
	}
}

func TestNoiseThatGrowsIsLearnt(t *testing.T) {
	got, _ := detect(t, 8000, media.Block{Samples: script(-80, 3, off)}, media.Block{Offset: 3 * time.Second, Samples: script(-48, 20, off)})
	if len(got) > 1 || len(got) == 1 && got[0].Duration() > 2*floorWindow+time.Second {
		t.Errorf("louder noise is taken for speech: %v", got)
	}
}

// Duration is the length of an interval.
func (i Interval) Duration() time.Duration { return i.End - i.Begin }

func TestCurrentAndSilent(t *testing.T) {
	d, err := NewDetector(8000, func(Interval) error { return io.ErrShortWrite })
	if err != nil {
		t.Fatal(err)
	}
	at := time.Duration(0)
	write := func(s []int16) error {
		b := media.Block{Offset: at, Samples: s}
		at += media.TicksDuration(int64(len(s)), 8000)
		return d.WritePCM(b)
	}
	if err := write(make([]int16, 80000)); err != nil || d.Silent() != 10*time.Second {
		t.Errorf("silent for %v, %v", d.Silent(), err)
	}
	if err := write(script(-90, 1, -26)); err != nil {
		t.Fatal(err)
	}
	if now, open := d.Current(); !open || now.Begin != 10*time.Second || now.End != 11*time.Second || d.Silent() != 0 {
		t.Errorf("current %+v, %v, silent %v", now, open, d.Silent())
	}
	if err := write(make([]int16, 8000)); !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("the error of delivery is %v", err)
	}
	if _, err := NewDetector(0, nil); !errors.Is(err, media.ErrRate) {
		t.Errorf("no rate: %v", err)
	}
}

// TestTwoPartyCall measures a real call of two channels. Nobody has marked its turns, so only what
// must hold of any dialogue is checked: both parties speak, mostly in turn, within the call.
func TestTwoPartyCall(t *testing.T) {
	dir := os.Getenv("THROUGHLINE_DATA")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "data")
	}
	m := measure.NewMeter(measure.Params{}, false)
	end := time.Duration(0)
	for side, name := range []string{"auto_repairs_40_customer.wav", "auto_repairs_40_agent.wav"} {
		f, err := os.Open(filepath.Join(dir, "calls_two_channel", name))
		if err != nil {
			t.Skip("no ../shared/data beside the repository; set THROUGHLINE_DATA")
		}
		defer f.Close()
		r, err := wav.NewReader(f)
		if err != nil {
			t.Fatal(err)
		}
		all := make([]int16, 300*8000)
		n, err := r.Read(all)
		if err != nil {
			t.Fatal(err)
		}
		intervals, _ := detect(t, 8000, media.Block{Samples: all[:n]})
		for _, i := range intervals {
			if err := errors.Join(m.Speech(measure.Side(side), i.Begin, i.End), m.Level(measure.Side(side), i.Level)); err != nil {
				t.Fatal(err)
			}
		}
		end = max(end, media.TicksDuration(int64(n), 8000))
	}
	r := m.Report(end)
	t.Logf("talk %v of %v: customer %v in %d turns at loudness %.0f, agent %v in %d at %.0f; overtalk %v, non-talk %v, %d interruptions",
		r.Talk, end, r.Customer.Talk, r.Customer.Turns, *r.Customer.Loudness, r.Agent.Talk, r.Agent.Turns, *r.Agent.Loudness, *r.Overtalk, r.NonTalk, len(r.Interruptions))
	for _, p := range []*measure.Party{r.Customer, r.Agent} {
		if p.Turns < 10 || p.Talk < end/20 || p.Talk > end*9/10 || *p.Loudness < 20 || *p.Loudness > 90 {
			t.Errorf("a party spoke %v in %d turns at %.0f", p.Talk, p.Turns, *p.Loudness)
		}
	}
	if r.Talk > end || *r.OvertalkShare > 0.2 {
		t.Errorf("talk %v, overtalk share %.2f", r.Talk, *r.OvertalkShare)
	}
}

func BenchmarkDetector(b *testing.B) {
	d, err := NewDetector(8000, func(Interval) error { return nil })
	if err != nil {
		b.Fatal(err)
	}
	sound := script(-60, 1, -26)
	at := time.Duration(0)
	b.ReportAllocs()
	for b.Loop() {
		if err := d.WritePCM(media.Block{Offset: at, Samples: sound}); err != nil {
			b.Fatal(err)
		}
		at += time.Second
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "×realtime")
}
