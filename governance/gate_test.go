package governance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"throughline/event"
	"throughline/governance/redact"
)

const planted = "4111111111111111"

func newGate(t testing.TB, c Config) (*Gate, *Ledger) {
	t.Helper()
	l := NewLedger(c)
	g, err := NewGate(c, l)
	if err != nil {
		t.Fatal(err)
	}
	return g, l
}

func message(id, text string) event.Turn {
	return event.Turn{ID: id, Tenant: "acme", Customer: "c_1", Interaction: "i_1", Channel: event.SMS, Role: event.Customer,
		Kind: event.Text, At: time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC), Text: text}
}

func TestGateRedactsEverything(t *testing.T) {
	g, _ := newGate(t, Config{Redact: redact.Config{Key: "0123456789abcdef"}})
	raw := message("t_1", "mail anna.b@example.com, card 4111 1111 1111 1111")
	raw.Media = &event.Media{Filename: "visa 4111-1111-1111-1111.pdf"}
	raw.Attrs = map[string]string{"subject": "my card " + planted, "cvv": "123", "order": "4839201", planted: "x"}
	raw.Raw = json.RawMessage(`{"body":"4111 1111 1111 1111","n":` + planted + `}`)
	raw.Redacted, raw.Clearance, raw.Withheld = []event.Redaction{{Type: "X"}}, "forged", "forged"
	before, _ := json.Marshal(raw)
	v, err := g.Turn(context.Background(), raw)
	if err != nil {
		t.Fatal(err)
	}
	got := v.Cleared.Turn()
	if len(got.Redacted) != 2 || got.Redacted[0].Type != "MAIL" || got.Redacted[1].Type != "CARD" || got.Redacted[1].Pseudonym != "" {
		t.Fatalf("redacted %+v", got.Redacted)
	}
	for _, r := range got.Redacted {
		want := "[" + r.Type
		if r.Pseudonym != "" {
			want += "_" + r.Pseudonym
		}
		if got.Text[r.Start:r.End] != want+"]" {
			t.Errorf("placeholder at %d is %q, want %q", r.Start, got.Text[r.Start:r.End], want)
		}
	}
	if got.Clearance != Version || got.Withheld != "" {
		t.Errorf("clearance %q, withheld %q", got.Clearance, got.Withheld)
	}
	if got.Attrs["cvv"] != "[CVV]" || got.Attrs["order"] != "4839201" || got.Media.Filename != "visa [CARD].pdf" {
		t.Errorf("attrs %v, file %q", got.Attrs, got.Media.Filename)
	}
	body, err := json.Marshal(v.Cleared)
	if err != nil {
		t.Fatal(err)
	}
	for _, leak := range []string{planted, "1111 1111", "1111-1111", "anna.b"} {
		if strings.Contains(string(body), leak) {
			t.Errorf("%q is in %s", leak, body)
		}
	}
	if after, _ := json.Marshal(raw); string(after) != string(before) {
		t.Error("the raw turn was changed")
	}
	// What is handed out is a copy: nothing gets into the cleared turn by it.
	got.Attrs["x"] = planted
	got.Media.Filename = planted
	if again, _ := json.Marshal(v.Cleared); string(again) != string(body) {
		t.Error("a cleared turn was changed from outside")
	}
}

func TestEmptyClearedDoesNotEncode(t *testing.T) {
	if _, err := json.Marshal(Cleared{}); !errors.Is(err, ErrNotCleared) {
		t.Errorf("got %v", err)
	}
	var c Cleared
	//lint:ignore SA9005 that nothing comes in this way is what is tested
	if err := json.Unmarshal([]byte(`{"turn":{"text":"raw"},"passed":true}`), &c); err != nil {
		t.Fatal(err)
	}
	if _, err := json.Marshal(c); !errors.Is(err, ErrNotCleared) {
		t.Errorf("decoded from outside: %v", err)
	}
}

func TestTopics(t *testing.T) {
	g, _ := newGate(t, Config{})
	v, _ := g.Turn(context.Background(), message("t_1", "hello"))
	for _, m := range []event.Message{Turns().Message(v.Cleared), PartialTurns().Message(v.Cleared)} {
		if m.Key != "c_1" {
			t.Errorf("%s: key %q", m.Topic.Name, m.Key)
		}
	}
	if Turns().Spec != event.Turns().Spec || PartialTurns().Spec != event.PartialTurns().Spec {
		t.Error("the writable topics differ from the readable ones")
	}
}

