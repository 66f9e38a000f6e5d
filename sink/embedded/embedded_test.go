package embedded

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"throughline/native"
)

// TestMain is also the child, and a parent to kill: tests start this binary.
func TestMain(m *testing.M) {
	command := ""
	if len(os.Args) > 1 {
		command = os.Args[1]
	}
	var err error
	switch command {
	case ChildCommand:
		err = ChildMain(os.Args[2:])
	case parentCommand:
		err = parentMain(os.Args[2])
	default:
		os.Exit(m.Run())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// serving is a server under test.
type serving struct {
	*Server
	stop func() error // ends it and waits; safe to call again
}

// start runs a server on the directory until the test ends.
func start(t testing.TB, c Config) serving {
	t.Helper()
	if err := native.Supported(native.ClickHouse); err != nil {
		t.Skip(err)
	}
	if c.Dir == "" {
		c.Dir = t.TempDir()
	}
	if c.Listen == "" {
		c.Listen = "127.0.0.1:0"
	}
	c.Progress = os.Stderr
	if c.Log == nil {
		c.Log = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	s := New(c)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	var err error
	go func() {
		err = s.Run(ctx)
		close(ended)
	}()
	stop := func() error {
		cancel()
		<-ended
		return err
	}
	t.Cleanup(func() { _ = stop() })
	select {
	case <-s.Ready():
	case <-ended:
		t.Fatal(err)
	case <-time.After(5 * time.Minute): // the first fetch may be slow
		t.Fatal("no answer")
	}
	return serving{s, stop}
}

// answer is what an HTTP request got.
type answer struct {
	status int
	header http.Header
	body   string
}

func (a answer) code() string { return a.header.Get("X-ClickHouse-Exception-Code") }

// ask sends one request; values go into the query string.
func ask(t testing.TB, s serving, values url.Values, body io.Reader, change ...func(*http.Request)) answer {
	t.Helper()
	method := http.MethodGet
	if body != nil {
		method = http.MethodPost
	}
	req, err := http.NewRequestWithContext(t.Context(), method, "http://"+s.Addr()+"/?"+values.Encode(), body)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range change {
		f(req)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("read answer: %v", err)
	}
	return answer{resp.StatusCode, resp.Header, string(text)}
}

// write runs a statement as the writer and fails the test if it fails.
func write(t testing.TB, s serving, statement string) string {
	t.Helper()
	a := ask(t, s, url.Values{}, strings.NewReader(statement), asWriter(s))
	if a.status != http.StatusOK {
		t.Fatalf("%s: %d %s", statement, a.status, a.body)
	}
	return a.body
}

func asWriter(s serving) func(*http.Request) {
	return func(r *http.Request) { r.SetBasicAuth(s.Writer().User, s.Writer().Password) }
}

// read asks as nobody in particular, which is the reader.
func read(t testing.TB, s serving, statement string) answer {
	t.Helper()
	return ask(t, s, url.Values{"query": {statement}}, nil)
}

// options are those of an unmodified clickhouse-go client, as the writer.
func options(s serving) *clickhouse.Options {
	return &clickhouse.Options{
		Protocol: clickhouse.HTTP,
		Addr:     []string{s.Addr()},
		Auth:     clickhouse.Auth{Username: s.Writer().User, Password: s.Writer().Password, Database: "default"},
	}
}

func open(t testing.TB, o *clickhouse.Options) clickhouse.Conn {
	t.Helper()
	conn, err := clickhouse.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func openDB(t testing.TB, o *clickhouse.Options) *sql.DB {
	t.Helper()
	db := clickhouse.OpenDB(o)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func wantCode(t testing.TB, err error, code int32) {
	t.Helper()
	var e *clickhouse.Exception
	if !errors.As(err, &e) || e.Code != code {
		t.Errorf("error %v, want code %d", err, code)
	}
}
