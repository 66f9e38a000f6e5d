package segment

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"throughline/transcribe/internal/corpus"
	"throughline/transcribe/speech"
	"throughline/transcribe/wer"
)

// remembering is a recogniser that notes what each utterance was heard after.
// Its token is the seconds it heard. hold may fail a call.
type remembering struct {
	hold func(call int) error

	mu     sync.Mutex
	calls  int
	before []string
}

func (r *remembering) Recognise(_ context.Context, pcm []float32, opts speech.Options) (speech.Result, error) {
	r.mu.Lock()
	r.calls++
	call := r.calls
	r.mu.Unlock()
	if r.hold != nil {
		if err := r.hold(call); err != nil {
			return speech.Result{}, err
		}
	}
	heard := "nothing"
	if b := opts.Before; b != nil {
		voiced := 0
		for _, v := range b.PCM {
			if v > 0 {
				voiced++
			}
		}
		heard = fmt.Sprintf("%.1f s", float64(voiced)/speech.Rate)
		if b.Text != "x" || len(b.Tokens) != 1 || b.Tokens[0] != int64(voiced/speech.Rate) {
			heard += " of other words"
		}
	}
	voiced := 0
	for _, v := range pcm {
		if v > 0 {
			voiced++
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.before = append(r.before, heard)
	return speech.Result{Text: "x", Tokens: []int64{int64(voiced / speech.Rate)}}, nil
}

// TestBefore tells which utterances are heard with the one before, also where
// that one is still in work when the next is over.
func TestBefore(t *testing.T) {
	busy := errors.New("busy")
	refused := fmt.Errorf("%w: once", speech.ErrPermanent)
	for _, c := range []struct {
		name    string
		pcm     []int16
		without bool
		hold    func(call int) error
		want    []string
	}{
		{"brief and soon", signal(1, 1.5, 1, 1, 1), false, nil, []string{"nothing", "1.5 s"}},
		{"the margins overlap", signal(1, 1.5, 0.45, 1, 1), false, nil, []string{"nothing", "1.5 s"}},
		{"one after the other", signal(1, 1.5, 1, 1.3, 1, 1.1, 1), false, nil, []string{"nothing", "1.5 s", "1.3 s"}},
		{"long", signal(1, 1.5, 1, 2.5, 1), false, nil, []string{"nothing", "nothing"}},
		{"late", signal(1, 1.5, 3, 1, 1), false, nil, []string{"nothing", "nothing"}},
		{"after a long one", signal(1, 3, 1, 1, 1), false, nil, []string{"nothing", "nothing"}},
		{"not asked for", signal(1, 1.5, 1, 1, 1), true, nil, []string{"nothing", "nothing"}},
		{"after one that is tried again", signal(1, 1.5, 1, 1, 1), false, func(call int) error {
			if call == 1 {
				return busy
			}
			return nil
		}, []string{"nothing", "1.5 s"}},
		{"after one that was lost", signal(1, 1.5, 1, 1, 1), false, func(call int) error {
			if call == 1 {
				return refused
			}
			return nil
		}, []string{"nothing"}},
	} {
		for _, workers := range []int{1, 4} {
			rec := &remembering{hold: c.hold}
			e := run(t, Config{Recogniser: rec, Detector: loudness{}, Workers: workers, Context: !c.without, Log: quiet()})
			r := &record{}
			l := e.Open(LegConfig{Emit: r.emit})
			if err := errors.Join(l.Write(t.Context(), c.pcm), l.Close(t.Context())); err != nil {
				t.Fatal(err)
			}
			check(t, r.events)
			if !slices.Equal(rec.before, c.want) {
				t.Errorf("%s, %d workers: heard after %q, want %q", c.name, workers, rec.before, c.want)
			}
			l.mu.Lock()
			for kept := l.last; kept != nil; kept = kept.before {
				if kept != l.last {
					t.Errorf("%s: more than one utterance is kept", c.name)
				}
			}
			l.mu.Unlock()
		}
	}
}

// TestBeforeIsForgotten lets silence pass and expects the audio to be given
// back.
func TestBeforeIsForgotten(t *testing.T) {
	e := run(t, Config{Recogniser: &remembering{}, Detector: loudness{}, Context: true})
	r := &record{}
	l := e.Open(LegConfig{Emit: r.emit})
	if err := errors.Join(l.Write(t.Context(), signal(1, 1, 4)), l.Close(t.Context())); err != nil {
		t.Fatal(err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.last != nil {
		t.Error("the utterance is still held")
	}
}

// alone is a recogniser that is told nothing of before.
type alone struct{ Recogniser }

func (a alone) Recognise(ctx context.Context, pcm []float32, opts speech.Options) (speech.Result, error) {
	opts.Before = nil
	return a.Recogniser.Recognise(ctx, pcm, opts)
}

// TestNumbersInGroups says numbers as people do, in groups of three or four
// digits with pauses between them, over a telephone. Hearing a group with the
// one before must take away a fifth of the wrong digits; it took 41 of 172 to 25.
func TestNumbersInGroups(t *testing.T) {
	r := corpus.Moonshine(t)
	d := corpus.Detector(t)
	bySpeaker := make(map[string][]corpus.Clip)
	for _, c := range corpus.Clips(t, "fsdd") {
		speaker := strings.Split(c.File, "_")[1]
		bySpeaker[speaker] = append(bySpeaker[speaker], c)
	}
	engines := map[string]*Engine{
		"alone":   run(t, Config{Recogniser: alone{r}, Detector: d}),
		"context": run(t, Config{Recogniser: r, Detector: d, Context: true}),
	}
	wrong := make(map[string]wer.Counts)
	for i, speaker := range slices.Sorted(maps.Keys(bySpeaker)) {
		for n := range 2 {
			pcm, text := number(bySpeaker[speaker], uint64(2*i+n))
			pcm = corpus.Telephone(t, pcm, 0, 1, 0)
			for name, e := range engines {
				rec := &record{}
				feed(t, e.Open(LegConfig{Emit: rec.emit}), pcm16(pcm), false)
				wrong[name] = wrong[name].Add(wer.Align(wer.Normalise(text), wer.Normalise(apart(rec.text()))))
			}
		}
	}
	t.Logf("alone %v, with the one before %v", wrong["alone"], wrong["context"])
	if 5*wrong["context"].Errors() > 4*wrong["alone"].Errors() {
		t.Errorf("with the one before %v, alone %v", wrong["context"], wrong["alone"])
	}
}

// number strings clips of single digits together in four groups.
func number(digits []corpus.Clip, seed uint64) (pcm []float32, text string) {
	dice := rand.New(rand.NewPCG(seed, 1))
	pcm = make([]float32, speech.Rate/2)
	for group := range 4 {
		if group > 0 {
			pcm = append(pcm, make([]float32, speech.Rate*(6+3*group)/10)...)
		}
		for range 3 + dice.IntN(2) {
			c := digits[dice.IntN(len(digits))]
			pcm = append(append(pcm, c.PCM...), make([]float32, speech.Rate/25)...)
			text += " " + c.Text
		}
	}
	return pcm, text
}

// apart writes figures one by one, as the references have them.
func apart(text string) string {
	var b strings.Builder
	for _, r := range text {
		if r >= '0' && r <= '9' {
			fmt.Fprintf(&b, " %c ", r)
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}
