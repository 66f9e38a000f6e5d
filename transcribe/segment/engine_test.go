package segment

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"throughline/transcribe/speech"
	"throughline/transcribe/vad"
)

// loudness is a detector for signals whose truth the test knows: a frame is
// speech when its first sample is positive.
type loudness struct{}

func (loudness) Detect(_ []*vad.Leg, frames, p []float32) error {
	for i := range len(frames) / vad.Frame {
		p[i] = 0.01
		if frames[i*vad.Frame] > 0 {
			p[i] = 0.9
		}
	}
	return nil
}

// counting is a recogniser that answers with the length of what it hears.
type counting struct {
	mu     sync.Mutex
	calls  int
	fail   func(call int) error
	wait   time.Duration
	inside atomic.Int32
	most   atomic.Int32
}

func (c *counting) Recognise(ctx context.Context, pcm []float32, _ speech.Options) (speech.Result, error) {
	n := c.inside.Add(1)
	defer c.inside.Add(-1)
	for m := c.most.Load(); n > m && !c.most.CompareAndSwap(m, n); m = c.most.Load() {
	}
	c.mu.Lock()
	c.calls++
	call := c.calls
	c.mu.Unlock()
	if c.wait > 0 {
		select {
		case <-time.After(c.wait):
		case <-ctx.Done():
			return speech.Result{}, ctx.Err()
		}
	}
	if c.fail != nil {
		if err := c.fail(call); err != nil {
			return speech.Result{}, err
		}
	}
	var words []string
	for i := range len(pcm)/speech.Rate + 1 {
		words = append(words, fmt.Sprint("word", i))
	}
	return speech.Result{Text: strings.Join(words, " "), Confidence: 0.5, Tokens: []int64{1}}, nil
}

// signal makes audio from alternating lengths, in seconds, of silence and of
// speech.
func signal(seconds ...float64) []int16 {
	var out []int16
	for i, s := range seconds {
		part := make([]int16, int(s*speech.Rate))
		if i%2 == 1 {
			for k := range part {
				part[k] = 1000
			}
		}
		out = append(out, part...)
	}
	return out
}

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

// check tells whether events keep the rules that speech.Event promises.
func check(t *testing.T, events []speech.Event) {
	t.Helper()
	open, next := false, 0
	for i, e := range events {
		switch e.Kind {
		case speech.Started:
			if open {
				t.Errorf("event %d: started twice", i)
			}
			open = true
		case speech.Ended:
			if !open {
				t.Errorf("event %d: ended without start", i)
			}
			open = false
		case speech.Partial:
			if !open || e.Utterance < next {
				t.Errorf("event %d: partial of utterance %d, open %v, next final %d", i, e.Utterance, open, next)
			}
		case speech.Final:
			if e.Utterance != next {
				t.Errorf("event %d: final of utterance %d, want %d", i, e.Utterance, next)
			}
			next++
			if e.Start > e.End {
				t.Errorf("event %d: ends before it starts", i)
			}
			for k, w := range e.Words {
				if w.Start > w.End || w.Start < e.Start-time.Second || w.End > e.End+time.Second || k > 0 && w.Start < e.Words[k-1].Start {
					t.Errorf("event %d: word %d at %v to %v in %v to %v", i, k, w.Start, w.End, e.Start, e.End)
				}
			}
		}
	}
	if open {
		t.Error("speech never ended")
	}
}

