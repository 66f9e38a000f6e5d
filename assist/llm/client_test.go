package llm

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// answered is what a server says that chats.
func answered(content string) string {
	b, _ := json.Marshal(map[string]any{"choices": []any{map[string]any{"message": map[string]any{"role": "assistant", "content": content}}}})
	return string(b)
}

func TestAnswer(t *testing.T) {
	var got struct {
		Model    string
		Messages []struct{ Role, Content string }
		Format   struct{ Type string } `json:"response_format"`
	}
	var bearer string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		bearer = r.URL.Path + " " + r.Header.Get("Authorization")
		if err := json.NewDecoder(r.Body).Decode(&got); err != nil {
			t.Error(err)
		}
		_, _ = io.WriteString(w, answered(`{"a":1}`))
	}))
	defer server.Close()
	for key, want := range map[string]string{"": "/v1/chat/completions ", "k": "/v1/chat/completions Bearer k"} {
		c, err := New(Config{BaseURL: server.URL + "/v1/", Model: "m", Key: key})
		if err != nil {
			t.Fatal(err)
		}
		text, err := c.Answer(t.Context(), "do this", "with that")
		if err != nil || text != `{"a":1}` || bearer != want || c.Name() != "m" {
			t.Errorf("%q, %v, sent to %q", text, err, bearer)
		}
	}
	if got.Model != "m" || got.Format.Type != "json_object" || len(got.Messages) != 2 || got.Messages[0].Role != "system" || got.Messages[1].Content != "with that" {
		t.Errorf("the server got %+v", got)
	}
}

// TestWhatServersDoWrong looks for an error that says the fix, soon, and holds
// nothing of what was asked.
func TestWhatServersDoWrong(t *testing.T) {
	refuse := func(status int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		}
	}
	const quoting = `{"error":{"message":"your prompt 'my secret' is bad","type":"x","code":1}}`
	stop := make(chan struct{})
	defer close(stop)
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		want   string
	}{
		"busy":      {refuse(429, quoting), "status 429"},
		"broken":    {refuse(500, "<html>my secret</html>"), "status 500"},
		"key":       {refuse(401, quoting), "language_model.key"},
		"model":     {refuse(404, quoting), "language_model.model"},
		"garbage":   {refuse(200, "my secret"), "documented form"},
		"nothing":   {refuse(200, `{"choices":[]}`), "empty answer"},
		"no text":   {refuse(200, answered("")), "empty answer"},
		"too long":  {refuse(200, answered(strings.Repeat("my secret", 1<<18))), "documented form"},
		"hangs":     {func(_ http.ResponseWriter, r *http.Request) { <-stop }, "within 200ms"},
		"cuts off":  {func(w http.ResponseWriter, _ *http.Request) { panic(http.ErrAbortHandler) }, "language_model.base_url"},
		"redirects": {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/", http.StatusFound) }, "language"},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewUnstartedServer(c.answer)
			server.Start()
			t.Cleanup(func() { server.CloseClientConnections(); go server.Close() }) // one that hangs ends with the test
			client, err := New(Config{BaseURL: server.URL, Model: "m", Timeout: 200 * time.Millisecond})
			if name != "hangs" {
				client, err = New(Config{BaseURL: server.URL, Model: "m"})
			}
			if err != nil {
				t.Fatal(err)
			}
			_, err = client.Answer(t.Context(), "instructions", "my secret")
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "secret") {
				t.Errorf("error %v, want %q", err, c.want)
			}
			if name == "hangs" && !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("error %v", err)
			}
		})
	}
}

func TestConfig(t *testing.T) {
	for name, c := range map[string]struct {
		cfg  Config
		want string
	}{
		"no scheme": {Config{BaseURL: "localhost:8000", Model: "m"}, "language_model.base_url"},
		"no model":  {Config{BaseURL: "http://127.0.0.1:1/v1"}, "language_model.model"},
	} {
		if _, err := New(c.cfg); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if c, err := New(Config{}); c != nil || err != nil {
		t.Errorf("without a server: %v, %v", c, err)
	}
	c, err := New(Config{BaseURL: "http://127.0.0.1:1/v1", Model: "m"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Answer(t.Context(), "", "x"); err == nil || !strings.Contains(err.Error(), "cannot be reached") {
		t.Errorf("nobody listens: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Answer(ctx, "", "x"); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
