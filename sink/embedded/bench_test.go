package embedded

import (
	"fmt"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
)

// BenchmarkInsert inserts batches through clickhouse-go with LZ4, as the sink
// does, into a table of 12 columns; every batch is on the disk when it counts.
func BenchmarkInsert(b *testing.B) {
	s := start(b, Config{})
	o := options(s)
	o.Compression = &clickhouse.Compression{Method: clickhouse.CompressionLZ4}
	conn := open(b, o)
	for _, rows := range []int{100, 1000, 10000} {
		b.Run(fmt.Sprintf("rows=%d", rows), func(b *testing.B) {
			write(b, s, `CREATE OR REPLACE TABLE t (tenant LowCardinality(String), customer String, interaction String, channel LowCardinality(String),
				at DateTime64(3), seq UInt32, text String, score Float32, positive Float32, negative Float32, intents Array(LowCardinality(String)), offset Int64
				) ENGINE = MergeTree PARTITION BY toYYYYMM(at) ORDER BY (tenant, customer, at)`)
			at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
			b.ResetTimer()
			for i := range b.N {
				batch, err := conn.PrepareBatch(b.Context(), "INSERT INTO t")
				if err != nil {
					b.Fatal(err)
				}
				for n := range rows {
					if err := batch.Append("acme", fmt.Sprintf("customer-%d", n%997), fmt.Sprintf("interaction-%d", n%4999), "voice", at.Add(time.Duration(n)*time.Millisecond),
						uint32(n), "I have been waiting for my refund for three weeks now", float32(-0.6), float32(0.1), float32(0.7), []string{"refund", "complaint"}, int64(i*rows+n)); err != nil {
						b.Fatal(err)
					}
				}
				if err := batch.Send(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N*rows)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}

// BenchmarkSelect asks for one row, as the reader: access checks included.
func BenchmarkSelect(b *testing.B) {
	s := start(b, Config{})
	reader := options(s)
	reader.Auth.Username, reader.Auth.Password = DefaultReader, ""
	for _, c := range []struct {
		name    string
		options *clickhouse.Options
	}{{"writer", options(s)}, {"reader", reader}} {
		b.Run(c.name, func(b *testing.B) {
			conn := open(b, c.options)
			for b.Loop() {
				var n uint8
				if err := conn.QueryRow(b.Context(), "SELECT 1").Scan(&n); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkStart is from nothing running to the first answer.
func BenchmarkStart(b *testing.B) {
	dir := b.TempDir()
	for b.Loop() {
		s := start(b, Config{Dir: dir})
		if err := s.stop(); err != nil {
			b.Fatal(err)
		}
	}
}
