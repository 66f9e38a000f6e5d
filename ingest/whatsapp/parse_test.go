package whatsapp

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"throughline/problem"
)

var update = flag.Bool("update", false, "write the golden files anew")

// Each testdata/*.json is a webhook; the golden file beside it is what it means.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no bodies: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".json"), func(t *testing.T) {
			body, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			arrivals, err := Parse("acme", body)
			if err != nil {
				t.Fatal(err)
			}
			got, err := json.MarshalIndent(compact(t, arrivals), "", " ")
			if err != nil {
				t.Fatal(err)
			}
			golden := strings.TrimSuffix(file, ".json") + ".golden"
			if *update {
				if err := os.WriteFile(golden, append(got, '\n'), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(bytes.TrimSpace(want), got) {
				t.Errorf("%s differs (go test ./ingest/whatsapp -update writes it anew):\n%s", golden, got)
			}
			for n := range body[:len(bytes.TrimSpace(body))] {
				_, err := Parse("acme", body[:n])
				if _, ok := errors.AsType[*problem.Problem](err); !ok {
					t.Fatalf("the first %d bytes give %v", n, err)
				}
			}
		})
	}
}

// compact drops what is empty, so that a golden file shows what is there.
func compact(t *testing.T, v any) any {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var tree any
	if err := json.Unmarshal(raw, &tree); err != nil {
		t.Fatal(err)
	}
	return prune(tree)
}

func prune(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			if e = prune(e); e == nil {
				delete(v, k)
			} else {
				v[k] = e
			}
		}
		if len(v) == 0 {
			return nil
		}
	case []any:
		for i := range v {
			v[i] = prune(v[i])
		}
	case string:
		if v == "" || v == "0001-01-01T00:00:00Z" {
			return nil
		}
	case bool:
		if !v {
			return nil
		}
	}
	return v
}

func TestPhone(t *testing.T) {
	tests := []struct{ in, want string }{
		{"4930123456", "+4930123456"}, {"+4930123456", "+4930123456"},
		{"5215512345678", "+525512345678"},  // Mexico, the old mobile 1
		{"553187654321", "+5531987654321"},  // Brazil, a mobile without its 9
		{"5511987654321", "+5511987654321"}, // with it
		{"551133334444", "+551133334444"},   // a Brazilian landline has none
		{"", ""}, {"1234", ""}, {"1234567890123456", ""}, {"<NUMBER>", ""}, {"12345x", ""}, {"120363-group", ""},
	}
	for _, tt := range tests {
		if got := phone(tt.in); got != tt.want {
			t.Errorf("phone(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.json")
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		arrivals, err := Parse("acme", body)
		if err != nil {
			p, ok := errors.AsType[*problem.Problem](err)
			if !ok || p.Status != 400 {
				t.Fatalf("refused by %v", err)
			}
			return
		}
		for _, a := range arrivals {
			if a.Turn != nil && (a.Turn.ID == "" || a.Turn.Kind == "" || len(a.Turn.Text) > MaxText || len(a.Person.Handles) == 0) {
				t.Errorf("turn lacks something: %+v", a)
			}
			if a.Change != nil && (a.Change.Change == "" || len(a.Person.Handles) == 0) {
				t.Errorf("change lacks something: %+v", a)
			}
			if _, err := json.Marshal(a); err != nil {
				t.Errorf("cannot be stored: %v", err)
			}
		}
	})
}

func BenchmarkParse(b *testing.B) {
	body, err := os.ReadFile("testdata/text.json")
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse("acme", body); err != nil {
			b.Fatal(err)
		}
	}
}
