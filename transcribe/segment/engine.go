package segment

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"throughline/transcribe/speech"
	"throughline/transcribe/thread"
	"throughline/transcribe/vad"
)

// Engine shares a detector and a recogniser among any number of legs.
//
// Listeners move legs through the detector, as many at once as are ready, so
// that batches grow with the load by themselves. Workers recognise: finals
// first, in the order in which people stopped speaking; then guesses; then
// partials, on at most half of the workers, so that no final waits for a
// partial while another worker is free.
type Engine struct {
	cfg     Config
	stopped chan struct{}

	mu       sync.Mutex
	wake     *sync.Cond // of the listeners
	work     *sync.Cond // of the workers
	ready    fifo[*Leg]
	finals   fifo[*task]
	guessed  fifo[*task]
	partials fifo[*Leg]
	partial  int // partials in work
	over     bool
	load     load
}

// task is an utterance, or a part of one, to recognise.
type task struct {
	leg       *Leg
	utterance int
	span      span
	pcm       []int16
	draft     []int64
	before    *task // heard together with this one
	next      *task // a final that waits for this one, to be heard with it

	// taken belongs to the engine's lock, the rest to the leg's.
	taken    bool
	final    bool
	dropped  bool
	done     bool
	result   speech.Result
	err      error
	began    time.Time
	attempts int
}

// New checks the configuration.
func New(cfg Config) (*Engine, error) {
	cfg, err := cfg.complete()
	if err != nil {
		return nil, err
	}
	e := &Engine{cfg: cfg, stopped: make(chan struct{})}
	e.wake, e.work = sync.NewCond(&e.mu), sync.NewCond(&e.mu)
	e.load.workers = cfg.Workers
	return e, nil
}

// Run works until ctx ends, or until the detector fails, which is the only
// error. It may be called once.
func (e *Engine) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stop := context.AfterFunc(ctx, func() {
		e.mu.Lock()
		e.over = true
		e.mu.Unlock()
		e.wake.Broadcast()
		e.work.Broadcast()
	})
	defer stop()
	var wg sync.WaitGroup
	for range e.cfg.Listeners {
		wg.Go(func() {
			thread.Yield()
			if err := e.listen(); err != nil {
				cancel(err)
			}
		})
	}
	for range e.cfg.Workers {
		wg.Go(func() {
			thread.Yield()
			e.recognise(ctx)
		})
	}
	<-ctx.Done()
	wg.Wait()
	close(e.stopped)
	if err := context.Cause(ctx); !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("segment speech: %w", err)
	}
	return nil
}

// Open begins a leg. It takes nothing until samples are written.
func (e *Engine) Open(cfg LegConfig) *Leg {
	at := sampleAt(cfg.Start)
	return &Leg{
		engine: e, cfg: cfg,
		room: make(chan struct{}, 1), done: make(chan struct{}),
		head: at, heard: at, settled: at, ends: endpointer{floor: at},
	}
}

// Load is the share of the workers' time that finals took lately, in [0, 1].
func (e *Engine) Load() float64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.load.now(time.Now())
}

// rounds is how many frames of a leg a listener hears before it looks for
// other legs.
const rounds = 8

// listen moves legs through the detector until the engine is over.
func (e *Engine) listen() error {
	frames := make([]float32, vad.MaxBatch*vad.Frame)
	probabilities := make([]float32, vad.MaxBatch)
	active := make([]*Leg, 0, vad.MaxBatch)
	networks := make([]*vad.Leg, 0, vad.MaxBatch)
	for {
		legs := e.takeReady()
		if legs == nil {
			return nil
		}
		for range rounds {
			active, networks = active[:0], networks[:0]
			for _, l := range legs {
				at := len(active) * vad.Frame
				if l.frame(frames[at : at+vad.Frame]) {
					active, networks = append(active, l), append(networks, &l.network)
				}
			}
			if len(active) == 0 {
				break
			}
			if err := e.cfg.Detector.Detect(networks, frames[:len(active)*vad.Frame], probabilities); err != nil {
				return err
			}
			for i, l := range active {
				l.hear(probabilities[i])
			}
		}
		for _, l := range legs {
			l.release()
		}
	}
}

// takeReady waits for legs with audio to hear; nil means that the engine is
// over.
func (e *Engine) takeReady() []*Leg {
	e.mu.Lock()
	defer e.mu.Unlock()
	for e.ready.len() == 0 && !e.over {
		e.wake.Wait()
	}
	if e.over {
		return nil
	}
	legs := make([]*Leg, 0, min(e.ready.len(), vad.MaxBatch))
	for len(legs) < cap(legs) {
		legs = append(legs, e.ready.pop())
	}
	return legs
}

