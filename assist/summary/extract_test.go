package summary_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"gonum.org/v1/gonum/mat"

	"throughline/assist/summary"
	"throughline/event"
	"throughline/nlp"
	"throughline/nlp/floor"
)

// extractor ranks by the floor model, as a machine without the encoder does.
func extractor(tb testing.TB) summary.Extractor {
	tb.Helper()
	m, err := floor.Open()
	if err != nil {
		tb.Fatal(err)
	}
	return summary.Extractor{Model: m.Name(), Like: func(ctx context.Context, texts []string) (mat.Symmetric, error) {
		return nlp.Likeness(ctx, m, texts)
	}}
}

var began = time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)

// said is a turn; its id is its place.
func said(n int, role event.Role, text string) event.Features {
	return event.Features{Turn: event.Turn{ID: fmt.Sprint("t", n), Tenant: "default", Interaction: "i1", Role: role, Kind: event.Text, Text: text,
		At: began.Add(time.Duration(n) * time.Minute), Clearance: "1"}}
}

func refund() summary.Conversation {
	c := summary.Conversation{ID: "i1", State: "ended", Why: "solved", Turns: []event.Features{
		said(0, event.Customer, "Hello there!"),
		said(1, event.Customer, "Hi. I sent the jacket back two weeks ago and the refund for order 4839201 is still not here."),
		said(2, event.Agent, "I am sorry about that. May I have your name please?"),
		said(3, event.Customer, "It is Marta, as always."),
		said(4, event.Agent, "Thank you. The parcel reached us on the 12th and our payments team releases the refund today. We will call you back tomorrow."),
		said(5, event.Customer, "Great, I am really happy now. Can you also send me the receipt?"),
	}}
	c.Turns[1].Intents = []event.Label{{Name: "refund_request", Probability: 0.9}}
	c.Turns[5].Sentiment = &event.Sentiment{Score: 0.8}
	c.Promises = []event.Fact{{Kind: "promised", About: "call back", Turn: "t4"}}
	c.Open = []event.OpenIntent{{Name: "refund_request", Turn: "t1"}}
	c.Resolved = new(0.7)
	return c
}