func TestConsentIsAGate(t *testing.T) {
	at := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name     string
		config   Config
		consents []event.Consent
		channel  event.Channel
		want     string
	}{
		{"nothing said", Config{}, nil, event.SMS, ""},
		{"withdrawn everywhere", Config{}, []event.Consent{{Purpose: event.AnalyseText, At: at}}, event.SMS, "analyse_text: withdrawn"},
		{"withdrawn on another channel", Config{}, []event.Consent{{Purpose: event.AnalyseText, Channel: event.Email, At: at}}, event.SMS, ""},
		{"voice needs recording", Config{}, []event.Consent{{Purpose: event.Record, At: at}}, event.Voice, "record: withdrawn"},
		{"voice needs transcription", Config{}, []event.Consent{{Purpose: event.Transcribe, Channel: event.Voice, At: at}}, event.Voice, "transcribe: withdrawn on this channel"},
		{"opt-in needed", Config{Consent: Policy{OptIn: []event.Purpose{event.AnalyseText}}}, nil, event.SMS, "analyse_text: opt-in needed by tenant policy"},
		{"opt-in given", Config{Consent: Policy{OptIn: []event.Purpose{event.AnalyseText}}}, []event.Consent{{Purpose: event.AnalyseText, Allowed: true, At: at}}, event.SMS, ""},
		{"tenant's own policy", Config{Tenants: map[string]Policy{"acme": {OptIn: []event.Purpose{event.AnalyseText}}}}, nil, event.SMS, "analyse_text: opt-in needed by tenant policy"},
		{"place of the person", Config{Consent: Policy{ByPlace: map[string][]event.Purpose{"US-CA": {event.Record}}}},
			[]event.Consent{{Purpose: event.Market, Jurisdiction: "US-CA", At: at}}, event.Voice, "record: opt-in needed in US-CA"},
	} {
		t.Run(c.name, func(t *testing.T) {
			g, l := newGate(t, c.config)
			for _, k := range c.consents {
				k.Tenant, k.Customer = "acme", "c_1"
				if err := l.Apply(k); err != nil {
					t.Fatal(err)
				}
			}
			raw := message("t_1", "secret words")
			raw.Channel = c.channel
			raw.Words = []event.Word{{Text: "secret"}}
			raw.Attrs = map[string]string{"subject": "secret"}
			raw.Media = &event.Media{ID: "secret"}
			raw.Raw = json.RawMessage(`"secret"`)
			raw.Language = "en"
			v, err := g.Turn(context.Background(), raw)
			if err != nil {
				t.Fatal(err)
			}
			got := v.Cleared.Turn()
			if got.Withheld != c.want {
				t.Fatalf("withheld %q, want %q", got.Withheld, c.want)
			}
			body, _ := json.Marshal(v.Cleared)
			if leaks := strings.Contains(string(body), "secret"); leaks != (c.want == "") {
				t.Errorf("content in %s", body)
			}
			if (c.want != "") != (len(v.Audit) == 1) {
				t.Errorf("audit %+v", v.Audit)
			}
			if got.ID != raw.ID || got.Customer != raw.Customer || !got.At.Equal(raw.At) || got.Role != raw.Role {
				t.Errorf("the fact itself is gone: %+v", got)
			}
		})
	}
}

func TestOptOut(t *testing.T) {
	for text, want := range map[string]bool{
		"STOP": true, " stop. ": true, "Opt-Out": true, "opt out!": true, "unsubscribe": true, "QUIT": true, "end": true, "Revoke": true,
		"cancel": true, "SAIR": true, "Arrêt": true, "no more please": true,
		"stop it now": false, "please cancel my order": false, "": false, "ok": false,
	} {
		g, _ := newGate(t, Config{OptOut: []string{"No more, please"}})
		raw := message("t_9", text)
		v, err := g.Turn(context.Background(), raw)
		if err != nil {
			t.Fatal(err)
		}
		if (len(v.Consents) == 1) != want {
			t.Errorf("%q: %+v", text, v.Consents)
			continue
		}
		if want {
			c := v.Consents[0]
			if c.Allowed || c.Purpose != event.Market || c.Evidence != "t_9" || c.Channel != event.SMS || !c.At.Equal(raw.At) || c.ID == "" {
				t.Errorf("%q: %+v", text, c)
			}
			again, _ := g.Turn(context.Background(), raw)
			if again.Consents[0] != c {
				t.Errorf("%q: a redelivery makes another consent", text)
			}
		}
	}
	g, _ := newGate(t, Config{})
	agent := message("t_1", "stop")
	agent.Role = event.Agent
	call := message("t_2", "stop")
	call.Channel, call.Kind = event.Voice, event.Utterance
	for _, raw := range []event.Turn{agent, call} {
		if v, _ := g.Turn(context.Background(), raw); len(v.Consents) != 0 {
			t.Errorf("%s on %s opted out", raw.Role, raw.Channel)
		}
	}
}

