package governance

import (
	"testing"
	"time"

	"throughline/event"
)

// What a person refuses by one address holds for all of them, for as long as
// they are known to be one.
func TestConsentFollowsThePerson(t *testing.T) {
	at := func(s int) time.Time { return time.Unix(int64(s), 0) }
	refuses := func(who string, s int) event.Consent {
		return event.Consent{ID: who, Tenant: "a", Customer: who, Purpose: event.Market, At: at(s)}
	}
	allows := func(who string, s int) event.Consent {
		c := refuses(who, s)
		c.Allowed = true
		return c
	}
	merge := func(who, into string, s int) event.Identity {
		return event.Identity{Tenant: "a", Customer: who, Into: into, At: at(s)}
	}
	undo := func(who, into string, s int) event.Identity {
		i := merge(who, into, s)
		i.Undo = true
		return i
	}
	gone := func(who string, s int) event.Identity {
		return event.Identity{Tenant: "a", Customer: who, Released: true, At: at(s)}
	}
	for name, c := range map[string]struct {
		said []event.Consent
		who  []event.Identity
		want bool // of the mail address
	}{
		"nobody knows they are one":               {[]event.Consent{refuses("phone", 1)}, nil, true},
		"refused by phone, asked by mail":         {[]event.Consent{refuses("phone", 1)}, []event.Identity{merge("mail", "phone", 2)}, false},
		"whichever became the other":              {[]event.Consent{refuses("phone", 1)}, []event.Identity{merge("phone", "mail", 2)}, false},
		"over three addresses":                    {[]event.Consent{refuses("phone", 1)}, []event.Identity{merge("mail", "crm", 2), merge("phone", "crm", 3)}, false},
		"the latest word counts":                  {[]event.Consent{refuses("phone", 1), allows("mail", 5)}, []event.Identity{merge("mail", "phone", 2)}, true},
		"and so does a later refusal":             {[]event.Consent{allows("mail", 1), refuses("phone", 5)}, []event.Identity{merge("mail", "phone", 2)}, false},
		"they were parted":                        {[]event.Consent{refuses("phone", 1)}, []event.Identity{merge("mail", "phone", 2), undo("mail", "phone", 3)}, true},
		"and joined again":                        {[]event.Consent{refuses("phone", 1)}, []event.Identity{merge("mail", "phone", 2), undo("mail", "phone", 3), merge("mail", "phone", 4)}, false},
		"the number is somebody else's":           {[]event.Consent{refuses("phone", 5)}, []event.Identity{merge("mail", "phone", 2), gone("phone", 3)}, true},
		"a ring of merges ends":                   {[]event.Consent{refuses("phone", 1)}, []event.Identity{merge("mail", "phone", 2), merge("phone", "mail", 3)}, false},
		"another tenant's merge concerns nobody":  {[]event.Consent{refuses("phone", 1)}, []event.Identity{{Tenant: "b", Customer: "mail", Into: "phone", At: at(2)}}, true},
		"a handle that is told joins nobody else": {[]event.Consent{refuses("phone", 1)}, []event.Identity{{Tenant: "a", Customer: "mail", Handle: &event.Handle{Kind: event.Mail, Value: "x@example.org"}, At: at(2)}}, true},
	} {
		t.Run(name, func(t *testing.T) {
			for turn := range len(c.who) + 1 { // in any order
				l := NewLedger(Config{})
				for _, s := range c.said {
					if err := l.Apply(s); err != nil {
						t.Fatal(err)
					}
				}
				for k := range c.who {
					for range 2 {
						if err := l.Join(c.who[(k+turn)%len(c.who)]); err != nil {
							t.Fatal(err)
						}
					}
				}
				if got, why := l.Allowed("a", "mail", event.Market, event.SMS); got != c.want {
					t.Errorf("allowed is %v (%s), want %v", got, why, c.want)
				}
			}
		})
	}
}

func TestJoinIsBounded(t *testing.T) {
	l := NewLedger(Config{Consents: 2})
	if err := l.Join(event.Identity{Tenant: "a", Customer: "x", Into: "y", At: time.Unix(1, 0)}); err != nil {
		t.Fatal(err)
	}
	if err := l.Join(event.Identity{Tenant: "a", Customer: "x", Into: "z", At: time.Unix(1, 0)}); err != ErrLedgerFull {
		t.Errorf("got %v, want that it is full", err)
	}
	if ok, _ := l.Allowed("a", "anybody", event.Market, event.SMS); ok {
		t.Error("a ledger that had to leave something out allows what nobody was asked")
	}
}

func BenchmarkAllowed(b *testing.B) {
	l := NewLedger(Config{})
	if err := l.Join(event.Identity{Tenant: "a", Customer: "x", Into: "y", At: time.Unix(1, 0)}); err != nil {
		b.Fatal(err)
	}
	for _, who := range []string{"x", "alone"} {
		b.Run(who, func(b *testing.B) {
			for b.Loop() {
				l.Allowed("a", who, event.AnalyseText, event.WhatsApp)
			}
		})
	}
}
