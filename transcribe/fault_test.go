package transcribe_test

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"throughline/bus"
	"throughline/event"
	"throughline/media"
	"throughline/media/codec"
	"throughline/transcribe"
	"throughline/transcribe/internal/corpus"
	"throughline/transcribe/speech"
)

// breakable is the real recogniser behind a line that can be cut.
type breakable struct {
	transcribe.Recogniser
	err   atomic.Pointer[error]
	calls atomic.Int64
}

func (b *breakable) Recognise(ctx context.Context, pcm []float32, o speech.Options) (speech.Result, error) {
	b.calls.Add(1)
	if err := b.err.Load(); err != nil {
		return speech.Result{}, *err
	}
	return b.Recogniser.Recognise(ctx, pcm, o)
}

func (b *breakable) breaks(err error) { b.err.Store(&err) }
func (b *breakable) heals()           { b.err.Store(nil) }

// solo is one leg of one customer.
func solo(t testing.TB, interaction string, pcm ...[]int16) party {
	return party{interaction: interaction, leg: interaction + "/customer", role: event.Customer, pcm: concat(pcm...)}
}

func TestRecogniserAwayLosesNothing(t *testing.T) {
	h := newHouse(t)
	r := &breakable{Recogniser: corpus.Moonshine(t)}
	r.breaks(errors.New("connection refused"))
	h.start(transcribe.Config{Partials: true}, transcribe.Parts{Recogniser: r, Detector: corpus.Detector(t)})
	worry := said(t, "complaint")
	var spoken [][]int16
	const times = 14 // more than a leg holds, so that its audio waits in Kafka
	for range times {
		spoken = append(spoken, silence(700*time.Millisecond), worry)
	}
	h.publish(merged(t, solo(t, "i_1", append(spoken, silence(time.Second))...))...)
	h.eventually(10*time.Second, "tries", func() bool { return r.calls.Load() >= 5 })
	h.mu.Lock()
	n := len(h.finals)
	h.mu.Unlock()
	if n != 0 {
		t.Fatalf("%d finals while the recogniser is away", n)
	}
	r.heals()
	h.eventually(40*time.Second, "all turns", func() bool { return len(h.finals) == times })
	h.mu.Lock()
	defer h.mu.Unlock()
	for i, turn := range h.finals {
		if !strings.Contains(turn.Text, "arrived") || i > 0 && turn.StartMS <= h.finals[i-1].StartMS {
			t.Errorf("turn %d: %s", i, texts(h.finals[i:i+1]))
		}
	}
}

func TestRefusedUtteranceIsStillATurn(t *testing.T) {
	h := newHouse(t)
	r := &breakable{Recogniser: corpus.Moonshine(t)}
	r.breaks(speech.ErrPermanent)
	reg := prometheus.NewRegistry()
	h.start(transcribe.Config{}, transcribe.Parts{Recogniser: r, Detector: corpus.Detector(t), Metrics: reg})
	h.publish(merged(t, solo(t, "i_1", silence(time.Second), said(t, "complaint"), silence(time.Second)))...)
	h.eventually(10*time.Second, "a turn", func() bool { return len(h.finals) == 1 })
	h.mu.Lock()
	turn := h.finals[0]
	h.mu.Unlock()
	if turn.Text != "" || turn.Attrs["untranscribed"] != "recogniser refused" || turn.EndMS-turn.StartMS < 2000 {
		t.Errorf("turn %+v", turn)
	}
	if n := metric(t, reg, "throughline_transcribe_without_words_total"); n != 1 {
		t.Errorf("%v turns counted without words", n)
	}
}

func TestLegThatGoesQuiet(t *testing.T) {
	h := newHouse(t)
	reg := prometheus.NewRegistry()
	h.start(transcribe.Config{Idle: 4 * time.Second}, transcribe.Parts{Metrics: reg})
	hello, worry := said(t, "greeting"), said(t, "complaint")
	// The sender suppresses silence: nothing comes after the last word.
	chunks := chunksOf(t, solo(t, "i_1", silence(time.Second), hello, silence(20*time.Second), worry, silence(2*time.Second)))
	first := int((time.Second + media.TicksDuration(int64(len(hello)), 8000)) / media.DefaultSpan)
	h.publish(chunks[:first]...)
	h.eventually(6*time.Second, "the turn of a leg that stopped", func() bool { return strings.Contains(byRole(h.finals, event.Customer), "calling") })
	h.eventually(8*time.Second, "the leg's measures once it is put away", func() bool {
		m, _ := measures(h.states, "i_1")
		return m != nil
	})
	h.eventually(time.Second, "no leg open after it was put away", func() bool { return metric(t, reg, "throughline_transcribe_open_legs") == 0 })
	// It comes back after a hold, and what follows is heard as well.
	back := int((21*time.Second + media.TicksDuration(int64(len(hello)), 8000)) / media.DefaultSpan)
	h.publish(chunks[back:]...)
	h.eventually(10*time.Second, "the turn after the hold", func() bool { return strings.Contains(byRole(h.finals, event.Customer), "worried") })
	// Chunks that were stored twice are not heard twice.
	h.publish(chunks[back:]...)
	h.publish(merged(t, solo(t, "i_2", silence(time.Second), hello, silence(time.Second)))...)
	h.eventually(10*time.Second, "the other call's turn", func() bool {
		return len(h.finals) > 0 && h.finals[len(h.finals)-1].Interaction == "i_2"
	})
	h.mu.Lock()
	defer h.mu.Unlock()
	again := 0
	for _, turn := range h.finals {
		if strings.Contains(turn.Text, "worried") {
			again++
		}
	}
	if again != 1 {
		t.Errorf("the turn after the hold came %d times:%s", again, texts(h.finals))
	}
}

