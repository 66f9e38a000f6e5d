package embedded

import (
	"context"
	"database/sql"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/google/uuid"
	"github.com/shopspring/decimal"
)

// TestClient runs an unmodified clickhouse-go client over what the pipeline and
// Grafana's plugin use of it.
func TestClient(t *testing.T) {
	s := start(t, Config{})
	ctx := t.Context()

	for _, method := range []clickhouse.CompressionMethod{
		clickhouse.CompressionNone, clickhouse.CompressionLZ4, clickhouse.CompressionZSTD,
		clickhouse.CompressionGZIP, clickhouse.CompressionDeflate, clickhouse.CompressionBrotli,
	} {
		t.Run("every type there and back, "+method.String(), func(t *testing.T) {
			o := options(s)
			o.Compression = &clickhouse.Compression{Method: method, Level: 3}
			conn := open(t, o)
			roundTrip(t, conn)
		})
	}

	t.Run("a deduplication token has one effect", func(t *testing.T) {
		conn := open(t, options(s))
		if err := conn.Exec(ctx, "CREATE TABLE once (id UInt64) ENGINE = MergeTree ORDER BY id SETTINGS non_replicated_deduplication_window = 100"); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			batch, err := conn.PrepareBatch(clickhouse.Context(ctx, clickhouse.WithSettings(clickhouse.Settings{"insert_deduplication_token": "t0-p0-17"})), "INSERT INTO once")
			if err != nil {
				t.Fatal(err)
			}
			for id := range uint64(10) {
				if err := batch.Append(id); err != nil {
					t.Fatal(err)
				}
			}
			if err := batch.Send(); err != nil {
				t.Fatal(err)
			}
		}
		var n uint64
		if err := conn.QueryRow(ctx, "SELECT count() FROM once").Scan(&n); err != nil || n != 10 {
			t.Errorf("%d rows, %v", n, err)
		}
	})

	t.Run("parameters", func(t *testing.T) {
		conn := open(t, options(s))
		text := "it's a \\ \"tab\"\t\nand 日本"
		var got string
		named := clickhouse.Context(ctx, clickhouse.WithParameters(clickhouse.Parameters{"n": "41"}))
		var n int64
		if err := conn.QueryRow(named, "SELECT {n:Int64} + 1").Scan(&n); err != nil || n != 42 {
			t.Errorf("named: %d, %v", n, err)
		}
		if err := conn.QueryRow(ctx, "SELECT ?", text).Scan(&got); err != nil || got != text {
			t.Errorf("positional: %q, %v", got, err)
		}
	})

	t.Run("errors keep their code", func(t *testing.T) {
		o := options(s)
		o.Compression = &clickhouse.Compression{Method: clickhouse.CompressionLZ4}
		conn := open(t, o)
		wantCode(t, conn.Exec(ctx, "SELECT * FROM nowhere"), 60)
		wantCode(t, conn.Exec(ctx, "SELECT 1; SELECT 2"), 62)
		_, err := conn.PrepareBatch(ctx, "INSERT INTO nowhere")
		wantCode(t, err, 60)

		rows, err := conn.Query(ctx, "SELECT throwIf(number > 3000000) FROM numbers(4000000) SETTINGS max_block_size = 65536")
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		n := 0
		for rows.Next() {
			n++
		}
		wantCode(t, rows.Err(), 395)
		if n == 0 {
			t.Error("no rows before the error: the result was not streamed")
		}

		reader := options(s)
		reader.Auth.Username, reader.Auth.Password = DefaultReader, ""
		wantCode(t, open(t, reader).Exec(ctx, "DROP TABLE once"), codeReadonly)
		reader.Auth.Password = "wrong"
		wantCode(t, open(t, reader).Ping(ctx), codeAuthentication)
	})

	t.Run("deadline", func(t *testing.T) {
		conn := open(t, options(s))
		short, cancel := context.WithTimeout(ctx, 500*time.Millisecond)
		defer cancel()
		began := time.Now()
		if err := conn.Exec(short, "SELECT count() FROM numbers(1000000000000) WHERE NOT ignore(sipHash64(number))"); err == nil || time.Since(began) > time.Minute {
			t.Errorf("%v after %v", err, time.Since(began))
		}
	})

	t.Run("database/sql", func(t *testing.T) {
		db := openDB(t, options(s))
		var n int
		if err := db.QueryRowContext(ctx, "SELECT toInt64(?) + 1", 41).Scan(&n); err != nil || n != 42 {
			t.Errorf("%d, %v", n, err)
		}
		var null sql.NullString
		if err := db.QueryRowContext(ctx, "SELECT CAST(NULL AS Nullable(String))").Scan(&null); err != nil || null.Valid {
			t.Errorf("%v, %v", null, err)
		}
	})

	t.Run("many at once wait for each other", func(t *testing.T) {
		o := options(s)
		o.MaxOpenConns = 4 * DefaultQueries
		conn := open(t, o)
		var all sync.WaitGroup
		for i := range 4 * DefaultQueries {
			all.Go(func() {
				var n uint64
				if err := conn.QueryRow(ctx, fmt.Sprintf("SELECT sum(number) + %d FROM numbers(1000000)", i)).Scan(&n); err != nil || n != 499999500000+uint64(i) {
					t.Errorf("%d: %d, %v", i, n, err)
				}
			})
		}
		all.Wait()
	})
}

