package demo

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func TestSearchDisk(t *testing.T) {
	needles := []string{"4111 1111 1111 1111", "4111111111111111", "the code is 737"}
	filler := func(n int) string { return strings.Repeat("x", n) }
	for _, tt := range []struct {
		name, content string
		want          int
	}{
		{"empty", "", 0},
		{"clean", filler(3 * piece), 0},
		{"first", "4111111111111111" + filler(100), 1},
		{"last", filler(piece) + "4111 1111 1111 1111", 1},
		{"end of a piece", filler(piece-16) + "4111111111111111" + filler(10), 1},
		{"over the border", filler(piece-8) + "4111111111111111" + filler(10), 1},
		{"begin of a piece", filler(piece) + "4111111111111111" + filler(piece), 1},
		{"many", "the code is 737, 4111111111111111" + filler(2*piece-3) + "the code is 737", 3},
		{"cut off", "411111111111111", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.MkdirAll(filepath.Join(dir, "a", "b"), 0o700); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(dir, "a", "b", "0.log")
			if err := os.WriteFile(path, []byte(tt.content), 0o600); err != nil {
				t.Fatal(err)
			}
			leaks, read, err := searchDisk(context.Background(), []string{dir}, needles)
			if err != nil || read != int64(len(tt.content)) {
				t.Errorf("read %d of %d, %v", read, len(tt.content), err)
			}
			got := 0
			for _, l := range leaks {
				got += l.Times
				if l.Where != "file "+path {
					t.Errorf("found in %s", l.Where)
				}
			}
			if got != tt.want {
				t.Errorf("found %d times, want %d", got, tt.want)
			}
		})
	}
	if _, _, err := searchDisk(context.Background(), []string{filepath.Join(t.TempDir(), "nothing")}, needles); err == nil {
		t.Error("a folder that is not there holds no secrets")
	}
}

// clickhouse answers as ClickHouse would, by what the statement begins with.
func clickhouse(t *testing.T, answer func(sql string) (int, string)) (*store, *[]string) {
	t.Helper()
	var mu sync.Mutex
	var asked []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		mu.Lock()
		defer mu.Unlock()
		asked = append(asked, r.URL.RawQuery+"\n"+string(body))
		if r.URL.Query().Get("database") != "throughline" || !strings.HasSuffix(string(body), "FORMAT JSONEachRow") {
			t.Errorf("asked %s of %s", body, r.URL.RawQuery)
		}
		status, rows := answer(string(body))
		w.WriteHeader(status)
		_, _ = io.WriteString(w, rows)
	}))
	t.Cleanup(server.Close)
	s, err := newStore(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	return s, &asked
}

func TestSearchClickHouse(t *testing.T) {
	tables := `{"table":"turns","columns":["id","text","attrs"]}` + "\n"
	for _, tt := range []struct {
		name          string
		control, n    string
		tables, fails string
		want          string
	}{
		{name: "clean", tables: tables, control: "[1,0,0]", n: "[0,0,0]", want: "[]"},
		{name: "leaked", tables: tables, control: "[1,0,0]", n: "[0,2,1]", want: "[{clickhouse turns.text 2} {clickhouse turns.attrs 1}]"},
		{name: "blind", tables: tables, control: "[0,0,0]", n: "[0,0,0]", fails: "right database"},
		{name: "no tables", fails: "right database"},
		{name: "another shape", tables: tables, control: "[1]", n: "[0]", fails: "another shape"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, asked := clickhouse(t, func(sql string) (int, string) {
				switch {
				case strings.HasPrefix(sql, "SELECT table"):
					return 200, tt.tables
				case strings.Contains(sql, "unhex('72756e37')"): // run7
					return 200, `{"n":` + tt.control + "}\n"
				}
				return 200, `{"n":` + tt.n + "}\n"
			})
			leaks, err := s.leaks(context.Background(), []string{"5555555555554444", "the code is 737"}, "run7")
			if (tt.fails == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), tt.fails) {
				t.Fatalf("ends with %v", err)
			}
			if err == nil && fmt.Sprint(leaks) != tt.want {
				t.Errorf("found %v", leaks)
			}
			for _, q := range *asked {
				if strings.Contains(q, "5555555555554444") || strings.Contains(q, "737,") {
					t.Error("the question itself holds a secret")
				}
			}
		})
	}
}

func TestAsk(t *testing.T) {
	for _, tt := range []struct {
		name, answer string
		status       int
		want, fails  string
	}{
		{name: "rows", status: 200, answer: "{\"a\":1}\n{\"a\":2}\n", want: "[{1} {2}]"},
		{name: "none", status: 200, want: "[]"},
		{name: "exception", status: 404, answer: "Code: 60. DB::Exception: no table\nat line 1", fails: "404 Code: 60. DB::Exception: no table"},
		{name: "cut off", status: 200, answer: `{"a":1}` + "\n" + `{"a":`, fails: "read clickhouse rows"},
		{name: "not JSON", status: 200, answer: "Ok.", fails: "read clickhouse rows"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, asked := clickhouse(t, func(string) (int, string) { return tt.status, tt.answer })
			rows, err := ask[struct{ A int }](context.Background(), s, "SELECT {x:String}", "x", "a b")
			if (tt.fails == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), tt.fails) {
				t.Fatalf("ends with %v", err)
			}
			if err == nil && fmt.Sprint(rows) != tt.want {
				t.Errorf("gives %v", rows)
			}
			if !strings.Contains((*asked)[0], "param_x=a+b") {
				t.Errorf("asked %s", (*asked)[0])
			}
		})
	}
}