func metric(t *testing.T, reg *prometheus.Registry, name string) float64 {
	t.Helper()
	all, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range all {
		if f.GetName() == name {
			return f.Metric[0].GetGauge().GetValue() + f.Metric[0].GetCounter().GetValue()
		}
	}
	t.Fatalf("no metric %s", name)
	return 0
}

func TestMixedLegSaysWhatItCannotKnow(t *testing.T) {
	h := newHouse(t)
	h.start(transcribe.Config{}, transcribe.Parts{})
	mixed := party{interaction: "i_1", leg: "i_1/both", pcm: concat(silence(time.Second), said(t, "greeting"), silence(5*time.Second), said(t, "complaint"), silence(time.Second))}
	h.publish(merged(t, mixed)...)
	var m *event.Measures
	h.eventually(15*time.Second, "the last measures and two turns", func() bool {
		var over bool
		m, over = lastMeasures(h.states, "i_1")
		return over && len(h.finals) == 2
	})
	if m.TalkMS == nil || m.NonTalkMS == nil || *m.NonTalkMS < 4500 || m.AgentTalkMS != nil || m.CustomerTalkMS != nil || m.Interruptions != nil || m.OvertalkMS != nil || !strings.Contains(m.Unknown, "share one channel") {
		t.Errorf("measures %s", show(m))
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, turn := range h.finals {
		if turn.Acoustics != nil || turn.Role != event.UnknownRole {
			t.Errorf("turn of a mixed leg: %+v", turn)
		}
	}
}

func TestRoleIsCorrectedWithinTheLeg(t *testing.T) {
	h := newHouse(t)
	h.start(transcribe.Config{}, transcribe.Parts{})
	chunks := chunksOf(t, solo(t, "i_1", silence(time.Second), said(t, "greeting"), silence(2*time.Second), said(t, "complaint"), silence(time.Second)))
	h.publish(chunks[:36]...) // past the first utterance
	h.eventually(10*time.Second, "the first turn", func() bool { return len(h.finals) == 1 })
	for i := range chunks {
		chunks[i].Role, chunks[i].Agent = event.Agent, "a7"
	}
	h.publish(chunks[36:]...)
	h.eventually(10*time.Second, "the second turn", func() bool { return len(h.finals) == 2 })
	h.mu.Lock()
	defer h.mu.Unlock()
	if a, b := h.finals[0], h.finals[1]; a.Role != event.Customer || a.Acoustics == nil || b.Role != event.Agent || b.Agent != "a7" || b.Acoustics != nil {
		t.Errorf("turns %+v and %+v", a, b)
	}
}

func TestForeignChunksAreSetAside(t *testing.T) {
	h := newHouse(t)
	h.start(transcribe.Config{}, transcribe.Parts{})
	good := merged(t, solo(t, "i_1", silence(time.Second), said(t, "greeting"), silence(time.Second)))
	var bad []event.AudioChunk
	for n := range good[0].Payload { // every truncated prefix
		c := good[0]
		c.Interaction, c.Payload = "i_2", c.Payload[:n]
		bad = append(bad, c)
		if n == 40 {
			break
		}
	}
	nobody := good[0]
	nobody.Customer = ""
	unknown := media.Chunk{Format: codec.Format{Codec: codec.Codec(5), ClockRate: 44100, Channels: 1}, Parts: []media.Part{{Ticks: 7, Payload: []byte{1, 2, 3}}}}
	payload, err := unknown.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	odd := good[0]
	odd.Interaction, odd.Leg, odd.Payload, odd.Last = "i_3", "i_3/x", payload, true
	h.publish(append(append(bad, nobody, odd), good...)...)
	h.eventually(10*time.Second, "the turn after the bad chunks", func() bool { return len(h.finals) == 1 })
	dead := 0
	ctx, cancel := context.WithTimeout(h.ctx, time.Minute)
	defer cancel()
	src := event.Source[event.AudioChunk]{Spec: event.Audio().Dead()}
	if _, err := bus.Replay(ctx, h.bus, src, 0, func(bus.Record[event.AudioChunk]) error { dead++; return nil }); err != nil {
		t.Fatal(err)
	}
	if dead != len(bad)+1 {
		t.Errorf("%d chunks set aside, want %d", dead, len(bad)+1)
	}
}

// TestDoorRestartedWithinTheCall has a door that counts from zero again, as it does
// when its process was killed: what follows must lie where it was said, under the
// name that it has for whoever does not know what came before.
func TestDoorRestartedWithinTheCall(t *testing.T) {
	h := newHouse(t)
	h.start(transcribe.Config{}, transcribe.Parts{})
	const between = 30 * time.Second
	life := func(leg string, later time.Duration) []event.AudioChunk {
		p := solo(t, "i_1", silence(time.Second), said(t, "complaint"), silence(time.Second))
		p.leg = leg
		chunks := chunksOf(t, p)
		for i := range chunks {
			chunks[i].At = chunks[i].At.Add(later)
		}
		return chunks
	}
	h.publish(life("i_1/before", 0)...)
	h.publish(life("i_1/after", between)...)
	h.eventually(15*time.Second, "the last measures and two turns", func() bool {
		m, over := lastMeasures(h.states, "i_1")
		return over && len(h.finals) == 2 && m.DurationMS > between.Milliseconds()
	})
	h.mu.Lock()
	defer h.mu.Unlock()
	slices.SortFunc(h.finals, func(a, b event.Turn) int { return int(a.StartMS - b.StartMS) }) // two legs tell side by side
	first, second := h.finals[0], h.finals[1]
	if d := second.StartMS - first.StartMS - between.Milliseconds(); d > 64 || d < -64 {
		t.Errorf("after the restart, %d ms from where it was said:%s", d, texts(h.finals))
	}
	if want := event.ID("t", "i_1/after", strconv.FormatInt((first.StartMS+250)/500, 10)); second.ID != want {
		t.Errorf("the turn is named %s, and %s by whoever did not hear the first life", second.ID, want)
	}
	m, _ := lastMeasures(h.states, "i_1")
	if m.CustomerTalkMS == nil || *m.CustomerTalkMS < 5000 || *m.CustomerTalkMS > 9000 {
		t.Errorf("measures %s", show(m))
	}
}

// TestHoldWithinALeg leaves a hole that is too long to be filled with silence:
// what follows must still lie where it was said.
func TestHoldWithinALeg(t *testing.T) {
	h := newHouse(t)
	h.start(transcribe.Config{}, transcribe.Parts{})
	s := &sink{p: solo(t, "i_1")}
	chunker := media.NewChunker(0, s)
	feed, err := media.NewFeed(codec.Format{Codec: codec.PCMU, ClockRate: 8000, Channels: 1}, chunker)
	if err != nil {
		t.Fatal(err)
	}
	worry := said(t, "complaint")
	say := func(pcm []int16) {
		for part := range slices.Chunk(pcm, 160) {
			if err := feed.Write(codec.AppendULaw(nil, part)); err != nil {
				t.Fatal(err)
			}
		}
	}
	say(concat(silence(time.Second), worry)) // no pause: the hold itself ends the utterance
	feed.Skip(17*time.Second+7*time.Millisecond, media.Jump)
	begin := feed.Position()
	say(concat(worry, silence(time.Second)))
	if err := chunker.Close(); err != nil {
		t.Fatal(err)
	}
	h.publish(s.msgs...)
	h.eventually(15*time.Second, "the last measures and two turns", func() bool {
		_, over := lastMeasures(h.states, "i_1")
		return over && len(h.finals) == 2
	})
	h.mu.Lock()
	defer h.mu.Unlock()
	first, second := h.finals[0], h.finals[1]
	// The clip begins with the same breath of silence both times.
	if d := (second.StartMS - begin.Milliseconds()) - (first.StartMS - 1000); d > 64 || d < -64 {
		t.Errorf("after the hold, %d ms from where it was said:%s", d, texts(h.finals))
	}
	for _, turn := range h.finals {
		if !strings.Contains(turn.Text, "worried") || turn.Acoustics == nil {
			t.Errorf("turn %s, acoustics %v", texts([]event.Turn{turn}), turn.Acoustics)
		}
	}
	m, _ := lastMeasures(h.states, "i_1")
	if m.CustomerTalkMS == nil || *m.CustomerTalkMS < 6000 || *m.CustomerTalkMS > 8000 {
		t.Errorf("measures %s", show(m))
	}
}
