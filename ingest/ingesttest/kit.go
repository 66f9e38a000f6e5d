package ingesttest

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"testing"
	"time"

	"throughline/bus"
	"throughline/bus/embedded"
	"throughline/event"
	"throughline/governance"
	"throughline/ingest"
)

// Kit is an intake on a broker of its own.
type Kit struct {
	Addr   string // of the broker
	Bus    *bus.Bus
	Intake *ingest.Intake
}

// Broker runs an embedded broker for the test and returns its address.
func Broker(t testing.TB) string {
	t.Helper()
	b, err := embedded.Open(embedded.Config{Dir: t.TempDir(), Listen: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- b.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("broker: %v", err)
		}
	})
	return b.Addr()
}

// New makes a Kit with a broker of its own.
func New(t testing.TB, cfg ingest.SessionsConfig) *Kit {
	t.Helper()
	return On(t, Broker(t), cfg, nil)
}

// On makes a Kit on the broker at addr: another process, as far as Kafka can
// tell. Prepare, if given, is called before the sessions are run.
func On(t testing.TB, addr string, cfg ingest.SessionsConfig, prepare func(*ingest.Intake)) *Kit {
	t.Helper()
	b := Dial(t, addr)
	if err := b.Ensure(Deadline(t), event.All()...); err != nil {
		t.Fatal(err)
	}
	gate, err := governance.NewGate(governance.Config{}, governance.NewLedger(governance.Config{}))
	if err != nil {
		t.Fatal(err)
	}
	sessions := ingest.NewSessions(cfg)
	intake, err := ingest.NewIntake(ingest.Parts{Sessions: sessions, Gate: gate, Bus: b})
	if err != nil {
		t.Fatal(err)
	}
	if prepare != nil {
		prepare(intake)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- sessions.Run(ctx, b) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("sessions: %v", err)
		}
	})
	select {
	case <-sessions.Ready():
	case <-Deadline(t).Done():
		t.Fatal("sessions are not restored in time")
	}
	return &Kit{Addr: addr, Bus: b, Intake: intake}
}

// Dial connects a bus that the test closes.
func Dial(t testing.TB, addr string) *bus.Bus {
	t.Helper()
	b, err := bus.Dial(bus.Config{Brokers: []string{addr}, Logger: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = b.Close(ctx) // a test may have taken the broker away
	})
	return b
}

// Patience bounds what a test waits for. Only a test that fails waits that long,
// so it is what a machine takes that has twenty other things to do.
const Patience = time.Minute

// Deadline is a context that ends after Patience.
func Deadline(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	t.Cleanup(cancel)
	return ctx
}

// Await waits until what is awaited holds. Topics, and partitions of one, are
// stored side by side: that an event stands on one says nothing of another.
func Await(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(Patience); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never came: %s", what)
		}
	}
}

// Stored is everything that stands on the topics, each in the order of its
// partitions.
type Stored struct {
	Turns      []event.Turn
	Changes    []event.Interaction
	Identities []event.Identity
	Consents   []event.Consent
}

// Stored reads everything that stands on the topics now.
func (k *Kit) Stored(t testing.TB) Stored {
	t.Helper()
	return Stored{
		Turns: All(t, k.Bus, event.Turns()), Changes: All(t, k.Bus, event.Interactions().Source),
		Identities: All(t, k.Bus, event.Identities().Source), Consents: All(t, k.Bus, event.Consents().Source),
	}
}

// All reads every event of src that stands there now.
func All[T any](t testing.TB, b *bus.Bus, src event.Source[T]) []T {
	t.Helper()
	ctx := Deadline(t)
	n, err := b.Partitions(ctx, src.Name)
	if err != nil {
		t.Fatal(err)
	}
	var all []T
	for p := range n {
		if _, err := bus.Replay(ctx, b, src, p, func(r bus.Record[T]) error {
			all = append(all, r.Value)
			return nil
		}); err != nil {
			t.Fatal(fmt.Errorf("read back: %w", err))
		}
	}
	return all
}

// Counts tells how many events of each sort there are by distinct id, which is
// what every reader makes of redeliveries.
func (s Stored) Counts() string {
	return fmt.Sprintf("turns=%d changes=%d identities=%d consents=%d",
		distinct(s.Turns, func(t event.Turn) string { return t.ID }),
		distinct(s.Changes, func(i event.Interaction) string { return i.ID }),
		distinct(s.Identities, func(i event.Identity) string { return i.ID }),
		distinct(s.Consents, func(c event.Consent) string { return c.ID }))
}

func distinct[T any](all []T, id func(T) string) int {
	ids := map[string]bool{}
	for _, v := range all {
		ids[id(v)] = true
	}
	return len(ids)
}
