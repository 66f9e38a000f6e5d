package summary_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"throughline/assist/llm"
	"throughline/assist/summary"
	"throughline/event"
)

// told is an answer of a model that words sentences of refund.
func told(sentences ...map[string]any) string {
	b, _ := json.Marshal(map[string]any{"sentences": sentences})
	return string(b)
}

func sentence(part, text string, turns ...int) map[string]any {
	return map[string]any{"part": part, "text": text, "turns": turns}
}

func faithful() string {
	return told(sentence("reason", "Customer waits for the refund of order 4839201 since two weeks.", 2),
		sentence("done", "Agent found that the parcel came on the 12th.", 5),
		sentence("promised", "Agent promised Marta a call back tomorrow.", 5, 4))
}

// chat is a server that says content.
func chat(tb testing.TB, answer http.HandlerFunc) *llm.Client {
	tb.Helper()
	server := httptest.NewServer(answer)
	tb.Cleanup(func() { server.CloseClientConnections(); go server.Close() }) // a handler that hangs ends with the test
	c, err := llm.New(llm.Config{BaseURL: server.URL + "/v1", Model: "small", Timeout: 2 * time.Second})
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

func says(content string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		b, _ := json.Marshal(map[string]any{"choices": []any{map[string]any{"message": map[string]any{"content": content}}}})
		_, _ = w.Write(b)
	}
}

func TestModelWordsTheSummary(t *testing.T) {
	c := refund()
	secret := said(6, event.Customer, "what the gate never saw")
	secret.Turn.Clearance = ""
	withheld := said(7, event.Customer, "what was withheld")
	withheld.Turn.Withheld = "consent withdrawn"
	c.Turns = append(c.Turns, secret, withheld)
	var got string
	client := chat(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		got = string(b)
		says("```json\n"+faithful()+"\n```")(w, r)
	})
	s, err := summary.Writer{Extractor: extractor(t), Model: client}.Summarise(t.Context(), c)
	if err != nil || s.By != summary.ByModel || s.Model != "small" || s.Refused != "" || len(s.Sentences) != 3 {
		t.Fatalf("%+v, %v", s, err)
	}
	if one := s.Sentences[2]; one.Turn != "t4" || len(one.More) != 1 || one.More[0] != "t3" || one.Role != event.Agent || one.At.IsZero() {
		t.Errorf("sentence %+v", one)
	}
	if !strings.HasPrefix(s.Text, "Customer waits for the refund") || s.State != "ended" || s.Sentiment == nil {
		t.Errorf("summary %+v", s)
	}
	if !strings.Contains(got, "4839201") || strings.Contains(got, "never saw") || strings.Contains(got, "withheld") {
		t.Errorf("the model was sent %s", got)
	}
}

// TestModelThatMisbehaves wants the extract each time, and why.
func TestModelThatMisbehaves(t *testing.T) {
	stop := make(chan struct{})
	t.Cleanup(func() { close(stop) })
	status := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "Marta's secret", code) }
	}
	plain, err := extractor(t).Summarise(t.Context(), refund())
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		want   string
	}{
		"busy":              {status(429), "status 429"},
		"broken":            {status(500), "status 500"},
		"hangs":             {func(http.ResponseWriter, *http.Request) { <-stop }, "did not answer within 2s"},
		"garbage":           {status(200), "documented form"},
		"chatter":           {says("Marta wants her money back."), "in the form"},
		"another form":      {says(`{"sentences":"all is well"}`), "in the form"},
		"half an object":    {says(`{"sentences":[{"part":"rea`), "in the form"},
		"no sentence":       {says(told()), "0 sentences"},
		"too many":          {says(told(make([]map[string]any, 9)...)), "9 sentences"},
		"a made-up number":  {says(told(sentence("reason", "Customer waits for order 4839202.", 2))), "sentence 1 of the language model holds a number"},
		"a number's turn":   {says(told(sentence("reason", "Customer waits for order 4839201.", 5))), "holds a number"},
		"a spelled number":  {says(told(sentence("reason", "Customer waits for three weeks.", 2))), "holds a number"},
		"a made-up name":    {says(told(sentence("reason", "Customer asks Jonas for the refund.", 2))), "holds a name"},
		"a name in front":   {says(told(sentence("reason", "Jonas asks for the refund.", 2))), "holds a name"},
		"a made-up address": {says(told(sentence("done", "Agent wrote to marta@example.com today.", 5))), "holds an address"},
		"the second one":    {says(told(sentence("reason", "Customer asks for the refund.", 2), sentence("done", "Agent paid $40.", 5))), "sentence 2"},
		"no proof":          {says(told(sentence("reason", "Customer asks for the refund."))), "names no turn"},
		"a turn too high":   {says(told(sentence("reason", "Customer asks for the refund.", 7))), "that there is not"},
		"turn nought":       {says(told(sentence("reason", "Customer asks for the refund.", 0))), "that there is not"},
		"another part":      {says(told(sentence("mood", "Customer asks for the refund.", 2))), "no part"},
		"an endless one":    {says(told(sentence("reason", strings.Repeat("refund ", 60), 2))), "bytes"},
		"an empty one":      {says(told(sentence("reason", " ", 2))), "bytes"},
		"control":           {says(told(sentence("reason", "Customer asks\x1b[31m for the refund.", 2))), "control"},
		"no capitals":       {says(told(sentence("reason", "客户要求退款。", 2))), "without capitals"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := summary.Writer{Extractor: extractor(t), Model: chat(t, c.answer)}.Summarise(t.Context(), refund())
			if err != nil || s.By != summary.ByExtract || s.Text != plain.Text || len(s.Sentences) != len(plain.Sentences) {
				t.Fatalf("%+v, %v", s, err)
			}
			if !strings.Contains(s.Refused, c.want) || strings.Contains(s.Refused, "Marta") || strings.Contains(s.Refused, "Jonas") {
				t.Errorf("refused because %q, want %q", s.Refused, c.want)
			}
		})
	}
}

