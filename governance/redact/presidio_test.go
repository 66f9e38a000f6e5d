package redact

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"testing"
)

// dataDir finds a set of the data folder beside the repository.
func dataDir(t testing.TB, set string) string {
	t.Helper()
	roots := []string{os.Getenv("THROUGHLINE_DATA")}
	for up := ".."; len(up) < 20; up += "/.." {
		roots = append(roots, filepath.Join(up, "shared", "data"))
	}
	for _, r := range roots {
		if r == "" {
			continue
		}
		if _, err := os.Stat(filepath.Join(r, set)); err == nil {
			return filepath.Join(r, set)
		}
	}
	t.Skipf("the data set %s is not here; set THROUGHLINE_DATA to score on it", set)
	return ""
}

type labelled struct {
	Text   string `json:"full_text"`
	Masked string `json:"masked"`
	Spans  []span `json:"spans"`
}

type span struct {
	Type  string `json:"entity_type"`
	Start int    `json:"start_position"`
	End   int    `json:"end_position"`
}

func presidio(t testing.TB) []labelled {
	files, err := filepath.Glob(filepath.Join(dataDir(t, "presidio_pii"), "*.dev.json"))
	if err != nil || len(files) == 0 {
		t.Skip("no files of the set are here")
	}
	var all []labelled
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		var part []labelled
		if err := json.Unmarshal(b, &part); err != nil {
			t.Fatal(err)
		}
		all = append(all, part...)
	}
	return all
}

// ours maps the set's types to ours. Where the set has two names for one
// thing, or ours is broader, they meet.
func ours(label string) Type {
	switch label {
	case "CREDIT_CARD":
		return Card
	case "PHONE_NUMBER":
		return Phone
	case "EMAIL_ADDRESS":
		return Mail
	case "IBAN_CODE":
		return IBAN
	case "US_SSN":
		return NationalID
	case "IP_ADDRESS":
		return IP
	case "US_DRIVER_LICENSE":
		return License
	case "DOMAIN_NAME":
		return URL
	case "STREET_ADDRESS", "ADDRESS":
		return Address
	case "GPE", "LOCATION":
		return Place
	case "ORGANIZATION":
		return Organization
	case "ZIP_CODE":
		return Zip
	case "NRP":
		return Group
	case "PREFIX":
		return Title
	}
	return Type(label)
}

type tally struct{ hit, missed, wrong int }

func (c tally) precision() float64 { return float64(c.hit) / float64(max(1, c.hit+c.wrong)) }
func (c tally) recall() float64    { return float64(c.hit) / float64(max(1, c.hit+c.missed)) }
func (c tally) f1() float64 {
	return 2 * float64(c.hit) / float64(max(1, 2*c.hit+c.missed+c.wrong))
}

// score counts spans: found means the same type and more than half of the
// characters of both in common. Offsets of the set are in code points.
func score(all []labelled, report func(l labelled, kind string, t Type, text string)) map[Type]tally {
	counts := map[Type]tally{}
	for _, l := range all {
		runes := []rune(l.Text)
		offset := make([]int, len(runes)+1)
		for i, n := 0, 0; i < len(runes); i++ {
			n += len(string(runes[i]))
			offset[i+1] = n
		}
		found := Find(l.Text)
		gold := merged(l, offset)
		found = mergedFound(l.Text, found)
		characters(l.Text, l.Spans, offset, found, counts)
		used := make([]bool, len(found))
		for _, s := range gold {
			start, end, tp := s.Start, s.End, s.Type
			c, hit := counts[tp], false
			for i, f := range found {
				common := min(end, f.End) - max(start, f.Start)
				if f.Type == CardPart {
					f.Type = Card
				}
				if !used[i] && f.Type == tp && 2*common > max(end-start, f.End-f.Start) {
					used[i], hit = true, true
					break
				}
			}
			if hit {
				c.hit++
			} else {
				c.missed++
				report(l, "missed", tp, l.Text[start:end])
			}
			counts[tp] = c
		}
		for i, f := range found {
			if !used[i] {
				c := counts[f.Type]
				c.wrong++
				counts[f.Type] = c
				report(l, "wrong", f.Type, l.Text[f.Start:f.End])
			}
		}
	}
	return counts
}

// merged are the spans of l in bytes. Pieces of one type with only blanks
// between them ("12", "High Street") are one, as in the set authors' own
// evaluation, which counts tokens.
func merged(l labelled, offset []int) []Finding {
	var all []Finding
	for _, s := range l.Spans {
		all = append(all, Finding{Type: ours(s.Type), Start: offset[s.Start], End: offset[s.End]})
	}
	sort.Slice(all, func(i, j int) bool { return all[i].Start < all[j].Start })
	return mergedFound(l.Text, all)
}

func mergedFound(s string, all []Finding) []Finding {
	var out []Finding
	for _, f := range all {
		if n := len(out); n > 0 && out[n-1].Type == f.Type && out[n-1].End <= f.Start && strings.TrimSpace(s[out[n-1].End:f.Start]) == "" {
			out[n-1].End = f.End
			continue
		}
		out = append(out, f)
	}
	return out
}

// byCharacter is where score counts characters instead of spans, which does not
// mind where one piece of an address ends and the next begins.
const byCharacter Type = "by character"

func characters(s string, gold []span, offset []int, found []Finding, counts map[Type]tally) {
	want, got := make([]Type, len(s)), make([]Type, len(s))
	for _, g := range gold {
		for i := offset[g.Start]; i < offset[g.End]; i++ {
			want[i] = ours(g.Type)
		}
	}
	for _, f := range found {
		for i := f.Start; i < f.End; i++ {
			got[i] = f.Type
		}
	}
	c := counts[byCharacter]
	for i := range want {
		switch {
		case s[i] <= ' ', want[i] == got[i] && want[i] == "":
		case want[i] == got[i]:
			c.hit++
		default:
			if want[i] != "" {
				c.missed++
			}
			if got[i] != "" {
				c.wrong++
			}
		}
	}
	counts[byCharacter] = c
}

func TestPresidio(t *testing.T) {
	all := presidio(t)
	show := Type(os.Getenv("SHOW"))
	counts := score(all, func(l labelled, kind string, tp Type, text string) {
		if show == tp || show == "*" {
			t.Logf("%s %s %q in %q", kind, tp, text, l.Text)
		}
	})
	var sum tally
	types := slices.Collect(maps.Keys(counts))
	sort.Slice(types, func(i, j int) bool { return types[i] < types[j] })
	for _, tp := range types {
		c := counts[tp]
		t.Logf("%-14s n %4d  precision %.3f  recall %.3f  F1 %.3f", tp, c.hit+c.missed, c.precision(), c.recall(), c.f1())
		if tp == byCharacter {
			continue
		}
		sum.hit, sum.missed, sum.wrong = sum.hit+c.hit, sum.missed+c.missed, sum.wrong+c.wrong
	}
	t.Logf("%-14s n %4d  precision %.3f  recall %.3f  F1 %.3f", "all", sum.hit+sum.missed, sum.precision(), sum.recall(), sum.f1())
	for _, tp := range []Type{Card, Mail, IBAN, Phone} {
		if r := counts[tp].recall(); r < 0.99 {
			t.Errorf("recall of %s is %.4f, below 0.99", tp, r)
		}
		if p := counts[tp].precision(); p < 0.95 {
			t.Errorf("precision of %s is %.4f, below 0.95", tp, p)
		}
	}
}