func spoken(id, role, text string) event.Turn {
	t := message(id, text)
	t.Channel, t.Kind, t.Role = event.Voice, event.Utterance, event.Role(role)
	for i, w := range strings.Fields(text) {
		t.Words = append(t.Words, event.Word{Text: strings.Trim(w, ".,?"), StartMS: int64(i) * 300, EndMS: int64(i)*300 + 250})
	}
	return t
}

func TestCardOverTurns(t *testing.T) {
	g, _ := newGate(t, Config{})
	turns := []event.Turn{
		spoken("t_1", "agent", "Can I take the card number, please?"),
		spoken("t_2", "customer", "yes, four one one one"),
		spoken("t_3", "agent", "uh-huh"),
		spoken("t_4", "customer", "one one one one, one one one one"),
		spoken("t_5", "customer", "one one one one"),
		spoken("t_6", "agent", "and the three digits on the back?"),
		spoken("t_7", "customer", "one two three"),
		spoken("t_8", "customer", "is it all right?"),
	}
	want := []string{"Can I take the card number, please?", "yes, [CARD_PART]", "uh-huh", "[CARD_PART]", "[CARD_PART]", "and the three digits on the back?", "[CVV]", "is it all right?"}
	// Each turn is delivered twice, as Kafka may: nothing changes by that.
	for i, raw := range turns {
		for range 2 {
			v, err := g.Turn(context.Background(), raw)
			if err != nil {
				t.Fatal(err)
			}
			got := v.Cleared.Turn()
			if got.Text != want[i] {
				t.Errorf("turn %d: %q, want %q", i, got.Text, want[i])
			}
			for k, w := range got.Words {
				if w.StartMS != raw.Words[k].StartMS || w.EndMS != raw.Words[k].EndMS {
					t.Errorf("turn %d: times of word %d changed", i, k)
				}
				if (w.Text == "one" || w.Text == "two") && raw.Role == event.Customer {
					t.Errorf("turn %d: word %q stayed", i, w.Text)
				}
			}
		}
	}
	// Over means forgotten.
	g.Interaction(event.Interaction{Tenant: "acme", Interaction: "i_1", Change: event.Ended})
	if len(g.memory.held) != 0 || g.memory.order.Len() != 0 {
		t.Error("an ended interaction is remembered")
	}
}

func TestWordsThatDoNotMatchTheText(t *testing.T) {
	g, _ := newGate(t, Config{})
	raw := spoken("t_1", "customer", "my mail is")
	raw.Text = "My mail is anna@example.com."
	raw.Words = append(raw.Words, event.Word{Text: "an"}, event.Word{Text: "nah"}, event.Word{Text: "example"})
	v, _ := g.Turn(context.Background(), raw)
	for _, w := range v.Cleared.Turn().Words {
		if w.Text == "nah" {
			t.Errorf("words %v", v.Cleared.Turn().Words)
		}
	}
}

func TestPartial(t *testing.T) {
	g, _ := newGate(t, Config{})
	raw := spoken("t_1", "customer", "yes it is 4111")
	raw.Stable = len("yes it is 41")
	c, err := g.Partial(context.Background(), raw)
	if err != nil {
		t.Fatal(err)
	}
	got := c.Turn()
	if got.Text != "yes it is [CARD_PART]" || got.Stable != len("yes it is ") {
		t.Errorf("%q, stable %d", got.Text, got.Stable)
	}
	raw.Text += " 1111 1111 1111 and more"
	raw.Stable = len(raw.Text)
	c, _ = g.Partial(context.Background(), raw)
	if got := c.Turn(); got.Text != "yes it is [CARD] and more" || got.Stable != len(got.Text) {
		t.Errorf("%q, stable %d", got.Text, got.Stable)
	}
	if len(g.memory.held) != 0 {
		t.Error("a partial turn was remembered")
	}
}

