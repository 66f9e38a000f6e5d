package calls

import (
	"testing"

	"throughline/event"
)

func TestCaller(t *testing.T) {
	for address, want := range map[string]string{
		"+1-555-555-1234":                        "+15555551234",
		"tel:+15555551234;ext=7":                 "+15555551234",
		"sip:+15555551234@pbx.example:5060":      "+15555551234",
		"sip:15555551234@pbx.example;user=phone": "+15555551234",
		"whatsapp:+15555551234":                  "+15555551234",
		"0015555551234":                          "+15555551234",
		"(555) 555-1234":                         "+5555551234",
		"+4412345":                               "+4412345",
		"":                                       "",
		"4711":                                   "", // an extension
		"5551234":                                "", // means another phone elsewhere
		"+1234567890123456":                      "", // over 15 digits
		"+266696687":                             "", // ANONYMOUS
		"anonymous":                              "",
		"client:jane":                            "",
		"sip:jane@pbx.example":                   "",
		"urn:uuid:15555551234":                   "",
	} {
		got := Caller(address)
		if got.Value != want || (want != "" && got.Kind != event.Phone) {
			t.Errorf("Caller(%q) is %+v, want %q", address, got, want)
		}
	}
}
