package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"throughline/assist/summary"
)

// said is what a customer and an agent say on two channels, whatever reads it.
var said = []struct{ channel, role, text string }{
	{"whatsapp", "customer", "I sent my jacket back two weeks ago and I still have not got my refund for order 4839201"},
	{"whatsapp", "agent", "I have found the parcel. We will call you back tomorrow about the refund."},
	{"whatsapp", "customer", "My card is 4111 1111 1111 1111. When will the money be there?"},
	{"sms", "customer", "Nobody called me back, where is my refund?"},
}

// TestSummariesOfTheProgram asks the whole program, with a language model that
// first tells the truth and then does not.
func TestSummariesOfTheProgram(t *testing.T) {
	var lies atomic.Bool
	var sent atomic.Pointer[string]
	model := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		sent.Store(new(string(body)))
		order := "4839201"
		if lies.Load() {
			order = "4839207"
		}
		content := fmt.Sprintf(`{"sentences":[{"part":"reason","text":"Customer waits for the refund of order %s.","turns":[1]}]}`, order)
		_ = json.NewEncoder(w).Encode(map[string]any{"choices": []any{map[string]any{"message": map[string]any{"content": content}}}})
	}))
	defer model.Close()
	p := program(t, "THROUGHLINE_NLP_MODEL=floor", "THROUGHLINE_LANGUAGE_MODEL_BASE_URL="+model.URL+"/v1", "THROUGHLINE_LANGUAGE_MODEL_MODEL=small")
	p.Start()
	defer p.Stop()
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Minute) // only a test that fails takes that long
	defer cancel()

	interactions := map[string]string{}
	customer := ""
	for n, s := range said {
		body, _ := json.Marshal(map[string]any{"channel": s.channel, "role": s.role, "text": s.text, "id": fmt.Sprint("m", n),
			"interaction": interactions[s.channel], "customer": map[string]string{"phone": "+4915112345678"}})
		status, answer, err := p.Post(ctx, "/v1/messages", http.Header{"Content-Type": {"application/json"}}, body)
		var receipt struct{ Interaction, Customer string }
		if err != nil || status/100 != 2 || json.Unmarshal([]byte(answer), &receipt) != nil {
			t.Fatalf("%d %s, %v", status, answer, err)
		}
		interactions[s.channel], customer = receipt.Interaction, receipt.Customer
	}
	p.Eventually("4", "SELECT count() FROM features")
	p.Eventually("4", "SELECT max(turns) FROM journeys_now")
	journeys, err := p.Query("SELECT id FROM journeys_now WHERE customer = '" + customer + "'")
	if err != nil || len(journeys) != 1 {
		t.Fatalf("journeys %v, %v", journeys, err)
	}
	ask := func(path string, turns int) summary.Summary {
		t.Helper()
		for {
			status, answer, err := p.Post(ctx, path, nil, nil)
			var s summary.Summary
			if err != nil || status != http.StatusOK || json.Unmarshal([]byte(answer), &s) != nil {
				t.Fatalf("%s: %d %s, %v", path, status, answer, err)
			}
			if s.Turns == turns { // the store may have a turn before the screen does
				return s
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
	one := "/v1/interactions/" + interactions["whatsapp"] + "/summary"
	if s := ask(one, 3); s.By != summary.ByModel || s.Model != "small" || s.Text != "Customer waits for the refund of order 4839201." || s.Sentences[0].Turn == "" {
		t.Errorf("the model's: %+v", s)
	}
	if got := *sent.Load(); strings.Contains(got, "4111") || !strings.Contains(got, "[CARD]") || strings.Contains(got, "4915112345678") {
		t.Errorf("the model was sent %s", got)
	}
	lies.Store(true)
	s := ask(one, 3)
	if s.By != summary.ByExtract || !strings.Contains(s.Refused, "holds a number") || !strings.Contains(s.Text, "order 4839201") || strings.Contains(s.Text, "4839207") {
		t.Errorf("after a lie: %+v", s)
	}
	parts := map[summary.Part]string{}
	for _, one := range s.Sentences {
		parts[one.Part] = one.Text
	}
	if !strings.Contains(parts[summary.Promised], "We will call you back") || !strings.Contains(parts[summary.Open], "When will the money be there?") {
		t.Errorf("parts %v", parts)
	}
	if s := ask("/v1/journeys/"+journeys[0]+"/summary", 4); s.Of != journeys[0] || len(s.Sentences) < 3 {
		t.Errorf("the journey's: %+v", s)
	}
	if status, answer, err := p.Post(ctx, "/v1/interactions/none/summary", nil, nil); err != nil || status != http.StatusNotFound || !strings.Contains(answer, "no interaction") {
		t.Errorf("unknown: %d %s, %v", status, answer, err)
	}
}