// recognise works through the tasks until the engine is over.
func (e *Engine) recognise(ctx context.Context) {
	for {
		t, leg := e.takeWork()
		switch {
		case t != nil:
			e.complete(ctx, t)
		case leg != nil:
			if t := leg.takePartial(); t != nil {
				res, err := e.hear(ctx, t)
				leg.finished(t, res, err, false)
			}
			e.mu.Lock()
			e.partial--
			e.mu.Unlock()
			e.work.Signal()
		default:
			return
		}
	}
}

// takeWork waits for a task, or a leg that wants a partial; two nils mean that
// the engine is over.
func (e *Engine) takeWork() (*task, *Leg) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for {
		if e.over {
			return nil, nil
		}
		for _, q := range []*fifo[*task]{&e.finals, &e.guessed} {
			for q.len() > 0 {
				// A guess that became a final is in both queues.
				if t := q.pop(); !t.taken {
					t.taken = true
					return t, nil
				}
			}
		}
		if e.partials.len() > 0 && e.partial < max(1, e.cfg.Workers/2) {
			e.partial++
			return nil, e.partials.pop()
		}
		e.work.Wait()
	}
}

// complete recognises a final or a guess. A final that fails is tried again
// later; a guess that fails is forgotten.
func (e *Engine) complete(ctx context.Context, t *task) {
	if t.leg.unwanted(t) {
		return
	}
	began := time.Now()
	if t.began.IsZero() {
		t.began = began
	}
	res, err := e.hear(ctx, t)
	e.mu.Lock()
	e.load.add(time.Since(began))
	e.mu.Unlock()
	if err != nil && ctx.Err() != nil {
		return
	}
	if err == nil && t.attempts > 0 {
		e.cfg.Log.Info("recogniser works again", "component", "transcribe", "attempts", t.attempts)
	}
	retry := !errors.Is(err, speech.ErrPermanent) && time.Since(t.began) < e.cfg.GiveUp
	if t.leg.finished(t, res, err, retry) {
		e.retry(t, err)
	}
}

// The waits between attempts double from the first to the last.
const (
	firstWait = 250 * time.Millisecond
	lastWait  = 15 * time.Second
)

func (e *Engine) retry(t *task, err error) {
	wait := min(lastWait, firstWait<<min(t.attempts, 6))
	t.attempts++
	e.cfg.Log.Warn("recogniser fails, asking again", "component", "transcribe", "attempt", t.attempts, "wait", wait, "error", err)
	time.AfterFunc(wait, func() {
		e.mu.Lock()
		t.taken = false
		e.mu.Unlock()
		e.addFinal(t)
	})
}

func (e *Engine) hear(ctx context.Context, t *task) (speech.Result, error) {
	ctx, cancel := context.WithTimeout(ctx, e.cfg.Timeout)
	defer cancel()
	pcm := make([]float32, len(t.pcm))
	toFloat(pcm, t.pcm)
	return e.cfg.Recogniser.Recognise(ctx, pcm, speech.Options{Draft: t.draft, Hints: t.leg.cfg.Hints, Before: t.context()})
}

func (e *Engine) addReady(l *Leg) {
	e.mu.Lock()
	e.ready.push(l)
	e.mu.Unlock()
	e.wake.Signal()
}

func (e *Engine) addFinal(t *task) { e.add(&e.finals, t) }
func (e *Engine) addGuess(t *task) { e.add(&e.guessed, t) }

func (e *Engine) add(q *fifo[*task], t *task) {
	e.mu.Lock()
	q.push(t)
	e.mu.Unlock()
	e.work.Signal()
}

func (e *Engine) addPartial(l *Leg) {
	e.mu.Lock()
	e.partials.push(l)
	e.mu.Unlock()
	e.work.Signal()
}

// The loads above which guesses and partials are not made at all.
const (
	guessLoad   = 0.6
	partialLoad = 0.95
)

// guesses reports whether the end of an utterance should be guessed.
func (e *Engine) guesses() bool { return e.cfg.Speculate && e.Load() < guessLoad }

// partialInterval is how many samples lie between two partials of an utterance
// of the given length: half a second and 0.15 of the length, more as finals
// leave less time. It reports false when there is no time at all.
func (e *Engine) partialInterval(length int64) (int64, bool) {
	l := e.Load()
	if l > partialLoad {
		return 0, false
	}
	return int64((0.5*speech.Rate + 0.15*float64(length)) / (1 - l)), true
}
