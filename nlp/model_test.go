package nlp_test

import (
	"context"
	"strings"
	"sync"
	"testing"

	"throughline/event"
	"throughline/nlp"
	"throughline/nlp/floor"
	"throughline/nlp/intent"
)

// fitted is fitted once for all tests: the race detector makes it slow.
var fitted = sync.OnceValues(func() (nlp.Parts, error) {
	reader, err := floor.Open()
	if err != nil {
		return nlp.Parts{}, err
	}
	taxonomy, err := intent.Default()
	if err != nil {
		return nlp.Parts{}, err
	}
	intents, err := intent.Own(context.Background(), taxonomy, reader, intent.Options{})
	return nlp.Parts{Reader: reader, Intents: intents}, err
})

func model(t testing.TB) *nlp.Model {
	t.Helper()
	parts, err := fitted()
	if err != nil {
		t.Fatal(err)
	}
	return nlp.New(parts)
}

func understand(t *testing.T, m *nlp.Model, turn event.Turn) event.Features {
	t.Helper()
	messages, err := m.Understand(context.Background(), turn)
	if err != nil || len(messages) != 1 {
		t.Fatalf("%d messages, %v", len(messages), err)
	}
	f, ok := messages[0].Value.(event.Features)
	if !ok || messages[0].Topic.Name != "features" || messages[0].Key != turn.Customer {
		t.Fatalf("message %+v", messages[0])
	}
	return f
}

func said(text string) event.Turn {
	return event.Turn{ID: "t_1", Customer: "c_1", Interaction: "i_1", Role: event.Customer, Kind: event.Text, Text: text}
}

func TestEveryTurnHasFeatures(t *testing.T) {
	m := model(t)
	withheld := said("I am very angry")
	withheld.Withheld = "consent withdrawn"
	unsupported := said("I am very angry")
	unsupported.Kind = event.Unsupported
	bot := said("I am very angry")
	bot.Role = event.Bot
	for name, c := range map[string]struct {
		turn   event.Turn
		scored bool
	}{
		"words":             {said("I am very angry"), true},
		"empty":             {said(""), false},
		"one emoji":         {said("😡"), true},
		"withheld":          {withheld, false},
		"unsupported":       {unsupported, false},
		"a bot's words":     {bot, false},
		"20,000 characters": {said(strings.Repeat("where is my order? ", 1100)), true},
		"control":           {said("\x00\x07\x1b"), false},
	} {
		f := understand(t, m, c.turn)
		if f.ID != event.ID("f", c.turn.ID) || f.Model == "" || f.Turn.ID != c.turn.ID {
			t.Errorf("%s: features %+v", name, f)
		}
		if (f.Sentiment != nil) != c.scored {
			t.Errorf("%s: scored %v, want %v", name, f.Sentiment != nil, c.scored)
		}
		if f.Sentiment == nil && (f.Emotions != nil || len(f.Intents) > 0) && name != "a bot's words" {
			t.Errorf("%s: unread, but %v %v", name, f.Emotions, f.Intents)
		}
	}
}

func TestEmotionsAreOfTheCustomerOnly(t *testing.T) {
	m := model(t)
	turn := said("Thank you so much, I love it!")
	if f := understand(t, m, turn); len(f.Emotions) == 0 || f.Emotions[0].Name != "joy" {
		t.Errorf("customer: %v, want joy first", f.Emotions)
	}
	for _, role := range []event.Role{event.Agent, event.UnknownRole} {
		turn.Role = role
		if f := understand(t, m, turn); f.Emotions != nil {
			t.Errorf("role %q: emotions %v", role, f.Emotions)
		}
	}
}

func TestAWishIsNoJoy(t *testing.T) {
	f := understand(t, model(t), said("I want to cancel my contract"))
	for _, l := range f.Emotions {
		if l.Name == "joy" {
			t.Errorf("emotions %v", f.Emotions)
		}
	}
}

func TestKeywordsAreNoFeeling(t *testing.T) {
	m := model(t)
	for _, text := range []string{"STOP", "stop.", " Stop All! ", "UNSUBSCRIBE", "HELP", "baja", "Désabonner"} {
		f := understand(t, m, said(text))
		if f.Sentiment == nil || f.Sentiment.Score != 0 || f.Sentiment.Class() != "neutral" || len(f.Emotions) > 0 {
			t.Errorf("%q: %+v %v", text, f.Sentiment, f.Emotions)
		}
	}
	for _, text := range []string{"stop lying to me, this is awful", "STOP RUINING MY DAY"} {
		if f := understand(t, m, said(text)); f.Sentiment.Class() != "negative" {
			t.Errorf("%q is %s", text, f.Sentiment.Class())
		}
	}
}

func TestNoAfterAnApologyIsNotIllWill(t *testing.T) {
	m := model(t)
	agent := said("I am so sorry about that. Is there anything else that went wrong?")
	agent.Role = event.Agent
	notice := said("The agent is typing")
	notice.Role = event.System
	for _, text := range []string{"no, that's fine", "no", "No, nothing, thanks", "nope, all good"} {
		understand(t, m, agent)
		understand(t, m, notice)
		f := understand(t, m, said(text))
		if f.Sentiment.Class() == "negative" {
			t.Errorf("%q after an apology is negative: %+v", text, *f.Sentiment)
		}
		for _, l := range f.Emotions {
			if l.Name == "anger" || l.Name == "disapproval" || l.Name == "sadness" {
				t.Errorf("%q after an apology shows %v", text, f.Emotions)
			}
		}
	}
	for _, text := range []string{"no, this is terrible, you ruined everything", "no, nothing works, useless", "no good", "no, all of it is broken"} {
		understand(t, m, agent)
		after := understand(t, m, said(text))
		if alone := understand(t, m, said(text)); after.Sentiment.Score != alone.Sentiment.Score || len(after.Emotions) != len(alone.Emotions) {
			t.Errorf("%q is %+v after an apology, and %+v by itself", text, *after.Sentiment, *alone.Sentiment)
		}
	}
}

// Whoever marks sarcasm means the opposite of praise.
func TestMarkedSarcasm(t *testing.T) {
	m := model(t)
	for text, want := range map[string]string{
		"wow, amazing service /s":               "negative",
		"great, thanks a lot for that! /S ":     "negative",
		"I love waiting for an hour #sarcasm":   "negative",
		"this is awful /s":                      "negative",
		"wow, amazing service":                  "positive",
		"the road sign says 80 km/s, I love it": "positive",
	} {
		f := understand(t, m, said(text))
		if got := f.Sentiment.Class(); got != want {
			t.Errorf("%q is %s, want %s", text, got, want)
		}
		for _, l := range f.Emotions {
			if want == "negative" && nlp.EkmanGroup(l.Name) == "joy" {
				t.Errorf("%q shows %v", text, f.Emotions)
			}
		}
	}
	if f := understand(t, m, said("/s")); f.Sentiment != nil && f.Sentiment.Class() == "positive" {
		t.Errorf("a mark alone is %+v", *f.Sentiment)
	}
}

func TestATurnMayWantTwoThings(t *testing.T) {
	f := understand(t, model(t), said("Where is my order? And I also want to change my address for it"))
	got := make(map[string]bool)
	for _, i := range f.Intents {
		got[i.Name] = true
	}
	if !got["order_status"] || !got["change_address"] {
		t.Errorf("intents %v", f.Intents)
	}
}

func BenchmarkUnderstand(b *testing.B) {
	m := model(b)
	turn := said("I ordered a blue jacket last Monday and it still has not arrived, can you please check where it is")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := m.Understand(context.Background(), turn); err != nil {
			b.Fatal(err)
		}
	}
}
