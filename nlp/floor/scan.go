package floor

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Limits that bound the time of a reading. A turn of 20,000 characters is read
// up to them, and the rest does not count.
const (
	MaxWords     = 600
	maxWordBytes = 40
)

// token is one word, emoji, emoticon or run of punctuation, lower-cased.
type token struct {
	start, end int // in scan.text
	kind       kind
	long       bool // letters were drawn out: "soooo"
}

type kind uint8

const (
	word kind = iota
	number
	symbol // emoji and emoticons
	stop   // punctuation that ends a clause
)

// scan holds a text cut into tokens. It is reused between readings.
type scan struct {
	text   []byte
	tokens []token
	marks  int // exclamation marks
	asks   int // question marks
	loud   int // words of three or more capitals
	words  int
}

// read cuts text. Mentions and links vanish: who is addressed says nothing of
// the mood, and would only be learnt by heart. Letters repeated more than twice
// are cut to two, control characters and invalid bytes separate words.
func (s *scan) read(text string) {
	s.text, s.tokens = s.text[:0], s.tokens[:0]
	s.marks, s.asks, s.loud, s.words = 0, 0, 0, 0
	for i := 0; i < len(text) && s.words < MaxWords; {
		r, size := utf8.DecodeRuneInString(text[i:])
		switch {
		case r == '@' || (r == 'h' || r == 'H') && link(text[i:]):
			i = skip(text, i+size)
		case joins(r):
			i = s.word(text, i)
		case r < utf8.RuneSelf:
			i = s.ascii(text, i)
		case r == utf8.RuneError:
			i += size
		case unicode.Is(unicode.So, r) || r >= 0x1F000 && r < 0x1FB00:
			if r < 0x1F3FB || r > 0x1F3FF { // skin tones colour the emoji before them
				s.add(symbol, string(r))
			}
			i += size
		case r == '…' || r == '。' || r == '।' || r == '؟' || r == '¿' || r == '¡':
			if r == '؟' {
				s.asks++
			}
			s.add(stop, ".")
			i += size
		default:
			i += size
		}
	}
}

func (s *scan) add(k kind, text string) {
	at := len(s.text)
	s.text = append(s.text, text...)
	s.tokens = append(s.tokens, token{start: at, end: len(s.text), kind: k})
}

// joins tells whether r is part of a word. Marks count: Devanagari and Arabic
// vowels are marks.
func joins(r rune) bool {
	if r < utf8.RuneSelf {
		return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
	}
	return r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsMark(r) && r != 0xFE0F || unicode.IsDigit(r))
}

// link tells whether a web address begins at text.
func link(text string) bool {
	if len(text) < 4 || !strings.EqualFold(text[:4], "http") {
		return false
	}
	return len(text) == 4 || text[4] == ':' || text[4] == ' ' || (text[4]|0x20) == 's' && len(text) > 5 && text[5] == ':'
}

func skip(text string, i int) int {
	for i < len(text) && text[i] > ' ' {
		i++
	}
	return i
}

// word takes one word with its inner apostrophes ("don't").
func (s *scan) word(text string, i int) int {
	at, letters, capitals, run := len(s.text), 0, 0, 0
	digits, long, full := true, false, false
	last := rune(-1)
	for i < len(text) {
		r, size := utf8.DecodeRuneInString(text[i:])
		if r == '\'' || r == '’' {
			next, _ := utf8.DecodeRuneInString(text[i+size:])
			if !joins(next) {
				break
			}
			r = '\''
		} else if !joins(r) {
			break
		}
		i += size
		switch {
		case 'a' <= r && r <= 'z':
			letters++
		case 'A' <= r && r <= 'Z':
			letters++
			capitals++
			r |= 0x20
		case r >= utf8.RuneSelf:
			letters++
			if unicode.IsUpper(r) {
				capitals++
				r = unicode.ToLower(r)
			}
		}
		if r < '0' || r > '9' {
			digits = false
		}
		if r == last {
			run++
			if run > 1 && !digits {
				long = true
				continue
			}
		} else {
			run, last = 0, r
		}
		if !full {
			s.text = utf8.AppendRune(s.text, r)
			full = len(s.text)-at >= maxWordBytes
		}
	}
	if letters >= 3 && capitals == letters {
		s.loud++
	}
	t := token{start: at, end: len(s.text), kind: word, long: long}
	if digits {
		t.kind = number
	}
	s.tokens = append(s.tokens, t)
	s.words++
	return i
}

// ascii takes punctuation at i: an emoticon, marks, or a separator.
func (s *scan) ascii(text string, i int) int {
	switch c := text[i]; c {
	case ':', ';', '=', '<', '^', '-':
		if face, size := emoticon(text[i:]); size > 0 {
			s.add(symbol, face)
			return i + size
		}
	case '!', '?', '.', ',':
		j := i
		for j < len(text) && (text[j] == '!' || text[j] == '?' || text[j] == c) {
			if text[j] == '!' {
				s.marks++
			}
			if text[j] == '?' {
				s.asks++
			}
			j++
		}
		if c != ',' {
			s.add(stop, text[i:min(j, i+2)])
		} else {
			s.add(stop, ",")
		}
		return j
	}
	return i + 1
}

// emoticon recognises the faces people type, as four moods.
func emoticon(text string) (mood string, size int) {
	if strings.HasPrefix(text, "<3") {
		return ":)", 2
	}
	if strings.HasPrefix(text, "</3") {
		return ":(", 3
	}
	if strings.HasPrefix(text, "^^") || strings.HasPrefix(text, "^_^") {
		return ":)", strings.LastIndexByte(text[:min(3, len(text))], '^') + 1
	}
	if strings.HasPrefix(text, "-_-") {
		return ":/", 3
	}
	if len(text) < 2 || text[0] != ':' && text[0] != ';' && text[0] != '=' {
		return "", 0
	}
	i := 1
	if text[i] == '-' || text[i] == '\'' || text[i] == 'o' {
		i++
	}
	if i >= len(text) {
		return "", 0
	}
	switch text[i] {
	case ')', ']', 'D', '*', '}', 'P', 'p':
		mood = ":)"
		if text[0] == ';' {
			mood = ";)"
		}
	case '(', '[', '{', '@', 'c', 'C':
		mood = ":("
	case '/', '\\', '|', 'S', 's':
		mood = ":/"
	default:
		return "", 0
	}
	// "re:PC" is no face: a letter must end there.
	if c := text[i]; (c|0x20) >= 'a' && (c|0x20) <= 'z' && i+1 < len(text) && joins(rune(text[i+1])) {
		return "", 0
	}
	if text[i] == '/' && i+1 < len(text) && text[i+1] == '/' {
		return "", 0
	}
	return mood, i + 1
}
