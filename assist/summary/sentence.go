package summary

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"throughline/event"
)

// candidate is a sentence of a turn that may stand in a summary.
type candidate struct {
	turn  int // position in the conversation
	first bool
	role  event.Role
	text  string
	words int
}

// Bounds of what is read and of what is told.
const (
	maxCandidates = 300 // sentences that are ranked: their likeness is a square
	fromStart     = 100 // of them, where there are more; the rest are the last ones
	maxSentence   = 280 // bytes of a sentence that is told
)

// candidates cuts the turns into sentences. Of a very long conversation the
// beginning and the end are read: why somebody came, and how it went out.
func candidates(turns []event.Features) []candidate {
	var all []candidate
	for i, f := range turns {
		if !readable(f.Turn) {
			continue
		}
		first := true
		for _, s := range sentences(f.Turn.Text) {
			n := len(words(s))
			if n == 0 {
				continue
			}
			all = append(all, candidate{turn: i, first: first, role: f.Turn.Role, text: s, words: n})
			first = false
		}
	}
	if len(all) > maxCandidates {
		all = append(all[:fromStart:fromStart], all[len(all)-(maxCandidates-fromStart):]...)
	}
	return all
}

// readable tells whether a turn has words of a side of the conversation.
func readable(t event.Turn) bool {
	return t.Text != "" && t.Withheld == "" && t.Role != event.System && t.Kind != event.Notice && t.Kind != event.Revoke
}

// sentences cuts a text after sentence marks and at line ends. Each stands in the
// text as it is; whom it is addressed to and links at its ends are left out.
func sentences(text string) []string {
	var out []string
	add := func(s string) {
		if s = trimmed(s); s != "" {
			out = append(out, s)
		}
	}
	start := 0
	for i, r := range text {
		end := i + utf8.RuneLen(r)
		switch {
		case r == utf8.RuneError:
			continue
		case r == '\n':
		case strings.ContainsRune(".!?…", r) && breaks(text[end:]):
		case strings.ContainsRune("。！？؟।", r):
		default:
			continue
		}
		add(text[start:end])
		start = end
	}
	add(text[start:])
	return out
}

// breaks tells whether a sentence may end before rest: a space comes, and then
// no small letter ("approx. ten", "e.g. this").
func breaks(rest string) bool {
	after := strings.TrimLeft(rest, " \t")
	r, _ := utf8.DecodeRuneInString(after)
	return rest == "" || len(after) < len(rest) && !unicode.IsLower(r) || r == '\n'
}

// trimmed takes addressees (@name), links and white space off both ends of a
// sentence, and cuts what is too long at the end of a word.
func trimmed(s string) string {
	s = strings.TrimSpace(s)
	for {
		word, rest, _ := strings.Cut(s, " ")
		if !strings.HasPrefix(word, "@") && !link(word) {
			break
		}
		s = strings.TrimSpace(rest)
	}
	for {
		k := strings.LastIndexByte(s, ' ')
		if last := s[k+1:]; last == "" || !link(last) {
			break
		}
		s = strings.TrimSpace(s[:max(k, 0)])
	}
	return s[:cutAt(s, maxSentence)]
}

// cutAt is where a text of at most n bytes ends, at the end of a word where there is one.
func cutAt(s string, n int) int {
	if len(s) <= n {
		return len(s)
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	if k := strings.LastIndexByte(s[:n], ' '); k > 0 {
		return k
	}
	return n
}

func link(word string) bool {
	return strings.HasPrefix(word, "http://") || strings.HasPrefix(word, "https://")
}

// words are the runs of letters and digits, lower case.
func words(text string) []string {
	return strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) })
}
