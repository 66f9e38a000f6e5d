package journey

import (
	"testing"

	"throughline/event"
)

// FuzzFacts reads any text with any redaction: the values that come out are
// pieces of the text, and nothing panics.
func FuzzFacts(f *testing.F) {
	f.Add("May I have your order number? I will call you back.", "agent", "MAIL", 3, 9)
	f.Add("it's [MAIL_3fa91c02], AB-1234", "customer", "MAIL", 5, 20)
	f.Add("\xff’. ? !", "customer", "PHONE", -1, 1<<40)
	f.Fuzz(func(t *testing.T, text, role, kind string, start, end int) {
		features := event.Features{Turn: event.Turn{ID: "t", Text: text, Role: event.Role(role), Redacted: []event.Redaction{{Type: kind, Start: start, End: end}}}}
		for _, fact := range facts(features) {
			if fact.About == "" || len(fact.Value) > len(text)+len(kind)+2 {
				t.Errorf("%q gives %+v", text, fact)
			}
		}
		took(nil, features.Turn)
	})
}
