package transcribe_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"throughline/bus"
	"throughline/bus/embedded"
	"throughline/event"
	"throughline/governance"
	"throughline/media"
	"throughline/media/codec"
	"throughline/media/ogg"
	"throughline/transcribe"
	"throughline/transcribe/internal/corpus"
)

// house is a broker and a bus, with what is on the topics collected.
type house struct {
	t      *testing.T
	bus    *bus.Bus
	ctx    context.Context
	addr   string
	mu     sync.Mutex
	order  []stamped // finals and partials, of each topic as they came
	finals []event.Turn
	parts  []event.Turn
	states []event.Interaction
}

// stamped is a final, or a partial, and when it was handed to Kafka.
type stamped struct {
	event.Turn
	final bool
	at    time.Time
}

func quietLog() *slog.Logger { return slog.New(slog.DiscardHandler) }

func dial(t *testing.T, addr string) *bus.Bus {
	t.Helper()
	b, err := bus.Dial(bus.Config{Brokers: []string{addr}, Partitions: 1, SessionTimeout: 6 * time.Second, Logger: quietLog()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = b.Close(ctx)
	})
	return b
}

func newHouse(t *testing.T) *house {
	t.Helper()
	broker, err := embedded.Open(embedded.Config{Dir: t.TempDir(), Listen: "127.0.0.1:0", Partitions: 1, Logger: quietLog()})
	if err != nil {
		t.Fatal(err)
	}
	brokerCtx, stopBroker := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- broker.Run(brokerCtx) }()
	t.Cleanup(func() {
		stopBroker()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	h := &house{t: t, addr: broker.Addr(), bus: dial(t, broker.Addr())}
	ctx, cancel := context.WithCancel(context.Background())
	h.ctx = ctx
	if err := h.bus.Ensure(ctx, event.All()...); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	t.Cleanup(func() { cancel(); wg.Wait() })
	wg.Go(func() {
		_ = bus.Follow(ctx, h.bus, event.Turns(), 0, 0, func(r bus.Record[event.Turn]) error {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.finals, h.order = append(h.finals, r.Value), append(h.order, stamped{r.Value, true, r.Time})
			return nil
		})
	})
	wg.Go(func() {
		_ = bus.Follow(ctx, h.bus, event.PartialTurns(), 0, 0, func(r bus.Record[event.Turn]) error {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.parts, h.order = append(h.parts, r.Value), append(h.order, stamped{r.Value, false, r.Time})
			return nil
		})
	})
	wg.Go(func() {
		_ = bus.Follow(ctx, h.bus, event.Interactions().Source, 0, 0, func(r bus.Record[event.Interaction]) error {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.states = append(h.states, r.Value)
			return nil
		})
	})
	return h
}

// life is one process with the stage.
type life struct {
	stop func()
}

// start runs a transcriber on the house's broker until stop.
func (h *house) start(cfg transcribe.Config, parts transcribe.Parts) *life {
	h.t.Helper()
	parts.Logger = quietLog()
	gate, err := governance.NewGate(governance.Config{}, governance.NewLedger(governance.Config{}))
	if err != nil {
		h.t.Fatal(err)
	}
	parts.Gate = gate
	if parts.Recogniser == nil {
		parts.Recogniser, parts.Detector = corpus.Moonshine(h.t), corpus.Detector(h.t)
	}
	tr, err := transcribe.New(cfg, parts)
	if err != nil {
		h.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := tr.Run(ctx); err != nil {
			h.t.Error(err)
		}
	})
	wg.Go(func() {
		if err := h.bus.Run(ctx, tr.Stage()); err != nil {
			h.t.Error(err)
		}
	})
	stop := sync.OnceFunc(func() { cancel(); wg.Wait() })
	h.t.Cleanup(stop)
	return &life{stop: stop}
}

