package sink_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"throughline/bus"
	brokers "throughline/bus/embedded"
	"throughline/event"
	"throughline/governance"
	"throughline/sink"
	"throughline/sink/embedded"
	"throughline/sink/sinktest"
)

func TestMain(m *testing.M) { os.Exit(sinktest.Main(m)) }

// patience bounds what a test waits for. Only a test that fails waits that long,
// so it is what a machine takes that has twenty other things to do.
const patience = 90 * time.Second

// house is a broker, an engine and a store on them.
type house struct {
	bus   *bus.Bus
	store *sink.Store
	query driver.Conn
}

func open(tb testing.TB) house {
	tb.Helper()
	engine, store := sinktest.Open(tb)
	if err := store.Migrate(tb.Context()); err != nil { // the second time must change nothing
		tb.Fatal(err)
	}
	query, err := clickhouse.Open(&clickhouse.Options{Protocol: clickhouse.HTTP, Addr: []string{engine.Addr()}, Auth: clickhouse.Auth{Username: embedded.DefaultReader, Database: sink.DefaultDatabase}})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { query.Close() })
	return house{sinktest.Bus(tb), store, query}
}

// run runs the stages until the returned function is called.
func (h house) run(tb testing.TB) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	stages := h.store.Stages()
	done := make(chan error, len(stages))
	for _, s := range stages {
		go func() { done <- h.bus.Run(ctx, s) }()
	}
	return func() {
		cancel()
		for range stages {
			if err := <-done; err != nil {
				tb.Error(err)
			}
		}
	}
}

func (h house) count(tb testing.TB, query string) uint64 {
	tb.Helper()
	var n uint64
	if err := h.query.QueryRow(context.Background(), query).Scan(&n); err != nil {
		tb.Fatalf("%s: %v", query, err)
	}
	return n
}

func (h house) eventually(tb testing.TB, want uint64, query string) {
	tb.Helper()
	got := uint64(0)
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if got = h.count(tb, query); got == want {
			return
		}
	}
	tb.Fatalf("%s gives %d, want %d", query, got, want)
}

func (h house) publish(tb testing.TB, msgs ...event.Message) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := h.bus.Publish(ctx, msgs...); err != nil {
		tb.Fatal(err)
	}
}

func turn(n int, at time.Time) event.Turn {
	return event.Turn{ID: event.ID("t", "test", fmt.Sprint(n)), Tenant: "default", Customer: fmt.Sprint("c", n%7), Interaction: fmt.Sprint("i", n%7),
		Channel: event.WhatsApp, Role: event.Customer, Kind: event.Text, At: at, Received: at, Text: "where is my order?", Attrs: map[string]string{"a": "b"}}
}

func cleared(tb testing.TB, t event.Turn) event.Message {
	tb.Helper()
	gate, err := governance.NewGate(governance.Config{}, governance.NewLedger(governance.Config{}))
	if err != nil {
		tb.Fatal(err)
	}
	v, err := gate.Turn(context.Background(), t)
	if err != nil {
		tb.Fatal(err)
	}
	return governance.Turns().Message(v.Cleared)
}

func TestEachTableTakesItsEvents(t *testing.T) {
	h := open(t)
	defer h.run(t)()
	now, once := time.Now(), true
	f64 := func(v float64) *float64 { return &v }
	tn := turn(1, now)
	h.publish(t,
		event.Interactions().Message(event.Interaction{ID: "x1", Tenant: "default", Customer: "c1", Interaction: "i1", Channel: event.Voice, Change: event.Measured, At: now, Received: now,
			Measures: &event.Measures{DurationMS: 1000, MOS: f64(4.1)}}),
		cleared(t, tn),
		event.AnalysedTurns().Message(event.Features{ID: "f1", Turn: tn, Sentiment: &event.Sentiment{Score: -0.5, Negative: 0.6, Neutral: 0.3, Positive: 0.1, Magnitude: 0.7},
			Intents: []event.Label{{Name: "order_status", Probability: 0.9}}, Entities: []event.Entity{{Type: "ORDER", Value: "17"}}, Model: "m"}),
		event.Journeys().Message(event.Journey{ID: "j1", Tenant: "default", Customer: "c1", Version: 1, State: event.JourneyOpen, Opened: now, Updated: now}),
		event.Journeys().Message(event.Journey{ID: "j1", Tenant: "default", Customer: "c1", Version: 2, State: event.JourneyResolved, Opened: now, Updated: now,
			Interactions: []event.InteractionState{{ID: "i1", Channel: event.SMS, JoinedBy: "first"}}, Resolved: now, ResolvedBy: "thanks", FirstContact: &once,
			Scores: event.Scores{Effort: &event.Score{Value: 12}}}),
		// A merged customer's, one whose interactions another took over, and a handle that was given out again.
		event.Journeys().Message(event.Journey{ID: "j2", Tenant: "default", Customer: "c2", Into: "c1", Version: 1, Interactions: []event.InteractionState{{ID: "i1"}}, Opened: now, Updated: now}),
		event.Journeys().Message(event.Journey{ID: "j3", Tenant: "default", Customer: "c1", Within: "j1", Version: 1, Interactions: []event.InteractionState{{ID: "i1"}}, Opened: now, Updated: now}),
		event.Journeys().Message(event.Journey{ID: "j4", Tenant: "default", Customer: "c3", Since: now, Version: 1, Opened: now, Updated: now}),
		event.Alerts().Message(event.Alert{ID: "a1", Tenant: "default", Customer: "c1", At: now, Severity: event.Critical, Rule: event.Rule{Name: "r", Evidence: map[string]string{"k": "v"}}}),
		event.Disclosures().Message(event.Disclosure{ID: "d1", Tenant: "default", Customer: "c1", State: event.DisclosureRequired, At: now, Due: now.Add(time.Minute)}),
		event.Disclosures().Message(event.Disclosure{ID: "d1", Tenant: "default", Customer: "c1", State: event.DisclosureMet, At: now, Due: now.Add(time.Minute), Said: now}),
		event.Suggestions().Message(event.Suggestion{ID: "s1", Tenant: "default", Customer: "c1", At: now, Title: "Call back"}),
		event.Feedbacks().Message(event.Feedback{ID: "fb1", Tenant: "default", Customer: "c1", Suggestion: "s1", At: now, Clicked: true}),
		event.Consents().Message(event.Consent{ID: "co1", Tenant: "default", Customer: "c1", Purpose: event.Market, At: now}),
		event.Audits().Message(event.Audit{ID: "au1", Tenant: "default", At: now, Actor: "a", Action: "b", Object: "c"}),
	)
	for _, table := range []string{"interactions", "turns", "features", "journeys_now", "alerts", "disclosures_now", "disclosures_by_rule", "suggestions", "feedback", "consents", "audit", "suggestion_outcomes", "interaction_scores", "first_contact_resolution", "continuity_by_day", "intents_by_day", "alerts_by_rule", "interactions_unfinished", "turn_analysis", "sentiment_by_hour"} {
		h.eventually(t, 1, "SELECT count() FROM "+table)
	}
	h.eventually(t, 3, "SELECT count() FROM moments") // nobody decides on what is told elsewhere
	h.eventually(t, 1, "SELECT count() FROM first_contact_resolution WHERE share = 1")
	h.eventually(t, 1, "SELECT count() FROM disclosures_by_rule WHERE share_met = 1")
	h.eventually(t, 2, "SELECT version FROM journeys_now")
	if n := h.count(t, "SELECT count() FROM system.columns WHERE database = 'throughline' AND comment = '' AND table IN (SELECT name FROM system.tables WHERE engine LIKE '%MergeTree')"); n != 0 {
		t.Errorf("%d columns have no comment", n)
	}
}

