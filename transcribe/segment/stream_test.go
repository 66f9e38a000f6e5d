package segment

import (
	"context"
	"math"
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

// line is what happens to speech on its way here.
type line struct {
	name string
	send func(pcm []float32, seed uint64) []float32
}

func lines() []line {
	return []line{
		{"clean", func(pcm []float32, _ uint64) []float32 { return pcm }},
		{"mulaw", func(pcm []float32, _ uint64) []float32 { return corpus.Telephone(pcm, 0, 1, 0) }},
		{"loss 5 % random", func(pcm []float32, seed uint64) []float32 { return corpus.Telephone(pcm, 0.05, 1, seed) }},
		{"loss 5 % in bursts", func(pcm []float32, seed uint64) []float32 { return corpus.Telephone(pcm, 0.05, 4, seed) }},
	}
}

// TestStreaming holds streaming to within one point of what the recogniser
// gives for the whole recording at once. One word of the clean set is almost a
// point, so the sum over all lines decides.
func TestStreaming(t *testing.T) {
	r := corpus.Moonshine(t)
	e := run(t, Config{Recogniser: r, Detector: corpus.Detector(t), Speculate: true})
	clips := corpus.Clips(t, "asr_refs_small")
	var allWhole, allStreamed wer.Counts
	for _, line := range lines() {
		var whole, streamed wer.Counts
		records := make([]*record, len(clips))
		var wg sync.WaitGroup
		for i, c := range clips {
			pcm := line.send(c.PCM, uint64(i))
			res, err := r.Recognise(context.Background(), pcm, speech.Options{})
			if err != nil {
				t.Fatal(err)
			}
			whole = whole.Add(wer.Score(c.Text, res.Text))
			records[i] = &record{}
			l := e.Open(LegConfig{Emit: records[i].emit, Partials: i%2 == 0})
			wg.Go(func() { feed(t, l, pcm16(pcm), false) })
		}
		wg.Wait()
		for i, c := range clips {
			streamed = streamed.Add(wer.Score(c.Text, records[i].text()))
		}
		t.Logf("%s: one-shot %v, streaming %v", line.name, whole, streamed)
		allWhole, allStreamed = allWhole.Add(whole), allStreamed.Add(streamed)
	}
	t.Logf("all lines: one-shot %v, streaming %v", allWhole, allStreamed)
	if allStreamed.Rate() > allWhole.Rate()+0.01 {
		t.Errorf("streaming %v, one-shot %v", allStreamed, allWhole)
	}
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
			e := run(b, Config{Recogniser: corpus.Moonshine(b), Detector: corpus.Detector(b), Speculate: c.speculate})
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