// eventually waits for a condition on what came; within is for an idle machine,
// and a busy one may take some minutes longer. Turns, partial turns and changes
// are three topics: that one has come says nothing of what stands on another.
func (h *house) eventually(within time.Duration, what string, ok func() bool) {
	h.t.Helper()
	for end := time.Now().Add(3*within + 2*time.Minute); ; time.Sleep(20 * time.Millisecond) {
		h.mu.Lock()
		done := ok()
		h.mu.Unlock()
		if done {
			return
		}
		if time.Now().After(end) {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.t.Fatalf("not within %v: %s; %d finals, %d partials, %d changes: %s", within, what, len(h.finals), len(h.parts), len(h.states), texts(h.finals))
		}
	}
}

func texts(turns []event.Turn) string {
	var b strings.Builder
	for _, t := range turns {
		fmt.Fprintf(&b, "\n  %s %6d–%6d %s: %s", t.ID, t.StartMS, t.EndMS, t.Role, t.Text)
	}
	return b.String()
}

// said reads one of our own clips at 8 kHz.
func said(t testing.TB, name string) []int16 {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", name+".ogg"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	out := &media.Samples{SampleRate: 8000}
	if _, err := ogg.Decode(f, out); err != nil {
		t.Fatal(err)
	}
	return out.PCM
}

// silence is so much of a line on which nobody speaks.
func silence(d time.Duration) []int16 { return make([]int16, media.DurationTicks(d, 8000)) }

// party is one leg of a call to play.
type party struct {
	interaction, leg string
	role             event.Role
	agent            string
	pcm              []int16 // 8 kHz
}

var callBegan = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// sink collects a leg's chunks.
type sink struct {
	p    party
	msgs []event.AudioChunk
}

func (s *sink) String() string { return "audio of a test" }

func (s *sink) WriteChunk(c *media.Chunk) error {
	payload, err := c.MarshalBinary()
	if err != nil {
		return err
	}
	s.msgs = append(s.msgs, event.AudioChunk{
		ID: event.ID("a", s.p.leg, fmt.Sprint(c.Sequence)), Tenant: "acme", Customer: "c_1", Interaction: s.p.interaction, Leg: s.p.leg,
		Role: s.p.role, Agent: s.p.agent, Seq: c.Sequence, At: callBegan.Add(c.Offset), OffsetMS: c.Offset.Milliseconds(),
		Payload: payload, Last: c.Last,
	})
	return nil
}

// chunksOf makes a party's audio µ-law chunks as the doors of calls do.
func chunksOf(t testing.TB, p party) []event.AudioChunk {
	t.Helper()
	s := &sink{p: p}
	chunker := media.NewChunker(0, s)
	feed, err := media.NewFeed(codec.Format{Codec: codec.PCMU, ClockRate: 8000, Channels: 1}, chunker)
	if err != nil {
		t.Fatal(err)
	}
	for part := range slices.Chunk(p.pcm, 160) {
		if err := feed.Write(codec.AppendULaw(nil, part)); err != nil {
			t.Fatal(err)
		}
	}
	if err := chunker.Close(); err != nil {
		t.Fatal(err)
	}
	return s.msgs
}

// merged puts the chunks of all parties in the order of their time.
func merged(t testing.TB, parties ...party) []event.AudioChunk {
	var all []event.AudioChunk
	for _, p := range parties {
		all = append(all, chunksOf(t, p)...)
	}
	slices.SortStableFunc(all, func(a, b event.AudioChunk) int { return a.At.Compare(b.At) })
	return all
}

// publish stores chunks.
func (h *house) publish(chunks ...event.AudioChunk) {
	h.t.Helper()
	msgs := make([]event.Message, len(chunks))
	for i, c := range chunks {
		msgs[i] = event.Audio().Message(c)
	}
	ctx, cancel := context.WithTimeout(h.ctx, time.Minute)
	defer cancel()
	if err := h.bus.Publish(ctx, msgs...); err != nil {
		h.t.Error(err) // not Fatal: audio is also played beside the test
	}
}

// live stores chunks as they are spoken, speed times as fast.
func (h *house) live(speed float64, chunks []event.AudioChunk) {
	h.t.Helper()
	began := time.Now()
	for _, c := range chunks {
		due := began.Add(time.Duration(float64(c.At.Sub(callBegan)) / speed))
		time.Sleep(time.Until(due))
		h.publish(c)
	}
}

func concat(parts ...[]int16) []int16 { return slices.Concat(parts...) }