func roundTrip(t *testing.T, conn clickhouse.Conn) {
	t.Helper()
	ctx := t.Context()
	if err := conn.Exec(ctx, `CREATE OR REPLACE TABLE kinds (
		id UInt64, name String, word LowCardinality(String), at DateTime64(3, 'UTC'), day Date, score Float32, maybe Nullable(Int32),
		tags Array(LowCardinality(String)), extra Map(String, String), part Tuple(Float64, String), money Decimal(18, 4), ip IPv6,
		channel Enum8('voice' = 1, 'chat' = 2), unique UUID, yes Bool, fixed FixedString(3), nested Array(Tuple(UInt32, Array(String)))
	) ENGINE = MergeTree ORDER BY id`); err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 3, 1, 12, 30, 0, 123e6, time.UTC)
	batch, err := conn.PrepareBatch(ctx, "INSERT INTO kinds")
	if err != nil {
		t.Fatal(err)
	}
	maybe := int32(-7)
	id := uuid.MustParse("6ba7b810-9dad-11d1-80b4-00c04fd430c8")
	const rows = 3000
	for i := range uint64(rows) {
		if err := batch.Append(i, fmt.Sprintf("name\n\n%d", i), "word", at, at, float32(0.5), &maybe, []string{"a", "b"}, map[string]string{"k": "v"},
			[]any{1.5, "x"}, decimal.RequireFromString("12.3456"), net.ParseIP("2001:db8::1"), "chat", id, true, "abc",
			[][]any{{uint32(1), []string{"p", "q"}}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := batch.Send(); err != nil {
		t.Fatal(err)
	}
	result, err := conn.Query(ctx, "SELECT * FROM kinds ORDER BY id")
	if err != nil {
		t.Fatal(err)
	}
	defer result.Close()
	n := uint64(0)
	for ; result.Next(); n++ {
		var (
			gotID              uint64
			name, word, ch, fx string
			gotAt, day         time.Time
			score              float32
			gotMaybe           *int32
			tags               []string
			extra              map[string]string
			part               []any
			money              decimal.Decimal
			ip                 net.IP
			unique             uuid.UUID
			yes                bool
			nested             [][]any
		)
		if err := result.Scan(&gotID, &name, &word, &gotAt, &day, &score, &gotMaybe, &tags, &extra, &part, &money, &ip, &ch, &unique, &yes, &fx, &nested); err != nil {
			t.Fatal(err)
		}
		if gotID != n || name != fmt.Sprintf("name\n\n%d", n) || word != "word" || !gotAt.Equal(at) || day.Format(time.DateOnly) != "2026-03-01" || score != 0.5 ||
			gotMaybe == nil || *gotMaybe != -7 || len(tags) != 2 || extra["k"] != "v" || part[1] != "x" || money.String() != "12.3456" || !ip.Equal(net.ParseIP("2001:db8::1")) ||
			ch != "chat" || unique != id || !yes || fx != "abc" || len(nested) != 1 {
			t.Fatalf("row %d: %v %q %v %v %v %v %v %v %v %v %v %v %v %v %v %v", n, gotID, name, word, gotAt, day, score, gotMaybe, tags, extra, part, money, ip, ch, unique, yes, nested)
		}
	}
	if err := result.Err(); err != nil || n != rows {
		t.Errorf("%d rows, %v", n, err)
	}
}
