package redact

import "testing"

func TestText(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"my card is 4111 1111 1111 1111 thanks", "my card is [CARD] thanks"},
		{"4111-1111-1111-1111", "[CARD]"},
		{"4111.1111.1111.1111", "[CARD]"},
		{"4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1", "[CARD]"},
		{"٤١١١ ١١١١ ١١١١ ١١١١", "[CARD]"},
		{"４１１１１１１１１１１１１１１１", "[CARD]"},
		{"4️⃣1️⃣1️⃣1️⃣ 1111 1111 1111", "[CARD]"},
		{"it's four one one one, one one one one, uh, one one one one and then one one one one", "it's [CARD]"},
		{"four triple one quadruple one double one double one double one double one", "[CARD]"},
		{"forty one eleven, eleven eleven, eleven eleven, eleven eleven", "[CARD]"},
		{"amex 378282246310005 please", "amex [CARD] please"},
		{"amex three seven eight two, eight two two four six three, one oh oh oh five", "amex [CARD]"},
		{"the card 4111 1111 1111 1112 was declined", "the card [CARD] was declined"},
		{"card 4111111111111111 exp 12/27 cvv 123", "card [CARD] exp [CARD_EXPIRY] cvv [CVV]"},
		{"card 4111111111111111 12/27 123", "card [CARD] [CARD_EXPIRY] [CVV]"},
		{"123 is the security code", "[CVV] is the security code"},
		{"the three digits on the back are one two three", "the three digits on the back are [CVV]"},
		{"the CVV is 135.", "the CVV is [CVV]."},
		{"Sicherheitscode 987", "Sicherheitscode [CVV]"},
		{"die Kartenprüfnummer lautet 987", "die Kartenprüfnummer lautet [CVV]"},
		{"el código de seguridad es 987", "el código de seguridad es [CVV]"},
		{"o código de segurança é 987", "o código de segurança é [CVV]"},
		{"le Code de Sécurité est 987", "le Code de Sécurité est [CVV]"},
		{"il codice di sicurezza è 987", "il codice di sicurezza è [CVV]"},
		{"le code de la porte est 987", "le code de la porte est 987"},
		{"mein Code 987", "mein Code 987"},
		{"my visa expires december 2027", "my visa expires [CARD_EXPIRY]"},
		{"quatro um um um um um um um um um um um um um um um", "[CARD]"},
		{"vier eins eins eins eins eins eins eins eins eins eins eins eins eins eins eins", "[CARD]"},
		{"my visa card ending in 4242", "my visa card ending in 4242"},

		{"call me at 555-123-4567", "call me at [PHONE]"},
		{"+44 7700 900123 is my number", "[PHONE] is my number"},
		{"my number is five five five one two three four five six seven", "my number is [PHONE]"},
		{"my phone number is double oh four nine one seven one two three four five six seven", "my phone number is [PHONE]"},
		{"write to anna.b@example.com.", "write to [MAIL]."},
		{"it's anna dot b at example dot com", "it's [MAIL]"},
		{"my email is a n n a underscore 42 at gmail dot com ok", "my email is [MAIL] ok"},
		{"DE89 3704 0044 0532 0130 00", "[IBAN]"},
		{"iban gb29nwbk60161331926819", "iban [IBAN]"},
		{"D E eight nine three seven oh four oh oh four four oh five three two oh one three oh oh oh", "[IBAN]"},
		{"ssn 078-05-1120", "ssn [NATIONAL_ID]"},
		{"AB 12 34 56 C is my nino", "[NATIONAL_ID] is my nino"},
		{"cpf 529.982.247-25", "cpf [NATIONAL_ID]"},
		{"52998224725", "52998224725"},
		{"DNI 12345678Z", "DNI [NATIONAL_ID]"},
		{"meine Steuer-ID ist 86095742719", "meine Steuer-ID ist [NATIONAL_ID]"},
		{"aadhaar 2341 2341 2346", "aadhaar [NATIONAL_ID]"},
		{"from 192.168.1.20 and 2001:db8::1", "from [IP] and [IP]"},

		{"order 4839201 is late", "order 4839201 is late"},
		{"I paid 1,250.00 for it", "I paid 1,250.00 for it"},
		{"on 2026-11-22 at 10:15", "on 2026-11-22 at 10:15"},
		{"on 22.11.2026 or 11/22/2026", "on 22.11.2026 or 11/22/2026"},
		{"booking K7P2QX, flight BA 2490, gate 14", "booking K7P2QX, flight BA 2490, gate 14"},
		{"invoice 2026-004839 total 4,500.00 euros", "invoice 2026-004839 total 4,500.00 euros"},
		{"version 10.2.3.4.5", "version 10.2.3.4.5"},
		{"I called three times in two weeks, one hundred dollars gone", "I called three times in two weeks, one hundred dollars gone"},
		{"my credit card was charged $4500 in 2025", "my credit card was charged $4500 in 2025"},
		{"look at the menu dot com was down", "look at the menu dot com was down"},
		{"the reference is four eight three nine two oh one", "the reference is four eight three nine two oh one"},
		{"tracking 1Z999AA10123456784", "tracking 1Z999AA10123456784"},
		{"meet me at 5 or 6 pm", "meet me at 5 or 6 pm"},
		{"3... 2... 1... liftoff!", "3... 2... 1... liftoff!"},
	} {
		r, err := New(Config{})
		if err != nil {
			t.Fatal(err)
		}
		if got := r.Text("t", c.in).Text; got != c.want {
			t.Errorf("%q\n got %q\nwant %q", c.in, got, c.want)
		}
	}
}

func TestTurns(t *testing.T) {
	type turn struct{ who, in, want string }
	for name, turns := range map[string][]turn{
		"card in four": {
			{"agent", "Can I have the long number on the card?", "Can I have the long number on the card?"},
			{"customer", "four one one one", "[CARD_PART]"},
			{"agent", "go on", "go on"},
			{"customer", "one one one one", "[CARD_PART]"},
			{"agent", "uh-huh", "uh-huh"},
			{"customer", "1111 and then", "[CARD_PART] and then"},
			{"customer", "one one one one", "[CARD_PART]"},
			{"agent", "the three digits on the back?", "the three digits on the back?"},
			{"customer", "123", "[CVV]"},
			{"agent", "and your order number?", "and your order number?"},
			{"customer", "4839201", "4839201"},
		},
		"card unasked": {
			{"customer", "4111", "[CARD_PART]"},
			{"customer", "1111", "[CARD_PART]"},
			{"agent", "1111, got it", "[CARD_PART], got it"},
			{"customer", "1111 1111", "[CARD_PART]"},
		},
		"order stays": {
			{"agent", "What's your order number?", "What's your order number?"},
			{"customer", "it's 4839", "it's 4839"},
			{"customer", "2010", "2010"},
		},
		"phone asked": {
			{"agent", "What's the best phone number to reach you?", "What's the best phone number to reach you?"},
			{"customer", "5551234567", "[PHONE]"},
		},
		"ssn asked": {
			{"agent", "What are the last 4 digits of your Social?", "What are the last 4 digits of your Social?"},
			{"customer", "it is 6789", "it is [NATIONAL_ID]"},
		},
	} {
		r, _ := New(Config{})
		var c Conversation
		for i, u := range turns {
			if got := r.Next(&c, Said{Speaker: u.who, Text: u.in}).Text; got != u.want {
				t.Errorf("%s, turn %d %q: got %q, want %q", name, i, u.in, got, u.want)
			}
		}
	}
}