func TestUtterances(t *testing.T) {
	for _, c := range []struct {
		name   string
		pcm    []int16
		finals int
		cuts   int
	}{
		{"silence", signal(3), 0, 0},
		{"a click", signal(1, 0.05, 2), 0, 0},
		{"one", signal(1, 1, 1), 1, 0},
		{"at once", signal(0, 1, 1), 1, 0},
		{"to the end", signal(1, 1), 1, 0},
		{"two", signal(1, 1, 0.6, 1, 1), 2, 0},
		{"short pause", signal(1, 1, 0.3, 1, 1), 1, 0},
		{"short pause in long speech", signal(1, 7, 0.3, 1, 1), 2, 0},
		{"no pause", signal(0.5, 30, 1), 3, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, speculate := range []bool{false, true} {
				rec := &counting{}
				e := run(t, Config{Recogniser: rec, Detector: loudness{}, Speculate: speculate, Workers: 2})
				r := &record{}
				l := e.Open(LegConfig{Emit: r.emit, Partials: true, Start: 10 * time.Second})
				for chunk := range slices.Chunk(c.pcm, 1600) {
					if err := l.Write(t.Context(), chunk); err != nil {
						t.Fatal(err)
					}
					l.idle()
				}
				if err := l.Close(t.Context()); err != nil {
					t.Fatal(err)
				}
				check(t, r.events)
				finals := r.kind(speech.Final)
				cuts := 0
				for _, f := range finals {
					if f.Cut {
						cuts++
					}
					if f.Start < 10*time.Second {
						t.Errorf("offset of the leg is missing: %v", f.Start)
					}
				}
				if len(finals) != c.finals || cuts != c.cuts {
					t.Errorf("speculate %v: %d finals, %d cuts, want %d and %d", speculate, len(finals), cuts, c.finals, c.cuts)
				}
				if c.finals > 0 && len(r.kind(speech.Started)) == 0 {
					t.Error("no start was told")
				}
				if end := 10*time.Second + offset(int64(len(c.pcm))); l.Settled() < end-time.Second {
					t.Errorf("settled at %v of %v", l.Settled(), end)
				}
				if err := l.Write(t.Context(), make([]int16, 1)); !errors.Is(err, ErrClosed) {
					t.Errorf("write after close: %v", err)
				}
			}
		})
	}
}

// TestRecogniserFails asks for every final again until it is told, and gives
// up at once on what cannot succeed.
func TestRecogniserFails(t *testing.T) {
	for _, c := range []struct {
		name    string
		err     error
		times   int
		giveUp  time.Duration
		wantErr bool
	}{
		{"recovers", errors.New("busy"), 2, time.Minute, false},
		{"refuses", fmt.Errorf("%w: bad key", speech.ErrPermanent), 1 << 20, time.Minute, true},
		{"dead", errors.New("connection refused"), 1 << 20, time.Nanosecond, true},
	} {
		for _, speculate := range []bool{false, true} {
			rec := &counting{fail: func(call int) error {
				if call <= c.times {
					return c.err
				}
				return nil
			}}
			e := run(t, Config{Recogniser: rec, Detector: loudness{}, GiveUp: c.giveUp, Speculate: speculate, Log: quiet()})
			r := &record{}
			l := e.Open(LegConfig{Emit: r.emit})
			if err := errors.Join(l.Write(t.Context(), signal(1, 1, 1)), l.Close(t.Context())); err != nil {
				t.Fatal(err)
			}
			finals := r.kind(speech.Final)
			if len(finals) != 1 || (finals[0].Err != nil) != c.wantErr {
				t.Errorf("%s: finals %+v", c.name, finals)
			}
		}
	}
}

// TestFullLeg makes a writer wait while the recogniser is slow, drops nothing,
// and lets the writer go when its context or the engine ends.
func TestFullLeg(t *testing.T) {
	release := make(chan struct{})
	rec := &counting{fail: func(int) error { <-release; return nil }}
	cfg := Config{Recogniser: rec, Detector: loudness{}, Workers: 1}
	e, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- e.Run(ctx) }()
	r := &record{}
	l := e.Open(LegConfig{Emit: r.emit})
	const utterances = 30
	wrote := make(chan error, 1)
	go func() {
		for range utterances {
			if err := l.Write(t.Context(), signal(0.6, 0.3)); err != nil {
				wrote <- err
				return
			}
		}
		wrote <- l.Close(t.Context())
	}()
	held := 0
	for held < mostPending { // the recogniser has the first, so none is told
		select {
		case err := <-wrote:
			t.Fatalf("the writer did not wait: %v", err)
		case <-time.After(10 * time.Millisecond):
		}
		l.mu.Lock()
		held = len(l.pending)
		l.mu.Unlock()
	}
	if held > mostPending+2*mostUnheard/speech.Rate {
		t.Errorf("%d finals wait", held)
	}
	short, stop := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer stop()
	if err := l.Write(short, make([]int16, speech.Rate)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("write to a full leg: %v", err)
	}
	close(release)
	if err := <-wrote; err != nil {
		t.Fatal(err)
	}
	if n := len(r.kind(speech.Final)); n != utterances {
		t.Errorf("%d finals of %d", n, utterances)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	late := e.Open(LegConfig{Emit: r.emit})
	if err := late.Write(t.Context(), make([]int16, 3*speech.Rate)); !errors.Is(err, ErrStopped) {
		t.Errorf("write after the engine stopped: %v", err)
	}
	if err := late.Close(t.Context()); !errors.Is(err, ErrStopped) {
		t.Errorf("close after the engine stopped: %v", err)
	}
}

