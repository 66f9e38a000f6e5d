package redact

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// survives looks for a card number in what redaction left, knowing nothing of
// how redaction works: digits of any script, any separators up to eight bytes,
// windows that begin and end where groups do.
func survives(s string) string {
	type group struct{ from, to int }
	var digits []byte
	var groups []group
	gap, open := 0, false
	check := func() string {
		for i := range groups {
			for j := i; j < len(groups); j++ {
				d := string(digits[groups[i].from:groups[j].to])
				if len(d) > 19 {
					break
				}
				if len(d) >= 13 && issued(d, len(d)) && Luhn(d) {
					return d
				}
			}
		}
		digits, groups = nil, nil
		return ""
	}
	for _, r := range s {
		if v := digitValue(r); v >= 0 {
			if !open || gap > 0 {
				groups = append(groups, group{len(digits), len(digits)})
			}
			digits = append(digits, byte('0'+v))
			groups[len(groups)-1].to = len(digits)
			open, gap = true, 0
			continue
		}
		gap += utf8.RuneLen(r)
		if gap > 8 || unicode.IsLetter(r) {
			if d := check(); d != "" {
				return d
			}
			open, gap = false, 0
		}
	}
	return check()
}

func FuzzText(f *testing.F) {
	for _, s := range []string{
		"my card is 4111 1111 1111 1111 exp 12/27 cvv 123", "four one double one", "anna dot b at example dot com", "a@b.co",
		"DE89 3704 0044 0532 0130 00", "+44 7700 900123", "078-05-1120", "2001:db8::1 10.0.0.1", "4️⃣1️⃣", "٤١١١", "\xff4111",
		"Dr. Anna Berg, 12 High Street, Leeds LS1 4AB", "AB 12 34 56 C", "D E eight nine", "4111-1111-1111-1111-1111-1111",
	} {
		f.Add(s)
	}
	r, _ := New(Config{})
	all, _ := New(Config{Types: AllTypes(), Key: "0123456789abcdef"})
	f.Fuzz(func(t *testing.T, s string) {
		for _, r := range []*Redacter{r, all} {
			got := r.Text("t", s)
			if !utf8.ValidString(got.Text) {
				t.Fatalf("%q became invalid %q", s, got.Text)
			}
			rest, at, from := strings.Builder{}, 0, 0
			for _, p := range got.Replaced {
				if p.Start < from || p.End <= p.Start || p.End > len(s) || p.At < at || p.Until > len(got.Text) {
					t.Fatalf("%q: wrong spans %+v", s, p)
				}
				want := "[" + string(p.Type)
				if p.Pseudonym != "" {
					want += "_" + p.Pseudonym
				}
				if got.Text[p.At:p.Until] != want+"]" {
					t.Fatalf("%q: placeholder %q", s, got.Text[p.At:p.Until])
				}
				if kept := string([]rune(s[from:p.Start])); kept != got.Text[at:p.At] {
					t.Fatalf("%q: kept %q, want %q", s, got.Text[at:p.At], kept)
				}
				rest.WriteString(got.Text[at:p.At])
				rest.WriteString("·CUT OUT·")
				at, from = p.Until, p.End
			}
			rest.WriteString(got.Text[at:])
			if d := survives(rest.String()); d != "" {
				t.Fatalf("%q: %s survives in %q", s, d, got.Text)
			}
		}
	})
}

func BenchmarkPlain20Words(b *testing.B) {
	r, _ := New(Config{})
	s := "I would really like to know why nobody has told me that the delivery was moved to another day again please"
	b.ReportAllocs()
	for b.Loop() {
		r.Text("t", s)
	}
}

func BenchmarkCard(b *testing.B) {
	r, _ := New(Config{Key: "0123456789abcdef"})
	s := "yes my card is four one one one 1111 1111 1111 expiry 12/27 and you can call me at +44 7700 900123 or mail anna.b@example.com"
	b.ReportAllocs()
	for b.Loop() {
		r.Text("t", s)
	}
}
