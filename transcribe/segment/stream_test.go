package segment

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"throughline/transcribe/internal/corpus"
	"throughline/transcribe/speech"
	"throughline/transcribe/vad"
	"throughline/transcribe/wer"
)

// pcm16 is a recording as a leg takes it.
func pcm16(pcm []float32) []int16 {
	out := make([]int16, len(pcm))
	for i, v := range pcm {
		out[i] = int16(max(-32768, min(32767, math.Round(float64(v)*32768))))
	}
	return out
}

// record collects the events of a leg.
type record struct {
	mu     sync.Mutex
	events []speech.Event
}

func (r *record) emit(e speech.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, e)
}

func (r *record) kind(k speech.Kind) []speech.Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []speech.Event
	for _, e := range r.events {
		if e.Kind == k {
			out = append(out, e)
		}
	}
	return out
}

func (r *record) text() string {
	var texts []string
	for _, e := range r.kind(speech.Final) {
		texts = append(texts, e.Text)
	}
	return strings.Join(texts, " ")
}

// run starts an engine for the length of the test.
func run(tb testing.TB, cfg Config) *Engine {
	tb.Helper()
	e, err := New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- e.Run(ctx) }()
	tb.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			tb.Error(err)
		}
	})
	return e
}

// idle waits until the leg has heard all and nothing is in work for it, so
// that a test can go faster than the clock and still see every partial.
func (l *Leg) idle() {
	for {
		l.mu.Lock()
		busy := l.queued || l.partialQueued || l.guess != nil && !l.guess.done || len(l.pending) > 0
		l.mu.Unlock()
		l.engine.mu.Lock()
		busy = busy || l.engine.partial > 0
		l.engine.mu.Unlock()
		if !busy {
			return
		}
		time.Sleep(100 * time.Microsecond)
	}
}

// feed writes pcm in chunks of 100 ms and a second of silence, and closes.
func feed(tb testing.TB, l *Leg, pcm []int16, paced bool) {
	tb.Helper()
	ctx := context.Background()
	pcm = append(pcm[:len(pcm):len(pcm)], make([]int16, speech.Rate)...)
	for len(pcm) > 0 {
		n := min(len(pcm), speech.Rate/10)
		if err := l.Write(ctx, pcm[:n]); err != nil {
			tb.Fatal(err)
		}
		pcm = pcm[n:]
		if paced {
			l.idle()
		}
	}
	if err := l.Close(ctx); err != nil {
		tb.Fatal(err)
	}
}

// draws is how often each line that loses packets loses others.
const draws = 16

// TestStreaming holds streaming to within one point of what the recogniser gives
// for the whole recording at once, on each line. A word of the set is almost a
// point, and which words a loss hits is chance: a line fails where even the lower
// bound of the difference, of 95 per cent over clips and draws, is beyond a point.
// The sum over all lines has no such excuse.
func TestStreaming(t *testing.T) {
	r := corpus.Moonshine(t)
	e := run(t, Config{Recogniser: r, Detector: corpus.Detector(t), Speculate: true, Context: true})
	clips := corpus.Clips(t, "asr_refs_small")
	telephone := func(loss, burst float64) func([]float32, uint64) []float32 {
		return func(pcm []float32, seed uint64) []float32 { return corpus.Telephone(t, pcm, loss, burst, seed) }
	}
	var allWhole, allStreamed wer.Counts
	for _, line := range []struct {
		name  string
		draws int
		send  func(pcm []float32, seed uint64) []float32
	}{
		{"clean", 1, func(pcm []float32, _ uint64) []float32 { return pcm }},
		{"mulaw", 1, telephone(0, 0)},
		{"loss 5 % random", draws, telephone(0.05, 1)},
		{"loss 5 % in bursts", draws, telephone(0.05, 4)},
	} {
		var pairs []pair
		for draw := range line.draws {
			records := make([]*record, len(clips))
			var wg sync.WaitGroup
			for i, c := range clips {
				pcm := line.send(c.PCM, uint64(100*draw+i))
				res, err := r.Recognise(context.Background(), pcm, speech.Options{})
				if err != nil {
					t.Fatal(err)
				}
				pairs = append(pairs, pair{whole: wer.Score(c.Text, res.Text)})
				records[i] = &record{}
				l := e.Open(LegConfig{Emit: records[i].emit, Partials: i%2 == 0})
				wg.Go(func() { feed(t, l, pcm16(pcm), false) })
			}
			wg.Wait()
			for i, c := range clips {
				pairs[draw*len(clips)+i].streamed = wer.Score(c.Text, records[i].text())
			}
		}
		whole, streamed := sum(pairs)
		low, high := difference(pairs)
		t.Logf("%s: one-shot %v, streaming %v, which is %+.1f points (95 %%: %+.1f to %+.1f)",
			line.name, whole, streamed, 100*(streamed.Rate()-whole.Rate()), 100*low, 100*high)
		if low > 0.01 {
			t.Errorf("%s: streaming is more than a point behind", line.name)
		}
		allWhole, allStreamed = allWhole.Add(whole), allStreamed.Add(streamed)
	}
	t.Logf("all lines: one-shot %v, streaming %v", allWhole, allStreamed)
	if allStreamed.Rate() > allWhole.Rate()+0.01 {
		t.Errorf("streaming %v, one-shot %v", allStreamed, allWhole)
	}
}