// TestManyLegs runs legs side by side and holds the engine to its bounds: no
// goroutine for a leg, no more calls at once than workers, little memory for a
// silent leg.
func TestManyLegs(t *testing.T) {
	const legs = 400
	rec := &counting{wait: time.Millisecond}
	e := run(t, Config{Recogniser: rec, Detector: loudness{}, Workers: 3})
	before := runtime.NumGoroutine()
	var wg sync.WaitGroup
	records := make([]record, legs)
	open := make([]*Leg, legs)
	for i := range legs {
		open[i] = e.Open(LegConfig{Emit: records[i].emit, Partials: i%2 == 0})
	}
	slots := make(chan struct{}, 8)
	for i := range legs {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			lengths := []float64{float64(i%7) / 10, 1}
			for range i % 4 {
				lengths = append(lengths, 0.5+rand.Float64(), 0.4+rand.Float64())
			}
			lengths = append(lengths, 5)
			for chunk := range slices.Chunk(signal(lengths...), 3200) {
				if err := open[i].Write(context.Background(), chunk); err != nil {
					t.Error(err)
				}
			}
			open[i].idle()
		})
	}
	wg.Wait()
	now := runtime.NumGoroutine()
	for end := time.Now().Add(time.Minute); now > before+10 && time.Now().Before(end); now = runtime.NumGoroutine() {
		time.Sleep(10 * time.Millisecond) // writers are about to end
	}
	if now > before+10 {
		t.Errorf("%d goroutines for %d legs, %d before", now, legs, before)
	}
	for i, l := range open {
		l.mu.Lock()
		size := 2*cap(l.audio) + 4*cap(l.ends.progress)
		l.mu.Unlock()
		if size > 1<<17 {
			t.Errorf("silent leg %d holds %d bytes", i, size)
		}
		if err := l.Close(context.Background()); err != nil {
			t.Fatal(err)
		}
		check(t, records[i].events)
		if got := len(records[i].kind(speech.Final)); got != 1+i%4 {
			t.Errorf("leg %d: %d finals, want %d", i, got, 1+i%4)
		}
	}
	if m := rec.most.Load(); m > 3 {
		t.Errorf("%d calls at once on 3 workers", m)
	}
}

func TestDetectorFails(t *testing.T) {
	broken := errors.New("network is gone")
	e, err := New(Config{Recogniser: &counting{}, Detector: failing{broken}})
	if err != nil {
		t.Fatal(err)
	}
	l := e.Open(LegConfig{Emit: func(speech.Event) {}})
	if err := l.Write(t.Context(), signal(1)); err != nil {
		t.Fatal(err)
	}
	if err := e.Run(t.Context()); !errors.Is(err, broken) {
		t.Errorf("run: %v", err)
	}
	if err := l.Close(t.Context()); !errors.Is(err, ErrStopped) {
		t.Errorf("close: %v", err)
	}
}

type failing struct{ err error }

func (f failing) Detect([]*vad.Leg, []float32, []float32) error { return f.err }

func TestConfig(t *testing.T) {
	if _, err := New(Config{Detector: loudness{}}); !errors.Is(err, errNoRecogniser) {
		t.Errorf("no recogniser: %v", err)
	}
	if _, err := New(Config{Recogniser: &counting{}}); !errors.Is(err, errNoDetector) {
		t.Errorf("no detector: %v", err)
	}
}

