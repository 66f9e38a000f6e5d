package segment

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"throughline/transcribe/speech"
	"throughline/transcribe/vad"
)

// The bounds of what a leg holds. Whoever writes beyond them waits.
const (
	// mostUnheard is the audio that waits for the detector, in samples.
	mostUnheard = 2 * speech.Rate
	// mostPending is how many finals wait for the recogniser.
	mostPending = 8
	// slack is how much audio that nobody needs stays before the rest moves up.
	slack = 8192
)

var (
	// ErrClosed is returned for a leg that was closed.
	ErrClosed = errors.New("leg closed")
	// ErrStopped is returned after the engine's Run ended.
	ErrStopped = errors.New("engine stopped")
)

// Leg is the speech of one party of one call. It has no goroutine of its own:
// a silent leg costs about 30 kB and its share of the detector. One goroutine
// at a time may write to it.
type Leg struct {
	engine *Engine
	cfg    LegConfig
	room   chan struct{} // a writer may look again
	done   chan struct{} // all is told

	// network and the frame in hand belong to the listener that holds the leg.
	network vad.Leg

	mu      sync.Mutex
	audio   []int16
	head    int64 // sample number of audio[0]
	heard   int64 // first sample that the detector has not heard
	ends    endpointer
	queued  bool // waits for a listener or is held by one
	closing bool
	flushed bool
	settled int64

	utterance int
	pending   []*task // finals that are not told, in order
	guess     *task
	last      *task // the newest final, while it can help with the next

	words         agreement
	draft         []int64
	partialAt     int64 // how far the last partial listened
	partialQueued bool

	out        []speech.Event
	delivering bool
}

// Write takes the next samples, mono at speech.Rate. It waits while the leg is
// full: no audio is dropped.
func (l *Leg) Write(ctx context.Context, pcm []int16) error {
	for len(pcm) > 0 {
		n := min(len(pcm), speech.Rate/2)
		err := l.when(ctx, func() bool {
			return l.unheard()+n <= mostUnheard && len(l.pending) < mostPending
		}, func() {
			l.audio = append(l.audio, pcm[:n]...)
			l.enqueue()
		})
		if err != nil {
			return fmt.Errorf("write audio: %w", err)
		}
		pcm = pcm[n:]
	}
	return nil
}

// Skip tells that the leg's next d hold no audio: they were lost, or the leg
// was on hold. A short gap is heard as silence; a long one ends the utterance.
func (l *Leg) Skip(ctx context.Context, d time.Duration) error {
	n := sampleAt(d)
	quiet := min(n, 2*hangover)
	if err := l.Write(ctx, make([]int16, quiet)); err != nil {
		return fmt.Errorf("skip audio: %w", err)
	}
	if n -= quiet; n <= 0 {
		return nil
	}
	if err := l.Write(ctx, make([]int16, vad.Frame-1)); err != nil {
		return fmt.Errorf("skip audio: %w", err)
	}
	err := l.when(ctx, func() bool { return !l.queued }, func() {
		// What is left is less than a frame of the silence just written.
		at := l.head + int64(len(l.audio)) - (vad.Frame - 1) + n
		l.react(l.ends.flush())
		l.ends = endpointer{floor: at}
		l.network = vad.Leg{}
		l.audio, l.head, l.heard = l.audio[:0], at, at
	})
	l.deliver()
	if err != nil {
		return fmt.Errorf("skip audio: %w", err)
	}
	return nil
}

// Close ends the leg's audio and waits until its last event has been told.
// When ctx ends first the rest is still told, unless the engine stops.
func (l *Leg) Close(ctx context.Context) error {
	l.mu.Lock()
	if !l.closing {
		// Silence follows, as after every other utterance, up to a whole frame.
		l.audio = append(l.audio, make([]int16, trail)...)
		if r := l.unheard() % vad.Frame; r > 0 {
			l.audio = append(l.audio, make([]int16, vad.Frame-r)...)
		}
		l.closing = true
		l.enqueue()
	}
	l.mu.Unlock()
	select {
	case <-l.done:
		return nil
	case <-l.engine.stopped:
		return fmt.Errorf("close leg: %w", ErrStopped)
	case <-ctx.Done():
		return fmt.Errorf("close leg: %w", ctx.Err())
	}
}

// Settled is the offset before which all that was said has been told. A leg
// that is taken up there, after a crash, loses and repeats no utterance.
func (l *Leg) Settled() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return offset(l.settled)
}

