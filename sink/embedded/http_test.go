package embedded

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/ch-go/compress"
)

// TestHTTP is what a person with curl does. One server serves all cases.
func TestHTTP(t *testing.T) {
	s := start(t, Config{})
	write(t, s, "CREATE TABLE t (a Int64, s String) ENGINE = MergeTree ORDER BY a")
	write(t, s, "INSERT INTO t VALUES (1, 'one'), (2, 'two')")
	write(t, s, "CREATE DATABASE other")

	t.Run("queries", func(t *testing.T) {
		for _, c := range []struct {
			name   string
			values url.Values
			body   string
			status int
			code   string
			want   string
		}{
			{"query in the URL", url.Values{"query": {"SELECT 1"}}, "", 200, "", "1\n"},
			{"query in the body", nil, "SELECT s FROM t ORDER BY a", 200, "", "one\ntwo\n"},
			{"half and half, as the manual shows", url.Values{"query": {"SEL"}}, "ECT 1", 200, "", "1\n"},
			{"format clause", url.Values{"query": {"SELECT 1 AS x FORMAT JSONEachRow"}}, "", 200, "", "{\"x\":1}\n"},
			{"format by default", url.Values{"query": {"SELECT 1 AS x"}, "default_format": {"CSVWithNames"}}, "", 200, "", "\"x\"\n1\n"},
			{"whole document", url.Values{"query": {"SELECT number FROM numbers(100000) FORMAT JSONCompactColumns"}, "wait_end_of_query": {"1"}}, "", 200, "", ""},
			{"parameter", url.Values{"query": {"SELECT {x:String}"}, "param_x": {`it's\tescaped`}}, "", 200, "", "it\\'s\\tescaped\n"},
			{"setting", url.Values{"query": {"SELECT number FROM numbers(9)"}, "limit": {"2"}}, "", 200, "", "0\n1\n"},
			{"database", url.Values{"query": {"SELECT currentDatabase()"}, "database": {"other"}}, "", 200, "", "other\n"},
			{"time zone", url.Values{"query": {"SELECT timezone(), toDateTime(0)"}}, "", 200, "", "UTC\t1970-01-01 00:00:00\n"},
			{"comments and a semicolon", nil, "-- why\n/* and /* nested */ how */ SELECT 1;\n", 200, "", "1\n"},
			{"unknown table", url.Values{"query": {"SELECT * FROM nowhere"}}, "", 404, "60", "nowhere"},
			{"unknown database", url.Values{"query": {"SELECT 1"}, "database": {"nowhere"}}, "", 404, "81", "nowhere"},
			{"syntax error", url.Values{"query": {"SELECT FROM WHERE"}}, "", 400, "62", "Syntax error"},
			{"two statements", url.Values{"query": {"SELECT 1; SELECT 2"}}, "", 400, "62", "Multi-statements"},
			{"empty statement", nil, " ", 400, "62", ""},
			{"time limit", url.Values{"query": {"SELECT count() FROM numbers(100000000000) WHERE NOT ignore(sipHash64(number))"}, "max_execution_time": {"1"}}, "", 408, "159", "Timeout"},
			{"parameter that is no setting", url.Values{"query": {"SELECT 1"}, "a'b": {"1"}}, "", 400, "36", "setting"},
			{"statement too long", nil, "SELECT '" + strings.Repeat("x", maxStatement) + "'", 413, "229", "longer"},
		} {
			t.Run(c.name, func(t *testing.T) {
				var body io.Reader
				if c.body != "" {
					body = strings.NewReader(c.body)
				}
				a := ask(t, s, c.values, body)
				if a.status != c.status || a.code() != c.code || !strings.Contains(a.body, c.want) || c.status == 200 && c.want != "" && a.body != c.want {
					t.Errorf("%d, code %q: %.300s; want %d, %q, %q", a.status, a.code(), a.body, c.status, c.code, c.want)
				}
			})
		}
	})

	t.Run("inserts", func(t *testing.T) {
		for _, c := range []struct {
			name  string
			query string
			body  string
			want  string // rows of the table afterwards
		}{
			{"values in the URL", "INSERT INTO i VALUES (1,'a')", "", "1\ta\n"},
			{"values in the body", "INSERT INTO i VALUES", "(1,'a'), (1+1,'b')", "1\ta\n2\tb\n"},
			{"statement and values in the body", "", "INSERT INTO i (s, a) VALUES ('x;y', 3)", "3\tx;y\n"},
			{"an empty line in the data", "", "INSERT INTO i FORMAT JSONEachRow\n{\"a\":1}\n\n{\"a\":2}\n", "1\t\n2\t\n"},
			{"an empty line, format in the URL", "INSERT INTO i FORMAT JSONEachRow", "{\"a\":1}\n\n{\"a\":2}\n", "1\t\n2\t\n"},
			{"settings", "INSERT INTO i SETTINGS async_insert=1, wait_for_async_insert=0 FORMAT TSV", "4\td\n", "4\td\n"},
			{"from a question", "INSERT INTO i SELECT number, 'n' FROM numbers(2)", "", "0\tn\n1\tn\n"},
			{"a table called values", "INSERT INTO default.`i` FORMAT Values (5,'e')", "", "5\te\n"},
			{"no rows", "INSERT INTO i FORMAT CSV", "", ""},
		} {
			t.Run(c.name, func(t *testing.T) {
				write(t, s, "CREATE OR REPLACE TABLE i (a Int64, s String) ENGINE = MergeTree ORDER BY a")
				values := url.Values{}
				if c.query != "" {
					values.Set("query", c.query)
				}
				if a := ask(t, s, values, strings.NewReader(c.body), asWriter(s)); a.status != 200 {
					t.Fatalf("%d %s", a.status, a.body)
				}
				if got := read(t, s, "SELECT * FROM i ORDER BY a").body; got != c.want {
					t.Errorf("table holds %q, want %q", got, c.want)
				}
			})
		}
	})

	t.Run("bad inserts store nothing", func(t *testing.T) {
		for _, c := range []struct{ name, query, body, code string }{
			{"bad row among good ones", "INSERT INTO t FORMAT CSV", "7,x\n8,y\nnine,z\n", "27"},
			{"unknown column", "INSERT INTO t (nope) VALUES", "(1)", "16"},
			{"unknown table", "INSERT INTO nowhere FORMAT CSV", "1\n", "60"},
			{"unknown format", "INSERT INTO t FORMAT Sanskrit", "1\n", "73"},
			{"file of the server", "INSERT INTO t FROM INFILE '/etc/hostname' FORMAT CSV", "", "344"},
			{"two statements", "INSERT INTO t SELECT 7, ''; DROP TABLE t", "", "62"},
		} {
			a := ask(t, s, url.Values{"query": {c.query}}, strings.NewReader(c.body), asWriter(s))
			if a.status < 400 || a.code() != c.code {
				t.Errorf("%s: %d, code %q, want %s: %s", c.name, a.status, a.code(), c.code, a.body)
			}
		}
		if got := read(t, s, "SELECT count() FROM t").body; got != "2\n" {
			t.Errorf("%s rows", got)
		}
	})

	t.Run("torn inserts store nothing", func(t *testing.T) {
		var block bytes.Buffer
		z := compress.NewWriter(compress.LevelZero, compress.LZ4)
		for range 2 {
			if err := z.Compress([]byte("7,x\n8,y\n")); err != nil {
				t.Fatal(err)
			}
			block.Write(z.Data)
		}
		values := url.Values{"query": {"INSERT INTO t FORMAT CSV"}, "decompress": {"1"}}
		half := block.Len() / 2
		for _, n := range []int{1, 10, 25, half - 1, half + 1, half + 25, block.Len() - 1} {
			a := ask(t, s, values, bytes.NewReader(block.Bytes()[:n]), asWriter(s))
			if a.status != 400 {
				t.Errorf("%d of %d bytes: %d %s", n, block.Len(), a.status, a.body)
			}
		}
		// A client that leaves in the middle of a chunked body.
		body, w := io.Pipe()
		go func() {
			_, _ = io.WriteString(w, strings.Repeat("7,x\n", 100000))
			w.CloseWithError(errors.New("the client gives up"))
		}()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+s.Addr()+"/?query=INSERT+INTO+t+FORMAT+CSV", body)
		if err != nil {
			t.Fatal(err)
		}
		asWriter(s)(req)
		if resp, err := http.DefaultClient.Do(req); err == nil {
			resp.Body.Close()
			t.Errorf("torn body answered %d", resp.StatusCode)
		}
		if got := read(t, s, "SELECT count() FROM t").body; got != "2\n" {
			t.Errorf("%s rows", got)
		}
	})

	t.Run("compression", func(t *testing.T) {
		plain := read(t, s, "SELECT intDiv(number, 50) FROM numbers(1000)").body
		for _, encoding := range []string{"gzip", "deflate", "br", "zstd"} {
			a := ask(t, s, url.Values{"query": {"SELECT intDiv(number, 50) FROM numbers(1000)"}, "enable_http_compression": {"1"}}, nil,
				func(r *http.Request) { r.Header.Set("Accept-Encoding", "identity;q=0, "+encoding) })
			if got := a.header.Get("Content-Encoding"); got != encoding || len(a.body) >= len(plain) {
				t.Errorf("%s: encoding %q, %d bytes", encoding, got, len(a.body))
			}
			if encoding == "gzip" {
				z, err := gzip.NewReader(strings.NewReader(a.body))
				if err != nil {
					t.Fatal(err)
				}
				if got, err := io.ReadAll(z); err != nil || string(got) != plain {
					t.Errorf("gzip: %v", err)
				}
			}
		}
		var sent bytes.Buffer
		z := gzip.NewWriter(&sent)
		_, _ = io.WriteString(z, "SELECT 41+1")
		_ = z.Close()
		a := ask(t, s, nil, &sent, func(r *http.Request) { r.Header.Set("Content-Encoding", "gzip") })
		if a.body != "42\n" {
			t.Errorf("gzip statement: %+v", a)
		}
		a = ask(t, s, nil, strings.NewReader("x"), func(r *http.Request) { r.Header.Set("Content-Encoding", "rot13") })
		if a.status != 400 || a.code() != "271" {
			t.Errorf("unknown encoding: %+v", a)
		}
	})

	t.Run("headers", func(t *testing.T) {
		a := ask(t, s, url.Values{"query": {"SELECT 1 FORMAT JSON"}, "query_id": {"mine"}}, nil)
		for name, want := range map[string]string{
			"X-ClickHouse-Query-Id": "mine", "X-ClickHouse-Format": "JSON", "Content-Type": "application/json; charset=UTF-8",
		} {
			if got := a.header.Get(name); got != want {
				t.Errorf("%s: %q, want %q", name, got, want)
			}
		}
		if got := a.header.Get("X-ClickHouse-Summary"); !strings.Contains(got, `"read_rows":"1"`) {
			t.Errorf("summary %q", got)
		}
		a = ask(t, s, nil, strings.NewReader("SELECT currentDatabase()"), func(r *http.Request) {
			r.Header.Set("X-ClickHouse-Database", "other")
			r.Header.Set("X-ClickHouse-Format", "JSONEachRow")
		})
		if !strings.Contains(a.body, `"other"`) {
			t.Errorf("by headers: %+v", a)
		}
	})

	t.Run("paths", func(t *testing.T) {
		for path, want := range map[string]string{"/ping": "Ok.\n", "/replicas_status": "Ok.\n", "/": "Ok.\n", "/nowhere": "statements go to /"} {
			resp, err := http.Get("http://" + s.Addr() + path)
			if err != nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(resp.Body)
			resp.Body.Close()
			if !strings.Contains(string(body), want) {
				t.Errorf("%s: %q", path, body)
			}
		}
	})

	t.Run("an error in the middle of a result", func(t *testing.T) {
		a := read(t, s, "SELECT throwIf(number > 3000000, 'too far') FROM numbers(4000000) SETTINGS max_block_size=65536")
		if a.status != 200 && a.code() != "164" {
			t.Fatalf("%d %.200s", a.status, a.body)
		}
		a = ask(t, s, url.Values{"max_block_size": {"65536"}, "query": {"SELECT throwIf(number > 3000000, 'too far') FROM numbers(4000000)"}}, nil)
		tag := a.header.Get("X-ClickHouse-Exception-Tag")
		_, block, found := strings.Cut(a.body, "\r\n__exception__\r\n"+tag+"\r\n")
		text, rest, _ := strings.Cut(block, "\n"+"")
		if a.status != 200 || tag == "" || !found || !strings.HasPrefix(text, "Code: 395.") || !strings.HasPrefix(rest, strconv.Itoa(len(text))+" "+tag) {
			t.Errorf("%d, tag %q, ends with %q", a.status, tag, a.body[max(0, len(a.body)-300):])
		}
	})

	t.Run("a client that leaves ends its statement", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.Addr()+"/?query="+
			url.QueryEscape("SELECT count() FROM numbers(1000000000000) WHERE NOT ignore(sipHash64(number)) -- endless"), nil)
		if err != nil {
			t.Fatal(err)
		}
		if resp, err := http.DefaultClient.Do(req); err == nil {
			resp.Body.Close()
			t.Fatal("the endless statement ended")
		}
		deadline := time.Now().Add(time.Minute)
		for read(t, s, "SELECT count() FROM system.processes WHERE query LIKE '%sipHash64%' AND query NOT LIKE '%processes%'").body != "0\n" {
			if time.Now().After(deadline) {
				t.Fatal("it still runs")
			}
			time.Sleep(50 * time.Millisecond)
		}
	})

	t.Run("settings of one request end with it", func(t *testing.T) {
		values := url.Values{"query": {"SELECT getSetting('max_block_size')"}}
		before := ask(t, s, values, nil, asWriter(s)).body
		set := url.Values{"query": values["query"], "max_block_size": {"1234"}}
		if got := ask(t, s, set, nil, asWriter(s)).body; got != "1234\n" {
			t.Errorf("with the setting: %q", got)
		}
		write(t, s, "SET max_block_size=4321")
		for range 3 {
			if got := ask(t, s, values, nil, asWriter(s)).body; got != before {
				t.Errorf("afterwards: %q, want %q", got, before)
			}
		}
	})
}
