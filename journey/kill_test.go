package journey

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"throughline/bus"
	"throughline/bus/embedded"
	"throughline/bus/embedded/embeddedtest"
	"throughline/event"
)

func TestMain(m *testing.M) { os.Exit(embeddedtest.Main(m)) }

func dial(t testing.TB, addr string) *bus.Bus {
	t.Helper()
	b, err := bus.Dial(bus.Config{Brokers: []string{addr}, SessionTimeout: 2 * time.Second, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
		defer cancel()
		_ = b.Close(ctx)
	})
	return b
}

// member is one process of the stage: a bus of its own in the consumer group.
type member struct {
	stop context.CancelFunc
	done chan error
}

func enter(t testing.TB, addr string) *member {
	b := dial(t, addr)
	ctx, cancel := context.WithCancel(context.Background())
	m := &member{stop: cancel, done: make(chan error, 1)}
	go func() { m.done <- b.Run(ctx, Stage(Config{})) }()
	return m
}

func (m *member) leave(t testing.TB) {
	t.Helper()
	m.stop()
	select {
	case err := <-m.done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(time.Minute):
		t.Fatal("the stage does not stop")
	}
}

// TestMergesSurviveKills runs two members of the stage on the real broker, lets
// members come and go and kills the broker while people are merged and parted:
// the journeys are those that one shard makes of the same events in peace.
func TestMergesSurviveKills(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	base := time.Now().UTC().Truncate(time.Minute).Add(-3 * time.Hour)
	r := rand.New(rand.NewPCG(4, 2))
	people := []string{"c_a", "c_b", "c_c", "c_d", "c_e", "c_f"}
	peace := newWorld(t, Config{}, nil)
	var all []event.Message
	for n := range 120 {
		who := people[r.IntN(len(people))]
		at := base.Add(time.Duration(n) * time.Minute)
		talk := fmt.Sprint(who, "_", n/40)
		channel := []event.Channel{event.Voice, event.WhatsApp, event.Email}[n/40]
		if n%9 == 4 {
			if into := people[r.IntN(len(people))]; into != who {
				all = append(all, event.Identities().Message(event.Identity{ID: fmt.Sprint("n", n), Tenant: "default", Customer: who, Into: into, Undo: r.IntN(4) == 0, By: "crm", At: at}))
			}
			continue
		}
		f := said(n, talk, channel, []event.Role{event.Customer, event.Agent}[r.IntN(2)], at, r.Float64()-0.5, []string{"complaint", "order_status"}[r.IntN(2)])
		f.Turn.Customer = who
		all = append(all, event.AnalysedTurns().Message(f))
	}
	peace.publish(all...)
	peace.settle(time.Time{})
	want := peace.shown()

	broker := embeddedtest.Start(t, embedded.Config{Partitions: 4, Logger: slog.New(slog.DiscardHandler)})
	b := dial(t, broker.Addr())
	ctx, cancel := context.WithTimeout(t.Context(), 6*time.Minute) // only a test that fails takes that long
	defer cancel()
	if err := b.Ensure(ctx, event.All()...); err != nil {
		t.Fatal(err)
	}
	members := []*member{enter(t, broker.Addr()), enter(t, broker.Addr())}
	var sending sync.WaitGroup
	sending.Go(func() {
		for _, m := range all {
			if err := b.Publish(ctx, m); err != nil {
				t.Error(err)
				return
			}
			time.Sleep(30 * time.Millisecond)
		}
	})
	for round := range 6 {
		time.Sleep(time.Duration(300+r.IntN(500)) * time.Millisecond)
		switch round % 3 {
		case 0: // a rebalance
			members[round%2].leave(t)
			members[round%2] = enter(t, broker.Addr())
		default: // nothing is flushed, nobody says goodbye
			broker.Kill()
			if err := broker.Restart(ctx); err != nil {
				t.Fatal(err)
			}
		}
	}
	sending.Wait()
	got := ""
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end) && got != want; time.Sleep(200 * time.Millisecond) {
		got = onTopic(t, ctx, b)
	}
	for _, m := range members {
		m.leave(t)
	}
	if got != want {
		t.Errorf("the journeys differ from those of peace:\n%s", difference(want, got))
	}
	if !strings.Contains(want, `"into"`) || !strings.Contains(want, `"of"`) {
		t.Error("nobody is merged at the end: the test tests nothing")
	}
}

// onTopic is what the topic of journeys says now, as world.shown tells it.
func onTopic(t *testing.T, ctx context.Context, b *bus.Bus) string {
	t.Helper()
	w := newWorld(t, Config{}, nil)
	n, err := b.Partitions(ctx, event.Journeys().Name)
	if err != nil {
		t.Fatal(err)
	}
	for p := range n {
		if _, err := bus.Replay(ctx, b, event.Journeys().Source, p, func(rec bus.Record[event.Journey]) error {
			w.publish(event.Journeys().Message(rec.Value))
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	return w.shown()
}
