package demo

import (
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"throughline/assist"
	"throughline/event"
	"throughline/governance/redact"
)

func bundledDay(t testing.TB) day {
	t.Helper()
	d, err := bundled()
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestBundledDay(t *testing.T) {
	d := bundledDay(t)
	policy, err := assist.LoadFile("")
	if err != nil {
		t.Fatal(err)
	}
	messages, channels, kinds := 0, map[event.Channel]bool{}, map[event.Kind]bool{}
	for _, c := range d.Conversations {
		channels[c.Channel] = true
		for _, rule := range c.Expect {
			if !slices.Contains(policy.Rules(), rule) {
				t.Errorf("%s expects the rule %q, which the policy does not have", c.ID, rule)
			}
		}
		for _, s := range c.Steps {
			if s.said() {
				messages++
				kinds[s.kind()] = true
			}
		}
	}
	if messages < 120 || messages > 180 || len(d.People) < 12 {
		t.Errorf("%d messages of %d people are no day", messages, len(d.People))
	}
	if len(channels) != 4 {
		t.Errorf("only %v are played", channels)
	}
	for _, k := range []event.Kind{event.Text, event.Image, event.VoiceNote, event.Sticker, event.Location, event.Reaction, event.Interactive, event.Unsupported} {
		if !kinds[k] {
			t.Errorf("no %s is played", k)
		}
	}
}

func TestPlantedSecretsAreReal(t *testing.T) {
	d := bundledDay(t)
	people := newCast(d, time.Now(), 0)
	count := map[string]int{}
	for _, c := range d.Conversations {
		pieces := map[string]string{} // of a card said in pieces: whole → so far
		for i, s := range c.Steps {
			text, secrets, err := plant(s.Says)
			if err != nil {
				t.Fatal(err)
			}
			for _, x := range secrets {
				count[x.Type]++
				if !strings.Contains(text, x.Value) {
					t.Errorf("%s step %d: the text does not hold its %s", c.ID, i+1, x.Type)
				}
				whole := x.Meant
				if whole == "" {
					whole = digits(x.Value)
				}
				switch x.Type {
				case "CARD":
					if !redact.Luhn(whole) || len(whole) < 13 {
						t.Errorf("%s step %d: a planted card does not pass the Luhn check", c.ID, i+1)
					}
				case "CARD_PART":
					pieces[whole] += digits(x.Value)
				case "IBAN":
					if !iban(x.Value) {
						t.Errorf("%s step %d: a planted IBAN does not pass its check", c.ID, i+1)
					}
				}
				for _, n := range x.needles() {
					if len(n) < 8 {
						t.Errorf("%s step %d: a %s of %d bytes would be found in anything", c.ID, i+1, x.Type, len(n))
					}
				}
				for id, p := range people.people {
					if x.Value == p.mail || x.Type == "PHONE" && digits(x.Value) == digits(p.phone) {
						t.Errorf("%s step %d: what must be nowhere is the address of %s", c.ID, i+1, id)
					}
				}
			}
		}
		for whole, said := range pieces {
			if said != whole || !redact.Luhn(whole) {
				t.Errorf("%s: the pieces of a card do not make a card", c.ID)
			}
		}
	}
	for _, want := range []string{"CARD", "CARD_PART", "CARD_EXPIRY", "CVV", "PHONE", "MAIL", "IBAN"} {
		if count[want] == 0 {
			t.Errorf("no %s is planted", want)
		}
	}
}

// iban is the check of ISO 13616: the number of the rearranged text is 1 modulo 97.
func iban(s string) bool {
	s = strings.ReplaceAll(s, " ", "")
	if len(s) < 15 {
		return false
	}
	var b strings.Builder
	for _, r := range s[4:] + s[:4] {
		switch {
		case r >= '0' && r <= '9':
			b.WriteRune(r)
		case r >= 'A' && r <= 'Z':
			b.WriteString(big.NewInt(int64(r - 'A' + 10)).String())
		default:
			return false
		}
	}
	n, ok := new(big.Int).SetString(b.String(), 10)
	return ok && n.Mod(n, big.NewInt(97)).Int64() == 1
}

func TestEveryRoundHasItsOwnPeople(t *testing.T) {
	d := bundledDay(t)
	at := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	seen := map[string]bool{}
	add := func(what, v string) {
		if v == "" {
			return
		}
		if seen[v] {
			t.Errorf("%s %s comes twice", what, v)
		}
		seen[v] = true
	}
	for round := range 50 {
		c := newCast(d, at.Add(time.Duration(round)*7*time.Minute), round)
		for _, p := range c.people {
			add("phone", p.phone)
			add("mail", p.mail)
			add("WhatsApp id", p.whatsAppUser)
		}
		for _, conv := range d.Conversations {
			for i := range conv.Steps {
				id := c.messageID(conv, i)
				add("message", id)
				if !strings.Contains(id, c.run) {
					t.Fatalf("%s does not hold the run", id)
				}
			}
		}
	}
	if a, b := newCast(d, at, 0).people["late"].name, newCast(d, at, 1).people["late"].name; a == b {
		t.Errorf("two rounds running, %s waits for a parcel", a)
	}
}

func TestPlant(t *testing.T) {
	for _, tt := range []struct {
		in, text string
		want     []secret
		fails    bool
	}{
		{in: "plain", text: "plain"},
		{in: "card <<CARD|4111 1111>> end", text: "card 4111 1111 end", want: []secret{{Type: "CARD", Value: "4111 1111", After: "card "}}},
		{in: "<<A|b|c>><<D|e>>", text: "be", want: []secret{{Type: "A", Value: "b", Meant: "c"}, {Type: "D", Value: "e", After: "b"}}},
		{in: "open <<CARD|4111", fails: true},
		{in: "<<CARD>>", fails: true},
		{in: "<<|1>>", fails: true},
		{in: "<<CARD|>>", fails: true},
	} {
		text, got, err := plant(tt.in)
		if (err != nil) != tt.fails {
			t.Errorf("%q gives error %v", tt.in, err)
		}
		if err == nil && (text != tt.text || !slices.Equal(got, tt.want)) {
			t.Errorf("%q gives %q %+v", tt.in, text, got)
		}
	}
}

func TestNeedles(t *testing.T) {
	for _, tt := range []struct {
		secret secret
		want   []string
	}{
		{secret{Type: "CARD", Value: "5555 5555 5555 4444"}, []string{"5555 5555 5555 4444", "5555555555554444"}},
		{secret{Type: "CARD", Value: "four two", Meant: "4242424242424242"}, []string{"4242424242424242", "four two"}},
		{secret{Type: "CVV", Value: "737", After: "the code is "}, []string{"the code is 737"}},
		{secret{Type: "IBAN", Value: "GB82 WEST 1234"}, []string{"GB82 WEST 1234", "GB82WEST1234"}},
		{secret{Type: "MAIL", Value: "a.77@example.org"}, []string{"a.77@example.org"}},
	} {
		if got := tt.secret.needles(); !slices.Equal(got, tt.want) {
			t.Errorf("%s %q is looked for as %q", tt.secret.Type, tt.secret.Value, got)
		}
	}
}

func TestMistakesOfAScriptAreNamed(t *testing.T) {
	const people = "people: [{id: a, names: [Ann Ash], phone: \"+1555#######\"}]\n"
	conv := func(steps string) string {
		return people + "conversations:\n  - {id: c, title: t, at: \"09:00\", channel: sms, who: a, steps: [" + steps + "]}\n"
	}
	for _, tt := range []struct{ name, in, want string }{
		{"not YAML", "{", "read day"},
		{"unknown key", people + "colour: red\n", "colour"},
		{"no conversations", people, "conversations is empty"},
		{"time", people + "conversations: [{id: c, at: noon}]", "at must be a time of day"},
		{"nobody", "conversations: [{id: c, title: t, at: \"09:00\", channel: sms, who: b, steps: [{says: x}, {end: y}]}]", "who of people"},
		{"channel", strings.Replace(conv("{says: x}, {end: y}"), "sms", "fax", 1), "not one that is played"},
		{"no mail", strings.Replace(conv("{says: x}, {end: y}"), "sms", "email", 1), "no mail"},
		{"no end", conv("{says: x}"), "end must be the last"},
		{"two things", conv("{says: x, event: held}, {end: y}"), "exactly one of"},
		{"WhatsApp only", conv("{says: x, twice: true}, {end: y}"), "only WhatsApp"},
		{"reply to nothing", conv("{says: x, reply_to: z}, {end: y}"), "not there yet"},
		{"open mark", conv("{says: \"<<CARD|1\"}, {end: y}"), "not closed"},
		{"overlap", conv("{says: x}, {in: 1h, end: y}") + "  - {id: d, title: t, at: \"09:30\", channel: sms, who: a, steps: [{says: x}, {end: y}]}\n", "begins before"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := parseDay([]byte(tt.in)); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("the error is %v", err)
			}
		})
	}
	if _, err := parseDay([]byte(conv("{says: x}, {end: y}"))); err != nil {
		t.Errorf("a sound script is refused: %v", err)
	}
}

func FuzzParseDay(f *testing.F) {
	f.Add(dayFile)
	f.Add([]byte("conversations: [{id: c}]"))
	f.Fuzz(func(t *testing.T, in []byte) {
		d, err := parseDay(in)
		if err != nil {
			return
		}
		for _, c := range d.Conversations {
			if len(c.Steps) > 0 && c.Steps[len(c.Steps)-1].End == "" {
				t.Errorf("%q was let through without an end", c.ID)
			}
		}
	})
}

func FuzzPlant(f *testing.F) {
	f.Add("a <<CARD|4111|4111>> b")
	f.Fuzz(func(t *testing.T, in string) {
		text, secrets, err := plant(in)
		if err != nil {
			return
		}
		for _, s := range secrets {
			if !strings.Contains(text, s.Value) || len(s.needles()) == 0 {
				t.Errorf("a secret of %q is not in %q", in, text)
			}
		}
	})
}