// when waits for the condition and then acts, both under the lock.
func (l *Leg) when(ctx context.Context, condition func() bool, act func()) error {
	for {
		l.mu.Lock()
		if l.closing {
			l.mu.Unlock()
			return ErrClosed
		}
		if condition() {
			act()
			l.mu.Unlock()
			return nil
		}
		l.mu.Unlock()
		select {
		case <-l.room:
		case <-l.engine.stopped:
			return ErrStopped
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// unheard is how many samples wait for the detector.
func (l *Leg) unheard() int { return len(l.audio) - int(l.heard-l.head) }

// enqueue gives the leg to a listener when there is something to hear.
func (l *Leg) enqueue() {
	if l.queued || l.flushed || (l.unheard() < vad.Frame && !l.closing) {
		return
	}
	l.queued = true
	l.engine.addReady(l)
}

// frame copies the next frame to dst, when there is one.
func (l *Leg) frame(dst []float32) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.unheard() < vad.Frame {
		return false
	}
	toFloat(dst, l.audio[l.heard-l.head:])
	return true
}

// hear acts on the probability of the frame.
func (l *Leg) hear(p float32) {
	l.mu.Lock()
	v := l.ends.step(p, l.heard)
	l.heard += vad.Frame
	l.react(v)
	l.wantPartial()
	l.trim()
	l.mu.Unlock()
	l.deliver()
}

// release is called by the listener when it is done with the leg.
func (l *Leg) release() {
	l.mu.Lock()
	l.queued = false
	if l.closing && !l.flushed && l.unheard() == 0 {
		l.react(l.ends.flush())
		l.flushed = true
	}
	l.enqueue()
	l.mu.Unlock()
	l.deliver()
	l.signal()
}

func (l *Leg) signal() {
	select {
	case l.room <- struct{}{}:
	default:
	}
}

// react turns a verdict into events and tasks.
func (l *Leg) react(v verdict) {
	if v.started {
		l.tell(speech.Event{Kind: speech.Started, Utterance: l.utterance, Start: offset(l.ends.start), End: offset(l.ends.start)})
		l.newWords()
	}
	if v.resumed && l.guess != nil {
		if l.guess.done {
			l.hypothesis(l.guess)
		}
		l.guess.dropped = true
		l.guess = nil
	}
	if v.guess != nil && l.engine.guesses() {
		if b := l.before(v.guess); b == nil || b.done {
			l.guess = l.newTask(*v.guess)
			l.guess.before = b
			l.engine.addGuess(l.guess)
		}
	}
	if v.ended {
		l.tell(speech.Event{Kind: speech.Ended, Utterance: l.utterance, Start: offset(l.ends.end), End: offset(l.ends.end)})
	}
	if v.final == nil {
		return
	}
	t := l.guess
	if t == nil || t.span.from != v.final.from || t.span.to != v.final.to {
		t = l.newTask(*v.final)
		t.before = l.before(v.final)
	}
	t.final = true
	l.guess = nil
	l.remember(t)
	l.utterance++
	l.newWords()
	l.pending = append(l.pending, t)
	if t.done {
		l.tellFinals()
		return
	}
	if b := t.before; b != nil && !b.done {
		b.next = t
		return
	}
	l.engine.addFinal(t)
}

func (l *Leg) newWords() {
	l.words, l.draft, l.partialAt = agreement{}, nil, l.ends.from
}

func (l *Leg) newTask(s span) *task {
	s.to = min(s.to, l.heard)
	return &task{leg: l, utterance: l.utterance, span: s, pcm: slices.Clone(l.audio[s.from-l.head : s.to-l.head])}
}

// finished takes the result of a task. It reports whether the task, a final
// that failed, should be tried again; retry says whether that makes sense.
func (l *Leg) finished(t *task, res speech.Result, err error, retry bool) (again bool) {
	l.mu.Lock()
	if err != nil && t.final && retry {
		l.mu.Unlock()
		return true
	}
	t.done, t.result, t.err = true, res, err
	if t.next != nil {
		l.engine.addFinal(t.next)
	}
	t.before, t.next = nil, nil
	switch {
	case t.final:
		l.tellFinals()
	case t.dropped:
		// A guess that was wrong is still a good partial.
		l.hypothesis(t)
	case err != nil && l.guess == t:
		l.guess = nil
	}
	l.mu.Unlock()
	l.deliver()
	l.signal()
	return false
}

// unwanted reports whether a guess turned out wrong before it was begun.
func (l *Leg) unwanted(t *task) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return t.dropped
}

// tellFinals tells the finals that are ready, in order.
func (l *Leg) tellFinals() {
	for len(l.pending) > 0 && l.pending[0].done {
		t := l.pending[0]
		l.pending = l.pending[1:]
		e := speech.Event{
			Kind: speech.Final, Utterance: t.utterance,
			Start: offset(t.span.start), End: offset(t.span.end),
			Cut: t.span.cut, Err: t.err,
		}
		if t.err == nil {
			e.Words = l.correct(timed(t.result, &t.span))
			e.Text, e.Confidence, e.NoSpeech = joined(e.Words), t.result.Confidence, t.result.NoSpeech
		}
		l.tell(e)
	}
}

// hypothesis tells a result as a partial, unless its utterance is over.
func (l *Leg) hypothesis(t *task) {
	if !l.cfg.Partials || t.utterance != l.utterance || !l.ends.open || t.err != nil || t.result.NoSpeech {
		return
	}
	l.draft = t.result.Tokens
	l.partialAt = max(l.partialAt, t.span.to)
	var words []speech.Word
	for _, text := range strings.Fields(t.result.Text) {
		words = append(words, speech.Word{Text: text})
	}
	e := speech.Event{Kind: speech.Partial, Utterance: t.utterance, Start: offset(l.ends.start), End: offset(t.span.to)}
	e.Stable, e.Tail = l.words.hear(l.correct(words))
	l.tell(e)
}

func (l *Leg) correct(words []speech.Word) []speech.Word {
	if l.cfg.Corrector == nil {
		return words
	}
	return l.cfg.Corrector.Correct(words)
}

// wantPartial asks for a partial when one is due. The wait grows with the
// utterance, because each partial hears it all again, and with the load.
func (l *Leg) wantPartial() {
	if !l.cfg.Partials || l.partialQueued || !l.ends.open || !l.ends.told || l.ends.silence(l.heard) >= guessAfter {
		return
	}
	length := l.heard - l.ends.from
	wait, ok := l.engine.partialInterval(length)
	if !ok || l.heard-l.partialAt < wait {
		return
	}
	l.partialQueued = true
	l.engine.addPartial(l)
}

// takePartial returns the open utterance as a task, or nil when it is over.
func (l *Leg) takePartial() *task {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.partialQueued = false
	if !l.ends.open || !l.ends.told || l.heard <= l.partialAt {
		return nil
	}
	l.partialAt = l.heard
	t := l.newTask(span{from: l.ends.from, to: l.heard})
	t.dropped = true
	t.draft = l.draft
	return t
}

// trim forgets audio that nothing will ask for.
func (l *Leg) trim() {
	l.forget()
	keep := l.heard - lead
	if l.ends.open {
		keep = l.ends.from
	}
	drop := int(keep - l.head)
	if drop < slack {
		return
	}
	rest := l.audio[drop:]
	if cap(l.audio) > 2*(len(rest)+slack) {
		l.audio = slices.Clone(rest)
	} else {
		l.audio = l.audio[:copy(l.audio, rest)]
	}
	l.head += int64(drop)
}

func (l *Leg) tell(e speech.Event) { l.out = append(l.out, e) }

// deliver hands events out, one goroutine at a time, without the lock.
func (l *Leg) deliver() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.delivering {
		return
	}
	l.delivering = true
	for len(l.out) > 0 {
		events := l.out
		l.out = nil
		l.mu.Unlock()
		for _, e := range events {
			l.cfg.Emit(e)
		}
		l.mu.Lock()
	}
	l.delivering = false
	l.settle()
}

// settle notes how far all is told.
func (l *Leg) settle() {
	switch {
	case len(l.pending) > 0:
		l.settled = l.pending[0].span.from
	case l.ends.open:
		l.settled = l.ends.from
	default:
		l.settled = max(l.settled, l.heard-lead, l.ends.floor)
	}
	if l.flushed && len(l.pending) == 0 {
		select {
		case <-l.done:
		default:
			close(l.done)
		}
	}
}

// toFloat fills dst with samples within [-1, 1].
func toFloat(dst []float32, src []int16) {
	for i := range dst {
		dst[i] = float32(src[i]) / 32768
	}
}
