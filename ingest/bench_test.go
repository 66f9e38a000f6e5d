package ingest_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"throughline/bus/embedded"
	"throughline/event"
	"throughline/ingest"
	"throughline/ingest/ingesttest"
)

// BenchmarkAccept is a message from many customers at once until Kafka has it.
func BenchmarkAccept(b *testing.B) {
	k := ingesttest.New(b, ingest.SessionsConfig{})
	var n atomic.Int64
	b.SetParallelism(64)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			i := n.Add(1)
			if _, err := k.Intake.Accept(context.Background(), said(fmt.Sprintf("+4930%06d", i%5000), fmt.Sprint("m", i), "Where is my order? I have been waiting for two weeks.")); err != nil {
				b.Error(err)
			}
		}
	})
}

// BenchmarkRestore is a start until ready, on a topic that holds a million turns
// of conversations that are still open.
func BenchmarkRestore(b *testing.B) {
	const turns, customers, batch = 1_000_000, 5000, 5000
	broker, err := embedded.Open(embedded.Config{Dir: b.TempDir(), Listen: "127.0.0.1:0", RetentionBytes: -1})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = broker.Close() })
	k := ingesttest.On(b, broker.Addr(), ingest.SessionsConfig{}, nil)
	open := make([]ingest.Receipt, customers)
	for i := range open {
		open[i] = accept(b, k.Intake, said(fmt.Sprintf("+4930%06d", i), fmt.Sprint("first", i), "Where is my order? I have been waiting for two weeks."))[0]
	}
	for i := 0; i < turns; i += batch {
		msgs := make([]event.Message, batch)
		for j := range msgs {
			r := open[(i+j)%customers]
			msgs[j] = event.Message{Topic: event.Turns().Spec, Key: r.Customer, Value: event.Turn{ID: event.ID("t", fmt.Sprint(i+j)), Tenant: "acme", Customer: r.Customer,
				Interaction: r.Interaction, Channel: event.WhatsApp, Role: event.Customer, Kind: event.Text, At: time.Now(), Received: time.Now(), Text: "Where is my order? I have been waiting for two weeks."}}
		}
		if err := k.Bus.Publish(context.Background(), msgs...); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		ingesttest.On(b, broker.Addr(), ingest.SessionsConfig{}, nil)
	}
}