func TestAgreement(t *testing.T) {
	var a agreement
	for i, c := range []struct{ hypothesis, stable, tail string }{
		{"I would", "", "I would"},
		{"I would like, to", "I would", "like, to"},
		{"i would like to cancel", "I would like to", "cancel"},
		{"I would", "I would like to", ""},
		{"I would like to cans", "I would like to", "cans"},
		{"I would like to cancel it", "I would like to", "cancel it"},
		{"I would like to cancel it now", "I would like to cancel it", "now"},
	} {
		var words []speech.Word
		for _, w := range strings.Fields(c.hypothesis) {
			words = append(words, speech.Word{Text: w})
		}
		if stable, tail := a.hear(words); stable != c.stable || tail != c.tail {
			t.Errorf("step %d: %q + %q, want %q + %q", i, stable, tail, c.stable, c.tail)
		}
	}
}

func TestTimed(t *testing.T) {
	voiced := slices.Concat(slices.Repeat([]bool{true}, 10), slices.Repeat([]bool{false}, 10), slices.Repeat([]bool{true}, 10))
	s := &span{from: 8000, start: 16000, end: 16000 + 30*vad.Frame, voiced: voiced}
	words := timed(speech.Result{Text: "hello again hello again"}, s)
	if len(words) != 4 || words[0].Start != time.Second || !words[0].Approximate {
		t.Fatalf("words = %+v", words)
	}
	pause := time.Second + 10*32*time.Millisecond
	if words[1].End != pause || words[2].Start != pause+10*32*time.Millisecond || words[3].End != offset(s.end) {
		t.Errorf("the pause is not between the words: %+v", words)
	}
	own := timed(speech.Result{Text: "hi", Words: []speech.Word{{Text: "hi", Start: time.Second, End: 2 * time.Second}}}, s)
	if own[0].Start != 1500*time.Millisecond || own[0].Approximate {
		t.Errorf("times of the engine: %+v", own)
	}
	if got := timed(speech.Result{}, s); len(got) != 0 {
		t.Errorf("no text: %+v", got)
	}
	for _, d := range []time.Duration{0, time.Second, 200 * time.Hour, 32 * time.Millisecond} {
		if got := offset(sampleAt(d)); got != d {
			t.Errorf("offset of %v is %v", d, got)
		}
	}
}

func TestLoad(t *testing.T) {
	l := load{workers: 2}
	now := time.Unix(1000, 0)
	l.now(now)
	for range 100 {
		now = now.Add(loadSample)
		l.add(loadSample) // one of two workers
		l.now(now)
	}
	if l.mean < 0.45 || l.mean > 0.55 {
		t.Errorf("load = %v, want a half", l.mean)
	}
	if got := l.now(now.Add(time.Minute)); got > 0.01 {
		t.Errorf("load a minute later = %v", got)
	}
}

// FuzzEndpointer feeds any probabilities and checks that utterances are in
// order, do not overlap and are not longer than allowed.
func FuzzEndpointer(f *testing.F) {
	f.Add([]byte{0, 255, 255, 255, 255, 255, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})
	f.Add(slices.Repeat([]byte{200, 90}, 600))
	f.Add(slices.Concat(slices.Repeat([]byte{250}, 200), slices.Repeat([]byte{10}, 9), slices.Repeat([]byte{250}, 300)))
	f.Fuzz(func(t *testing.T, p []byte) {
		var e endpointer
		var told int64
		spoken := false
		look := func(v verdict, now int64) {
			if v.started {
				if spoken {
					t.Fatal("started twice")
				}
				spoken = true
			}
			if v.final != nil {
				s := v.final
				if s.from < told-trail || s.start < told || s.end < s.start || s.to < s.from || s.end > now || s.from > s.start {
					t.Fatalf("span %d..%d (%d..%d) after %d", s.start, s.end, s.from, s.to, told)
				}
				if s.to-s.from > longest+trail {
					t.Fatalf("span of %d samples", s.to-s.from)
				}
				if len(s.voiced) != int(s.end-s.start)/vad.Frame && !s.cut {
					t.Fatalf("%d frames for %d samples", len(s.voiced), s.end-s.start)
				}
				told = s.end
			}
			if v.ended {
				if !spoken {
					t.Fatal("ended without start")
				}
				spoken = false
			}
		}
		now := int64(0)
		for _, b := range p {
			v := e.step(float32(b)/255, now)
			now += vad.Frame
			look(v, now)
		}
		look(e.flush(), now)
		if spoken {
			t.Fatal("never ended")
		}
	})
}