func TestMemoryIsBounded(t *testing.T) {
	g, _ := newGate(t, Config{Conversations: 10, Idle: time.Minute})
	now := time.Unix(0, 0)
	g.memory.now = func() time.Time { return now }
	for i := range 100 {
		raw := message(fmt.Sprint("t_", i), "4111")
		raw.Interaction = fmt.Sprint("i_", i)
		if _, err := g.Turn(context.Background(), raw); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(g.memory.held); n > 11 || n != g.memory.order.Len() {
		t.Errorf("%d conversations are held", n)
	}
	now = now.Add(2 * time.Minute)
	raw := message("t_x", "1111")
	raw.Interaction = "i_99"
	v, _ := g.Turn(context.Background(), raw)
	if got := v.Cleared.Turn().Text; got != "1111" {
		t.Errorf("an idle conversation was remembered: %q", got)
	}
}

func TestInteraction(t *testing.T) {
	g, _ := newGate(t, Config{})
	got := g.Interaction(event.Interaction{Name: "Anna anna@example.com", Reason: "card " + planted, Error: "131026 to +447700900123",
		Handle: "+44…23", Attrs: map[string]string{"note": planted, "sip": "200"}})
	body, _ := json.Marshal(got)
	for _, leak := range []string{planted, "anna@", "7700900123"} {
		if strings.Contains(string(body), leak) {
			t.Errorf("%q is in %s", leak, body)
		}
	}
	if got.Handle != "+44…23" || got.Attrs["sip"] != "200" || !strings.HasPrefix(got.Name, "Anna ") {
		t.Errorf("too much is gone: %+v", got)
	}
}

func TestErrorsCarryNoWords(t *testing.T) {
	g, _ := newGate(t, Config{})
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	var failures []error
	_, err := g.Turn(cancelled, message("t_1", planted))
	failures = append(failures, err)
	for _, strip := range []func(*event.Turn){
		func(t *event.Turn) { t.ID = "" }, func(t *event.Turn) { t.Tenant = "" },
		func(t *event.Turn) { t.Customer = "" }, func(t *event.Turn) { t.Interaction = "" },
	} {
		raw := message("t_1", "card "+planted)
		raw.Attrs = map[string]string{"a": planted}
		strip(&raw)
		_, err := g.Turn(context.Background(), raw)
		failures = append(failures, err)
	}
	_, err = g.redacter.JSON("acme", []byte(`{"card":"`+planted))
	failures = append(failures, err)
	_, err = redact.New(redact.Config{Key: "4111"})
	failures = append(failures, err)
	for i, err := range failures {
		if err == nil {
			t.Errorf("failure %d did not fail", i)
		} else if strings.Contains(err.Error(), "4111") {
			t.Errorf("failure %d tells the number: %v", i, err)
		}
	}
	// A body that cannot be read is not published.
	raw := message("t_1", "")
	raw.Raw = json.RawMessage(`{"card":"` + planted)
	v, err := g.Turn(context.Background(), raw)
	if err != nil || v.Cleared.Turn().Raw != nil {
		t.Errorf("broken body: %s, %v", v.Cleared.Turn().Raw, err)
	}
}

func TestGateIsConcurrent(t *testing.T) {
	g, l := newGate(t, Config{Conversations: 20})
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for i := range 200 {
				raw := message(fmt.Sprint("t_", w, "_", i), "card 4111 1111 1111 1111")
				raw.Interaction = fmt.Sprint("i_", i%30)
				v, err := g.Turn(context.Background(), raw)
				if err != nil || v.Cleared.Turn().Text != "card [CARD]" {
					t.Errorf("%q, %v", v.Cleared.Turn().Text, err)
				}
				_ = l.Apply(event.Consent{ID: fmt.Sprint(i), Tenant: "acme", Customer: fmt.Sprint(w), Purpose: event.Market})
				g.Interaction(event.Interaction{Tenant: "acme", Interaction: raw.Interaction, Change: event.Ended})
			}
		})
	}
	wg.Wait()
}

func BenchmarkGate20Words(b *testing.B) {
	g, _ := newGate(b, Config{})
	raw := message("t_1", "I would really like to know why nobody has told me that the delivery was moved to another day again please")
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		raw.ID = fmt.Sprint("t_", i)
		if _, err := g.Turn(context.Background(), raw); err != nil {
			b.Fatal(err)
		}
	}
}

func TestIdsThatAreCardNumbersAreHashed(t *testing.T) {
	g, err := NewGate(Config{}, NewLedger(Config{}))
	if err != nil {
		t.Fatal(err)
	}
	v, err := g.Turn(context.Background(), event.Turn{ID: "t", Tenant: "x", Customer: "c", Interaction: "i", Provider: "4111111111111111", Agent: "agent-7"})
	if err != nil {
		t.Fatal(err)
	}
	if got := v.Cleared.Turn(); got.Provider != event.ID("id", "x", "4111111111111111") || got.Agent != "agent-7" {
		t.Errorf("provider %q agent %q", got.Provider, got.Agent)
	}
	if i := g.Interaction(event.Interaction{Tenant: "x", Case: "4111 1111 1111 1111", Queue: "billing", Account: "15550100"}); strings.Contains(i.Case, "1111") || i.Queue != "billing" || i.Account != "15550100" {
		t.Errorf("case %q queue %q account %q", i.Case, i.Queue, i.Account)
	}
}
