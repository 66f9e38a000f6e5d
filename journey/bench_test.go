package journey

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"testing"
	"time"

	"throughline/bus"
	"throughline/bus/embedded"
	"throughline/bus/embedded/embeddedtest"
	"throughline/event"
)

// words are as long as people's, so that states have their real size.
var words = []string{
	"Hi, I sent the jacket back two weeks ago and the refund is still not here",
	"I am sorry about that. May I have the order number, please?",
	"It is order 4839201, I gave it to your colleague on the phone already",
	"Thank you. I see the parcel reached us on the 12th, I will call you back tomorrow about your refund.",
	"So why is nobody paying me back? I have heard that twice now and I want to speak to somebody who can decide",
}

// lived is turn n of a customer: ten over WhatsApp and a call the day after.
func lived(customer string, n int) event.Features {
	channel, talk := event.WhatsApp, customer+"_w"
	at := day.Add(time.Duration(n) * time.Minute)
	if n%10 >= 6 {
		channel, talk, at = event.Voice, customer+"_v", at.Add(24*time.Hour)
	}
	role := []event.Role{event.Customer, event.Agent}[n%2]
	f := said(n, talk, channel, role, at, float64(n%7)/10-0.4)
	f.ID, f.Turn.ID, f.Turn.Customer, f.Turn.Text = event.ID("f", customer, fmt.Sprint(n)), event.ID("t", customer, fmt.Sprint(n)), customer, words[n%len(words)]
	f.Turn.Kind, f.Turn.Received, f.Turn.Agent, f.Language, f.Model = event.Text, at, "a7", "en", "encoder 1"
	if role == event.Customer {
		f.Turn.Agent = ""
		f.Intents = []event.Label{{Name: "refund_request", Probability: 0.91}, {Name: "complaint", Probability: 0.55}}
		f.Emotions = []event.Label{{Name: "anger", Probability: 0.62}}
	}
	if n%5 == 2 {
		f.Entities = []event.Entity{{Type: "ORDER", Text: "4839201", Value: "4839201", Start: 12, End: 19}}
	}
	return f
}

func scored(b *testing.B) *Shard {
	b.Helper()
	s, err := OpenShard(Config{})
	if err != nil {
		b.Fatal(err)
	}
	return s
}

// BenchmarkUpdate is one turn of a customer with some history on one core: read
// from JSON, folded, derived, scored, written as JSON; all but Kafka.
func BenchmarkUpdate(b *testing.B) {
	const customers = 1000
	s, ctx := scored(b), context.Background()
	var turns [][]byte
	for n := range 10 {
		for c := range customers {
			data, err := json.Marshal(lived(fmt.Sprint("c", c), n))
			if err != nil {
				b.Fatal(err)
			}
			turns = append(turns, data)
		}
	}
	size := 0
	b.ResetTimer()
	for n := range b.N {
		var f event.Features
		if err := json.Unmarshal(turns[n%len(turns)], &f); err != nil {
			b.Fatal(err)
		}
		if n >= len(turns) { // the same words said later, by ids of their own
			f.ID, f.Turn.ID = fmt.Sprint(f.ID, n/len(turns)), fmt.Sprint(f.Turn.ID, n/len(turns))
		}
		msgs, err := s.Turn(ctx, f)
		if err != nil || len(msgs) != 1 {
			b.Fatal(len(msgs), err)
		}
		data, err := json.Marshal(msgs[0].Value)
		if err != nil {
			b.Fatal(err)
		}
		size += len(data)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "updates/s/core")
	b.ReportMetric(float64(size)/float64(b.N), "bytes/state")
}