func TestModelIsNotAsked(t *testing.T) {
	var asked atomic.Int32
	client := chat(t, func(w http.ResponseWriter, r *http.Request) { asked.Add(1); says(faithful())(w, r) })
	w := summary.Writer{Extractor: extractor(t), Model: client}
	if s, err := w.Summarise(t.Context(), summary.Conversation{ID: "i"}); err != nil || s.Refused != "" {
		t.Errorf("without words: %+v, %v", s, err)
	}
	c := refund()
	for i := range c.Turns {
		c.Turns[i].Turn.Clearance = ""
	}
	if s, err := w.Summarise(t.Context(), c); err != nil || !strings.Contains(s.Refused, "cleared") {
		t.Errorf("nothing cleared: %+v, %v", s, err)
	}
	if n := asked.Load(); n != 0 {
		t.Errorf("asked %d times", n)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := w.Summarise(ctx, refund()); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// TestLongTalksAreSentShort looks that the beginning and the end are sent.
func TestLongTalksAreSentShort(t *testing.T) {
	var got string
	client := chat(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		got = string(b)
		says(told(sentence("reason", "Customer asks for the refund.", 1)))(w, r)
	})
	c := summary.Conversation{ID: "i"}
	for n := range 400 {
		c.Turns = append(c.Turns, said(n, event.Customer, "Where is my refund? "+strings.Repeat("I keep waiting and waiting. ", n%90)))
	}
	c.Turns[399].Turn.Text = "The very last words about the refund."
	if s, err := (summary.Writer{Extractor: extractor(t), Model: client}).Summarise(t.Context(), c); err != nil || s.By != summary.ByModel {
		t.Fatalf("%+v, %v", s, err)
	}
	if len(got) > 40_000 || !strings.Contains(got, "very last words") || !strings.Contains(got, `\"n\":1,`) {
		t.Errorf("%d bytes were sent", len(got))
	}
}

func FuzzModelAnswers(f *testing.F) {
	for _, s := range []string{faithful(), "{}", `{"sentences":[{"part":"reason","text":"A 1","turns":[1,1]}]}`, "}{", `{"sentences":[null]}`} {
		f.Add(s)
	}
	e := extractor(f)
	f.Fuzz(func(t *testing.T, answer string) {
		s, err := summary.Writer{Extractor: e, Model: parrot(answer)}.Summarise(t.Context(), refund())
		if err != nil || (s.By == summary.ByModel) != (s.Refused == "") {
			t.Fatalf("%+v, %v", s, err)
		}
		for _, one := range s.Sentences {
			if one.Turn == "" || one.Text == "" {
				t.Fatalf("sentence %+v", one)
			}
		}
	})
}

// parrot is a model that answers with itself.
type parrot string

func (p parrot) Name() string                                           { return "parrot" }
func (p parrot) Answer(context.Context, string, string) (string, error) { return string(p), nil }
