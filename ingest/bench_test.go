package ingest_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

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

// BenchmarkRestore is a start on 50,000 stored messages until ready.
func BenchmarkRestore(b *testing.B) {
	k := ingesttest.New(b, ingest.SessionsConfig{})
	for i := 0; i < 50_000; i += 500 {
		batch := make([]ingest.Arrival, 500)
		for j := range batch {
			batch[j] = said(fmt.Sprintf("+4930%06d", (i+j)%5000), fmt.Sprint("m", i+j), "Where is my order? I have been waiting for two weeks.")
		}
		accept(b, k.Intake, batch...)
	}
	for b.Loop() {
		ingesttest.On(b, k.Addr, ingest.SessionsConfig{}, nil)
	}
}
