package embedded_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"throughline/bus/embedded"
)

// These measure the bare broker with kafka-go's low-level client, one
// connection a worker and nothing of the pipeline: the denominator of every
// ratio that the pipeline's own benchmarks report.

const benchValue = 1 << 10

func benchBroker(b *testing.B, durable bool) (string, *kafka.Client) {
	broker := open(b, embedded.Config{Sync: durable, MinFree: 1})
	c := client(b, broker.Addr())
	createTopic(b, c, "turns", 4, nil)
	return broker.Addr(), c
}

func BenchmarkProduce(b *testing.B) {
	for _, durable := range []bool{false, true} {
		for _, batch := range []int{1, 100} {
			for _, workers := range []int{1, 4} {
				b.Run(fmt.Sprintf("sync=%v/batch=%d/workers=%d", durable, batch, workers), func(b *testing.B) {
					_, c := benchBroker(b, durable)
					records := make([]record, batch)
					for i := range records {
						records[i] = record{fmt.Sprint(i), strings.Repeat("x", benchValue)}
					}
					b.SetBytes(int64(batch) * benchValue)
					b.ResetTimer()
					var work sync.WaitGroup
					for w := range workers {
						work.Go(func() {
							for i := w; i < b.N; i += workers {
								if _, err := produce(context.Background(), c, "turns", w, time.Now(), records...); err != nil {
									b.Error(err)
									return
								}
							}
						})
					}
					work.Wait()
					b.ReportMetric(float64(b.N*batch)/b.Elapsed().Seconds(), "records/s")
				})
			}
		}
	}
}

func BenchmarkConsume(b *testing.B) {
	addr, c := benchBroker(b, false)
	const stored = 20000
	var records []record
	for i := range 500 {
		records = append(records, record{fmt.Sprint(i), strings.Repeat("x", benchValue)})
	}
	for range stored / len(records) {
		mustProduce(b, c, "turns", 0, records...)
	}
	b.SetBytes(benchValue)
	b.ResetTimer()
	for left := b.N; left > 0; left -= stored {
		r := kafka.NewReader(kafka.ReaderConfig{Brokers: []string{addr}, Topic: "turns", Partition: 0, MaxBytes: 4 << 20, MaxWait: 20 * time.Millisecond})
		for range min(left, stored) {
			if _, err := r.ReadMessage(context.Background()); err != nil {
				b.Fatal(err)
			}
		}
		r.Close()
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
}

// BenchmarkLatency is the time from handing one message to the client to
// having it from a reader that was waiting for it.
func BenchmarkLatency(b *testing.B) {
	for _, durable := range []bool{false, true} {
		b.Run(fmt.Sprintf("sync=%v", durable), func(b *testing.B) {
			addr, c := benchBroker(b, durable)
			r := kafka.NewReader(kafka.ReaderConfig{Brokers: []string{addr}, Topic: "turns", Partition: 0, MaxBytes: 1 << 20, MaxWait: time.Second})
			defer r.Close()
			var took []time.Duration
			for b.Loop() {
				began := time.Now()
				sent := make(chan error, 1)
				go func() {
					_, err := produce(context.Background(), c, "turns", 0, began, record{"k", strings.Repeat("x", benchValue)})
					sent <- err
				}()
				if _, err := r.ReadMessage(context.Background()); err != nil {
					b.Fatal(err)
				}
				took = append(took, time.Since(began))
				if err := <-sent; err != nil {
					b.Fatal(err)
				}
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
		})
	}
}

// BenchmarkCompact is how long a compaction keeps every client waiting, for
// each 32 MiB of records of which a quarter are still the latest.
func BenchmarkCompact(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		broker := open(b, embedded.Config{CompactAfter: 1, MinFree: 1})
		c := client(b, broker.Addr())
		createTopic(b, c, "journeys", 1, compacted())
		for i := 0; i < 8<<10; i += 64 {
			var records []record
			for j := range 64 {
				records = append(records, record{fmt.Sprint((i + j) % (2 << 10)), strings.Repeat("s", 4<<10)})
			}
			mustProduce(b, c, "journeys", 0, records...)
		}
		b.StartTimer()
		upkeep(b, broker)
		b.StopTimer()
		broker.Close()
		b.StartTimer()
	}
}