// TestOnce repeats events in every way they may come again.
func TestOnce(t *testing.T) {
	h := open(t)
	stop := h.run(t)
	now := time.Now()
	const n = 500
	times := func(i int) time.Time { // some as old as a provider's last retry, some from next year
		switch i % 5 {
		case 0:
			return now.Add(-time.Duration(i) * time.Hour)
		case 1:
			return now.AddDate(1, 0, 0)
		}
		return now
	}
	all := make([]event.Message, n)
	for i := range n {
		all[i] = cleared(t, turn(i, times(i)))
	}
	h.publish(t, all...)
	h.publish(t, all[:100]...) // while the first copy is being written
	h.eventually(t, n, "SELECT count() FROM turns")
	h.publish(t, all...) // long after
	stop()
	defer h.run(t)() // the next process remembers nothing but what is stored
	h.publish(t, all...)
	extra := cleared(t, turn(n, now))
	var last []event.Message
	for range 7 { // one in each partition, so that all of the above has been handled
		last = append(last, extra)
	}
	h.publish(t, last...)
	for i := range 7 {
		h.publish(t, cleared(t, turn(n+1+i, now)))
	}
	h.eventually(t, n+8, "SELECT uniqExact(id) FROM turns")
	time.Sleep(500 * time.Millisecond) // would a second copy still come, it came now
	if got := h.count(t, "SELECT count() FROM turns"); got != n+8 {
		t.Errorf("%d rows of %d turns", got, n+8)
	}
}

// TestMadeAnew keeps the store and loses the log: offsets begin again, and must
// not be taken for those already stored.
func TestMadeAnew(t *testing.T) {
	h := open(t)
	stop := h.run(t)
	now := time.Now()
	h.publish(t, cleared(t, turn(1, now)), cleared(t, turn(2, now)))
	h.eventually(t, 2, "SELECT count() FROM turns")
	stop()
	broker, err := brokers.Open(brokers.Config{Dir: t.TempDir(), Listen: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	defer broker.Close()
	if h.bus, err = bus.Dial(bus.Config{Brokers: []string{broker.Addr()}, Logger: slog.New(slog.DiscardHandler)}); err != nil {
		t.Fatal(err)
	}
	defer h.bus.Close(context.Background())
	if err := h.bus.Ensure(context.Background(), event.All()...); err != nil {
		t.Fatal(err)
	}
	defer h.run(t)()
	h.publish(t, cleared(t, turn(3, now)), cleared(t, turn(1, now)), cleared(t, turn(4, now)), cleared(t, turn(2, now)))
	h.eventually(t, 4, "SELECT count() FROM turns")
}

// BenchmarkRows drains a topic of turns into the store: rows a second, from
// Kafka to an acknowledged insert.
func BenchmarkRows(b *testing.B) {
	h := open(b)
	now := time.Now()
	msgs := make([]event.Message, b.N)
	for i := range msgs {
		msgs[i] = cleared(b, turn(i, now))
	}
	h.publish(b, msgs...)
	b.ResetTimer()
	stop := h.run(b)
	defer stop()
	for h.count(b, "SELECT count() FROM turns") < uint64(b.N) {
		time.Sleep(20 * time.Millisecond)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}
