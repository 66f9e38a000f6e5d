package redact

import (
	"encoding/json"
	"errors"
	"testing"
)

func TestJSON(t *testing.T) {
	r, _ := New(Config{})
	for _, c := range []struct{ in, want string }{
		{`{"a" : "card 4111 1111 1111 1111", "n":[4111111111111111, 4.111111111111111e15, 12.50]}`, `{"a" : "card [CARD]", "n":["[CARD]", "[CARD]", 12.50]}`},
		{`{"cvv":"123","cvv2":456,"security_code":"789"}`, `{"cvv":"[CVV]","cvv2":"[CVV]","security_code":"[CVV]"}`},
		{`{"4111111111111111":true}`, `{"[CARD]":true}`},
		{`{"wa_id":"5511999990000","timestamp":"1763800000","order":"4839201"}`, `{"wa_id":"[PHONE]","timestamp":"1763800000","order":"4839201"}`},
		{`{"displayPhoneNumber":"15551234567","t":"\u003ca\u003e"}`, `{"displayPhoneNumber":"[PHONE]","t":"\u003ca\u003e"}`},
		{`"\u0034111 1111 1111 1111"`, `"[CARD]"`},
		{` null `, ` null `},
	} {
		got, err := r.JSON("t", []byte(c.in))
		if err != nil || string(got) != c.want {
			t.Errorf("%s\n got %s, %v\nwant %s", c.in, got, err, c.want)
		}
	}
	whole := `{"a":"4111 1111 1111 1111"}`
	for n := range len(whole) {
		if _, err := r.JSON("t", []byte(whole[:n])); !errors.Is(err, ErrJSON) {
			t.Errorf("prefix of %d bytes: %v", n, err)
		}
	}
}

func FuzzJSON(f *testing.F) {
	for _, s := range []string{`{"a":"4111 1111 1111 1111","b":[1,2.5e3,null]}`, `"\ud800 a@b.co"`, `[4111111111111111]`, `{"cvv":1}`, `{"":""}`} {
		f.Add([]byte(s))
	}
	r, _ := New(Config{Types: AllTypes()})
	f.Fuzz(func(t *testing.T, raw []byte) {
		got, err := r.JSON("t", raw)
		if err == nil && !json.Valid(got) {
			t.Fatalf("%q became %q", raw, got)
		}
		if (err == nil) != json.Valid(raw) {
			t.Fatalf("%q: %v", raw, err)
		}
	})
}