// BenchmarkRebuild holds 100,000 open journeys, ten turns over two channels
// each, in one process: from the compacted topic of the embedded broker, by the
// stage's own way of restoring.
func BenchmarkRebuild(b *testing.B) {
	const customers = 100_000
	broker := embeddedtest.Start(b, embedded.Config{Partitions: 4, Logger: slog.New(slog.DiscardHandler)})
	k := dial(b, broker.Addr())
	ctx := context.Background()
	if err := k.Ensure(ctx, event.All()...); err != nil {
		b.Fatal(err)
	}
	// One life, told of everybody: names of the same length make the same bytes.
	const somebody = "c000000"
	s, state := scored(b), []byte(nil)
	for n := range 10 {
		msgs, err := s.Turn(ctx, lived(somebody, n))
		if err != nil {
			b.Fatal(err)
		}
		if state, err = json.Marshal(msgs[0].Value); err != nil {
			b.Fatal(err)
		}
	}
	var batch []event.Message
	for c := range customers {
		name := fmt.Sprintf("c%06d", c)
		batch = append(batch, event.Message{Topic: event.Journeys().Spec, Key: name, Value: json.RawMessage(bytes.ReplaceAll(state, []byte(somebody), []byte(name)))})
		if len(batch) == 1000 {
			if err := k.Publish(ctx, batch...); err != nil {
				b.Fatal(err)
			}
			batch = nil
		}
	}
	for b.Loop() {
		runtime.GC()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		began, n := time.Now(), 0
		var shards [4]*Shard
		var opening sync.WaitGroup
		for p := range shards { // as the bus opens partitions
			opening.Go(func() {
				var err error
				if shards[p], err = restore(ctx, k, Config{}, p); err != nil {
					b.Error(err)
				}
			})
		}
		opening.Wait()
		if b.Failed() {
			return
		}
		took := time.Since(began)
		for _, s := range shards {
			n += len(s.customers)
		}
		b.ReportMetric(float64(len(state)), "bytes/state")
		debug.FreeOSMemory() // as the program does once it is ready
		runtime.ReadMemStats(&after)
		if n != customers {
			b.Fatalf("%d journeys of %d", n, customers)
		}
		b.ReportMetric(took.Seconds(), "rebuild-s")
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/(1<<20), "heap-MB")
		b.ReportMetric(float64(after.Sys-after.HeapReleased)/(1<<20), "process-MB")
		runtime.KeepAlive(shards)
	}
}

// BenchmarkThroughKafka is the time from a turn's features on their topic to the
// journey's state on its own, at 200 turns a second.
func BenchmarkThroughKafka(b *testing.B) {
	broker := embeddedtest.Start(b, embedded.Config{Partitions: 4, Logger: slog.New(slog.DiscardHandler)})
	k := dial(b, broker.Addr())
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if err := k.Ensure(ctx, event.All()...); err != nil {
		b.Fatal(err)
	}
	m := enter(b, broker.Addr())
	defer m.leave(b)
	seen := make(chan struct {
		id string
		at time.Time
	}, 10_000)
	for p := range 4 {
		go func() {
			_ = bus.Follow(ctx, k, event.Journeys().Source, p, 0, func(r bus.Record[event.Journey]) error {
				seen <- struct {
					id string
					at time.Time
				}{r.Value.Cause.ID, time.Now()}
				return nil
			})
		}()
	}
	send := func(n int, sent map[string]time.Time) {
		f := lived(fmt.Sprint("c", n%500), n)
		sent[f.Turn.ID] = time.Now()
		if err := k.Publish(ctx, event.AnalysedTurns().Message(f)); err != nil {
			b.Fatal(err)
		}
	}
	warm := map[string]time.Time{}
	for n := range 100 {
		send(n, warm)
	}
	for range warm {
		<-seen
	}
	for b.Loop() {
		const turns = 2000
		sent, took := map[string]time.Time{}, []time.Duration{}
		tick := time.NewTicker(time.Second / 200)
		for n := range turns {
			<-tick.C
			send(1000+n, sent)
		}
		tick.Stop()
		for range turns {
			got := <-seen
			took = append(took, got.at.Sub(sent[got.id]))
		}
		slices.Sort(took)
		b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "ms-p50")
		b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "ms-p99")
	}
}
