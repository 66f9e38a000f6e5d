package embedded

import (
	"fmt"
	"log/slog"
	"os"
	"strings"
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

// BenchmarkStart is from nothing running to the first answer and back, with the
// resident memory of the child that has answered one question.
func BenchmarkStart(b *testing.B) {
	dir := b.TempDir()
	log := make(pids, 1)
	for b.Loop() {
		s := start(b, Config{Dir: dir, Log: slog.New(log)})
		read(b, s, "SELECT 1")
		b.ReportMetric(residentMB(b, log.next(b)), "child-MB")
		if err := s.stop(); err != nil {
			b.Fatal(err)
		}
	}
}

// residentMB reads VmRSS of a process (proc_pid_status(5)); 0 where there is none.
func residentMB(b *testing.B, pid int) float64 {
	b.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	var kB float64
	if _, after, ok := strings.Cut(string(status), "VmRSS:"); ok {
		if _, err := fmt.Sscan(after, &kB); err != nil {
			b.Fatal(err)
		}
	}
	return kB / 1000
}
