package problem

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestWrite(t *testing.T) {
	tests := []struct {
		name, body, retry string
		status            int
		err               error
	}{
		{"fields", `{"type":"urn:throughline:problem:invalid-fields","title":"Fields are not valid","status":400,"detail":"2 fields are wrong; see errors.","errors":[{"pointer":"#/text","detail":"is empty"},{"pointer":"#/at","detail":"is not RFC 3339"}]}`, "", 400,
			Invalid(Field{Pointer: "#/text", Detail: "is empty"}, Field{Pointer: "#/at", Detail: "is not RFC 3339"})},
		{"retry", `{"type":"about:blank","title":"Service Unavailable","status":503,"detail":"come back"}`, "2", 503,
			fmt.Errorf("outer: %w", Unavailable(1500*time.Millisecond, "come back", errors.New("secret")))},
		{"foreign", `{"type":"about:blank","title":"Internal Server Error","status":500,"detail":"The server failed; the request may be sent again."}`, "", 500,
			errors.New("secret")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			rec := httptest.NewRecorder()
			Write(rec, Of(tt.err))
			if rec.Code != tt.status || strings.TrimSpace(rec.Body.String()) != tt.body || rec.Header().Get("Retry-After") != tt.retry {
				t.Errorf("got %d, Retry-After %q\n%s", rec.Code, rec.Header().Get("Retry-After"), rec.Body)
			}
			if got := rec.Header().Get("Content-Type"); got != ContentType {
				t.Errorf("Content-Type is %q", got)
			}
		})
	}
}

func TestProblemKeepsItsCause(t *testing.T) {
	cause := errors.New("broker away")
	if p := Unavailable(time.Second, "later", cause); !errors.Is(p, cause) {
		t.Error("cause is lost")
	}
}

type document struct {
	Entry []struct {
		Changes []struct {
			Field string         `json:"field"`
			Count int            `json:"count"`
			Yes   bool           `json:"yes"`
			Deep  map[string]int `json:"deep/er"`
		} `json:"changes"`
	} `json:"entry"`
}

func TestJSONNamesTheField(t *testing.T) {
	tests := []struct{ body, pointer, detail string }{
		{`{"entry":[{},{"changes":[{"field":"a"},{"field":7}]}]}`, "#/entry/1/changes/1/field", "is a JSON number and must be a string"},
		{`{"entry":[{"changes":[{"field":{"x":[1,2]}}]}]}`, "#/entry/0/changes/0/field", "is a JSON object and must be a string"},
		{`{"entry":[{"changes":[{"field":["x"]}]}]}`, "#/entry/0/changes/0/field", "is a JSON array and must be a string"},
		{`{"entry":{}}`, "#/entry", "is a JSON object and must be an array"},
		{`{"entry":[{"changes":"x"}]}`, "#/entry/0/changes", "is a JSON string and must be an array"},
		{`{"entry":["x"]}`, "#/entry/0", "is a JSON string and must be an object"},
		{`{"other":[[1,{"a":2}],3],"entry":[{"changes":[{"count":1.5}]}]}`, "#/entry/0/changes/0/count", "is a JSON number and must be a whole number"},
		{`{"entry":[{"changes":[{"yes":"true"}]}]}`, "#/entry/0/changes/0/yes", "is a JSON string and must be true or false"},
		{`{"entry":[{"changes":[{"deep/er":{"a~b":"x"}}]}]}`, "#/entry/0/changes/0/deep~1er/a~0b", "is a JSON string and must be a whole number"},
		{`[]`, "#", "is a JSON array and must be an object"},
	}
	for _, tt := range tests {
		var d document
		err := json.Unmarshal([]byte(tt.body), &d)
		if err == nil {
			t.Fatalf("%s: decoded", tt.body)
		}
		p := JSON([]byte(tt.body), "", err)
		if p.Status != http.StatusBadRequest || len(p.Errors) != 1 || p.Errors[0] != (Field{Pointer: tt.pointer, Detail: tt.detail}) {
			t.Errorf("%s: got %+v", tt.body, p.Errors)
		}
	}
}

func TestJSONTruncated(t *testing.T) {
	const body = `{"entry":[{"changes":[{"field":"secret"}]}]}`
	for n := range len(body) {
		var d document
		p := JSON([]byte(body[:n]), "", json.Unmarshal([]byte(body[:n]), &d))
		if p.Status != http.StatusBadRequest || !strings.Contains(p.Detail, "not JSON") || strings.Contains(p.Error(), "secret") {
			t.Errorf("prefix of %d bytes: %v", n, p)
		}
	}
}

func TestJSONOfAnotherError(t *testing.T) {
	p := JSON([]byte(`{}`), "/a", errors.New("the value was 4111"))
	if p.Status != http.StatusBadRequest || strings.Contains(p.Error(), "4111") || len(p.Errors) != 1 || p.Errors[0].Pointer != "#/a" {
		t.Errorf("got %v", p)
	}
}

func FuzzPointerAt(f *testing.F) {
	f.Add([]byte(`{"a":[1,{"b":"c"}],"d":null}`), int64(12))
	f.Add([]byte(`[[[]]]`), int64(3))
	f.Add([]byte(`{"a`), int64(2))
	f.Fuzz(func(t *testing.T, body []byte, offset int64) {
		p := PointerAt(body, offset)
		if p != "" && p[0] != '/' {
			t.Errorf("pointer %q does not begin with /", p)
		}
	})
}
