package category_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"throughline/event"
	"throughline/nlp/category"
	"throughline/nlp/floor"
)

const file = `categories:
- name: wants_to_cancel
  description: by meaning, not by word
  like: [I want to cancel my contract, please end my subscription]
  when: role == "customer" && likeness > 0.3
- name: angry_in_the_evening
  when: scored && sentiment < -0.3 && at.getHours("UTC") >= 18
- name: names_competitor
  when: text.says("other company") || text.says("Acme")
- name: owes_money
  when: '"AMOUNT" in entities && intents.exists(i, intents[i] > 0.5)'
- name: fails
  when: attrs["missing"] == "x"
- name: mailed
  when: channel == "email" && "refund_request" in intents && intents["refund_request"] > 0.5
`

func rules(t testing.TB) (*category.Rules, *floor.Model) {
	t.Helper()
	m, err := floor.Open()
	if err != nil {
		t.Fatal(err)
	}
	r, err := category.New(m)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Reload(context.Background(), []byte(file)); err != nil {
		t.Fatal(err)
	}
	return r, m
}

func TestMatch(t *testing.T) {
	r, m := rules(t)
	evening := time.Date(2026, 11, 22, 20, 0, 0, 0, time.UTC)
	turn := func(text string) event.Features {
		return event.Features{Turn: event.Turn{Role: event.Customer, Channel: event.Email, Text: text, At: evening}}
	}
	angry := turn("I am angry")
	angry.Sentiment = &event.Sentiment{Score: -0.8, Negative: 0.8, Neutral: 0.2, Magnitude: 0.8}
	morning := angry
	morning.Turn.At = evening.Add(-12 * time.Hour)
	owes := turn("I owe 5 euros")
	owes.Entities = []event.Entity{{Type: "AMOUNT"}}
	owes.Intents = []event.Label{{Name: "refund_request", Probability: 0.9}}
	agent := turn("please cancel my contract")
	agent.Turn.Role = event.Agent
	for name, c := range map[string]struct {
		f    event.Features
		want []string
	}{
		"empty":         {turn(""), nil},
		"by meaning":    {turn("I'd like you to end the contract please"), []string{"wants_to_cancel"}},
		"an agent":      {agent, nil},
		"evening":       {angry, []string{"angry_in_the_evening"}},
		"morning":       {morning, nil},
		"a phrase":      {turn("the OTHER company is cheaper"), []string{"names_competitor"}},
		"half a word":   {turn("acmeology"), nil},
		"several facts": {owes, []string{"owes_money", "mailed"}},
	} {
		v, err := m.Embed(context.Background(), c.f.Turn.Text)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, l := range r.Match(c.f, v) {
			got = append(got, l.Name)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestBrokenRulesNameTheLineAndLeaveTheOldOnes(t *testing.T) {
	r, m := rules(t)
	for name, c := range map[string]struct {
		file, reason string
		line, column int
	}{
		"syntax":         {"categories:\n- name: a\n  when: role ==\n", "Syntax error", 3, 16},
		"in quotes":      {"categories:\n- name: a\n  when: 'scored && colour'\n", "colour", 3, 20},
		"over lines":     {"categories:\n- name: a\n  when: |\n    scored &&\n    colour\n", "colour", 5, 1},
		"unknown word":   {"categories:\n- name: a\n  when: colour == \"red\"\n", "colour", 3, 9},
		"not a truth":    {"categories:\n- name: a\n  when: sentiment + 1.0\n", "true or false", 3, 9},
		"no name":        {"categories:\n- when: scored\n", "without a name", 2, 3},
		"nothing to do":  {"categories:\n- name: a\n", "neither", 2, 3},
		"twice":          {"categories:\n- name: a\n  when: scored\n- name: a\n  when: scored\n", "twice", 4, 3},
		"unknown key":    {"categories:\n- name: a\n  if: scored\n", "unknown key", 3, 3},
		"like a text":    {"categories:\n- name: a\n  like: {a: b}\n", "list of sentences", 3, 9},
		"like nothing":   {"categories:\n- name: a\n  like: ['...']\n", "no words", 3, 9},
		"not YAML":       {"categories:\n- name: [a\n", "", 1, 1},
		"not a sequence": {"categories: 4\n", "", 1, 1},
	} {
		err := r.Reload(context.Background(), []byte(c.file))
		var e *category.LineError
		if !errors.As(err, &e) || e.Line != c.line || e.Column != c.column || !strings.Contains(e.Reason, c.reason) {
			t.Errorf("%s: %v, want line %d, column %d and %q", name, err, c.line, c.column, c.reason)
		}
	}
	v, _ := m.Embed(context.Background(), "acme")
	if got := r.Match(event.Features{Turn: event.Turn{Text: "acme"}}, v); len(got) != 1 {
		t.Errorf("the old rules are gone: %v", got)
	}
}

func FuzzReload(f *testing.F) {
	f.Add([]byte(file))
	f.Add([]byte("categories: [{name: a, when: 'true'}]"))
	r, _ := rules(f)
	f.Fuzz(func(t *testing.T, file []byte) {
		err := r.Reload(context.Background(), file)
		var e *category.LineError
		if err != nil && (!errors.As(err, &e) || e.Line < 1 || e.Column < 1) {
			t.Fatalf("error %v names no line", err)
		}
	})
}

func BenchmarkMatch(b *testing.B) {
	r, m := rules(b)
	turn := event.Features{Turn: event.Turn{Role: event.Customer, Text: "I'd like you to end the contract please"}}
	v, _ := m.Embed(context.Background(), turn.Turn.Text)
	b.ReportAllocs()
	for b.Loop() {
		r.Match(turn, v)
	}
}