func TestSummaryTellsWhyWhatAndHow(t *testing.T) {
	c := refund()
	s, err := extractor(t).Summarise(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	turns := map[summary.Part][]string{}
	for _, one := range s.Sentences {
		turns[one.Part] = append(turns[one.Part], one.Turn)
		k := slices.IndexFunc(c.Turns, func(f event.Features) bool { return f.Turn.ID == one.Turn })
		if k < 0 || !strings.Contains(c.Turns[k].Turn.Text, one.Text) || one.Role != c.Turns[k].Turn.Role || !one.At.Equal(c.Turns[k].Turn.At) {
			t.Errorf("%+v does not stand in its turn", one)
		}
		if one.Open != (one.Part == summary.Reason || one.Part == summary.Open) {
			t.Errorf("%s: open is %v", one.Part, one.Open)
		}
	}
	for part, turn := range map[summary.Part]string{summary.Reason: "t1", summary.Promised: "t4", summary.Done: "t4", summary.Outcome: "t5", summary.Open: "t5"} {
		if !slices.Contains(turns[part], turn) {
			t.Errorf("%s is told by %v, want %s", part, turns[part], turn)
		}
	}
	if s.Of != "i1" || s.State != "ended" || s.Why != "solved" || s.Turns != 6 || s.Sentiment == nil || *s.Sentiment != 0.8 || s.Resolved == nil || *s.Resolved != 0.7 || s.By != summary.ByExtract || s.Model == "" {
		t.Errorf("summary %+v", s)
	}
	if !strings.HasPrefix(s.Text, "Customer: I sent the jacket back") || !strings.Contains(s.Text, " Agent: ") {
		t.Errorf("text %q", s.Text)
	}
	again, err := extractor(t).Summarise(t.Context(), c)
	if err != nil || again.Text != s.Text {
		t.Errorf("two runs differ: %q, %q (%v)", s.Text, again.Text, err)
	}
}

func TestSummaryOfWhatIsHardToSummarise(t *testing.T) {
	long := make([]event.Features, 3000)
	for i := range long {
		long[i] = said(i, []event.Role{event.Customer, event.Agent}[i%2], fmt.Sprintf("This is sentence number %d of a very long talk. And one more.", i))
	}
	withheld := said(0, event.Customer, "my secret")
	withheld.Turn.Withheld = "consent withdrawn"
	notice := said(1, event.System, "The customer changed their number")
	for name, c := range map[string]struct {
		turns     []event.Features
		sentences int // at least
		most      int
	}{
		"nothing":          {nil, 0, 0},
		"withheld":         {[]event.Features{withheld, notice}, 0, 0},
		"one emoji":        {[]event.Features{said(0, event.Customer, "🙂")}, 0, 0},
		"one word":         {[]event.Features{said(0, event.Customer, "hello")}, 1, 1},
		"only an address":  {[]event.Features{said(0, event.Customer, "@shop https://example.com/x")}, 0, 0},
		"the agent alone":  {[]event.Features{said(0, event.Agent, "Your parcel is on its way to you now.")}, 1, 2},
		"nobody knows who": {[]event.Features{said(0, "", "I want my money back, please, it has been weeks."), said(1, "", "We have sent it this morning to your bank.")}, 2, 4},
		"no full stop":     {[]event.Features{said(0, event.Customer, strings.Repeat("wort ", 4000))}, 1, 1},
		"no space":         {[]event.Features{said(0, event.Customer, strings.Repeat("ж", 20_000))}, 1, 1},
		"broken text":      {[]event.Features{said(0, event.Customer, "I want\xff\xfe my money \x00back. Now\xff")}, 1, 3},
		"other marks":      {[]event.Features{said(0, event.Customer, "我的包裹在哪里？我等了两个星期。")}, 1, 3},
		"long":             {long, 3, 8},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := extractor(t).Summarise(t.Context(), summary.Conversation{ID: "i1", Turns: c.turns})
			if err != nil || len(s.Sentences) < c.sentences || len(s.Sentences) > c.most || s.Sentences == nil {
				t.Fatalf("%d sentences, want %d to %d: %+v (%v)", len(s.Sentences), c.sentences, c.most, s.Sentences, err)
			}
			seen := map[string]bool{}
			for _, one := range s.Sentences {
				if len(one.Text) > 280 || one.Text == "" || seen[one.Turn+one.Text] || strings.Contains(one.Text, "secret") {
					t.Errorf("sentence %+v", one)
				}
				seen[one.Turn+one.Text] = true
			}
		})
	}
}

func TestLikenessThatFails(t *testing.T) {
	broken := errors.New("no model")
	e := summary.Extractor{Like: func(context.Context, []string) (mat.Symmetric, error) { return nil, broken }}
	if _, err := e.Summarise(t.Context(), refund()); !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
	e.Like = func(context.Context, []string) (mat.Symmetric, error) { return mat.NewSymDense(1, nil), nil }
	if _, err := e.Summarise(t.Context(), refund()); err == nil || !strings.Contains(err.Error(), "1 rows for") {
		t.Errorf("error %v", err)
	}
}

func FuzzSummarise(f *testing.F) {
	f.Add("Hello. I want my money back!", "We will send it.\nToday?")
	f.Add("@a @b http://x", "…？")
	e := extractor(f)
	f.Fuzz(func(t *testing.T, a, b string) {
		c := summary.Conversation{ID: "i", Turns: []event.Features{said(0, event.Customer, a), said(1, event.Agent, b), said(2, event.Customer, b+a)}}
		s, err := e.Summarise(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		for _, one := range s.Sentences {
			k := int(one.Turn[1] - '0')
			if one.Text == "" || !strings.Contains(c.Turns[k].Turn.Text, one.Text) {
				t.Fatalf("%q does not stand in %q", one.Text, c.Turns[k].Turn.Text)
			}
		}
	})
}

func BenchmarkSummarise(b *testing.B) {
	c, e := refund(), extractor(b)
	for len(c.Turns) < 60 {
		c.Turns = append(c.Turns, refund().Turns...)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := e.Summarise(b.Context(), c); err != nil {
			b.Fatal(err)
		}
	}
}
