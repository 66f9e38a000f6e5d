package redact

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestCall plays a short call in which an agent asks for one number after the
// other. What was asked for decides what an answer of bare digits is.
func TestCall(t *testing.T) {
	b, err := os.ReadFile(filepath.Join(dataDir(t, "pii_call_text"), "voicegain_sensitive1.txt"))
	if err != nil {
		t.Fatal(err)
	}
	r, _ := New(Config{})
	var c Conversation
	var out strings.Builder
	for line := range strings.Lines(string(b)) {
		who, said, _ := strings.Cut(strings.TrimSpace(line), ": ")
		out.WriteString(r.Next(&c, Said{Speaker: who, Text: said}).Text + "\n")
	}
	got := out.String()
	for _, gone := range []string{"123-45-6789", "123-456-7890", "4111", "is 135", "is 6789"} {
		if strings.Contains(got, gone) {
			t.Errorf("%q stayed in\n%s", gone, got)
		}
	}
	for _, kept := range []string{"123456789.", "11/11/1911", "1333 Corporate Dr. Suite 211", "75038"} {
		if !strings.Contains(got, kept) {
			t.Errorf("%q is gone from\n%s", kept, got)
		}
	}
}

// TestThisOne asks for a card and hears of "this one": the word is no digit,
// and a digit among others is no such word.
func TestThisOne(t *testing.T) {
	r, _ := New(Config{})
	for said, want := range map[string]string{
		"this one: 5555 5555 5555 4444":                                  "this one: [CARD]",
		"this one":                                                       "this one",
		"The other one.":                                                 "The other one.",
		"one of these 5555 5555 5555 4444":                               "one of these [CARD]",
		"one five five five":                                             "[CARD_PART]",
		"that's five five five five one one one one":                     "that's [CARD_PART]",
		"this one 5555 5555 5555 4445":                                   "this one [CARD]",
		"this four one one one one one one one 1111 1111":                "this [CARD]",
		"the first one four one one one 1111 1111 1111":                  "the first [CARD_PART] [CARD]",
		"five five five five 5555, one one one one, five five five five": "[CARD]",
	} {
		var c Conversation
		r.Next(&c, Said{Speaker: "agent", Text: "Can you read me your card number please?"})
		if got := r.Next(&c, Said{Speaker: "customer", Text: said}).Text; got != want {
			t.Errorf("%q becomes %q, want %q", said, got, want)
		}
	}
}