// pair is one clip heard both ways.
type pair struct{ whole, streamed wer.Counts }

func sum(pairs []pair) (whole, streamed wer.Counts) {
	for _, p := range pairs {
		whole, streamed = whole.Add(p.whole), streamed.Add(p.streamed)
	}
	return whole, streamed
}

// difference is the interval of 95 per cent of streamed less whole error rate,
// by drawing pairs anew (Efron's bootstrap).
func difference(pairs []pair) (low, high float64) {
	dice := rand.New(rand.NewPCG(1, 2))
	all := make([]float64, 1000)
	drawn := make([]pair, len(pairs))
	for i := range all {
		for k := range drawn {
			drawn[k] = pairs[dice.IntN(len(pairs))]
		}
		whole, streamed := sum(drawn)
		all[i] = streamed.Rate() - whole.Rate()
	}
	slices.Sort(all)
	return all[25], all[974]
}

// TestNoise streams noise and expects no words, and a call with long silences
// and expects some.
func TestNoise(t *testing.T) {
	e := run(t, Config{Recogniser: corpus.Moonshine(t), Detector: corpus.Detector(t)})
	for _, c := range corpus.Clips(t, "speech_other") {
		noise := c.File == "noise2.wav" || c.File == "noise3.wav"
		if !noise && c.File != "mediastreamer2_test_silence_voice_8000.wav" {
			continue
		}
		r := &record{}
		feed(t, e.Open(LegConfig{Emit: r.emit}), pcm16(c.PCM), false)
		check(t, r.events)
		if words := len(strings.Fields(r.text())); (words == 0) != noise {
			t.Errorf("%s: %d words", c.File, words)
		}
	}
}

// cpu is the processor time of this process.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkLeg gives the processor time for each second of speech, with the
// detector, in three ways of working.
func BenchmarkLeg(b *testing.B) {
	for _, c := range []struct {
		name                string
		partials, speculate bool
	}{{"finals", false, false}, {"finals guessed", false, true}, {"partials", true, false}, {"partials guessed", true, true}} {
		b.Run(c.name, func(b *testing.B) {
			e := run(b, Config{Recogniser: corpus.Moonshine(b), Detector: corpus.Detector(b), Speculate: c.speculate, Context: true})
			clips := corpus.Clips(b, "asr_refs_small")
			var voiced time.Duration
			partials := 0
			before := cpu()
			for b.Loop() {
				for _, clip := range clips {
					r := &record{}
					feed(b, e.Open(LegConfig{Emit: r.emit, Partials: c.partials}), pcm16(clip.PCM), true)
					for _, f := range r.kind(speech.Final) {
						voiced += f.End - f.Start
					}
					partials += len(r.kind(speech.Partial))
				}
			}
			b.ReportMetric((cpu()-before).Seconds()/voiced.Seconds(), "cpu-s/speech-s")
			b.ReportMetric(float64(partials)/float64(b.N), "partials")
		})
	}
}

var _ Detector = (*vad.Detector)(nil)
