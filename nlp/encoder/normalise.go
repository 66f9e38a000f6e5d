package encoder

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// MaxBytes is how much of a text is looked at: many times what MaxTokens hold,
// so that a text of any length takes bounded time.
const MaxBytes = 16 << 10

// normaliser prepares texts as they were prepared in training: nlp/train/text.py
// holds the same rules, and model/golden.json pins them.
type normaliser struct {
	link, mention *regexp.Regexp
}

func newNormaliser() normaliser {
	return normaliser{
		// What Python counts as white space ends a link.
		link: regexp.MustCompile(`(?:https?://|www\.)[^\s\x0b\x1c-\x1f\x{85}\x{a0}\x{1680}` +
			`\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}]+`),
		mention: regexp.MustCompile(`(^|[^A-Za-z0-9_])@[A-Za-z0-9_]+`),
	}
}

// normalise hides who is addressed and where a link leads, tames "soooo" to
// "soo", and sets emoji apart as words of their own.
func (n normaliser) normalise(text string) string {
	text = head(text)
	if strings.Contains(text, "://") || strings.Contains(text, "www.") {
		text = n.link.ReplaceAllString(text, "http")
	}
	if strings.Contains(text, "@") {
		text = n.mention.ReplaceAllString(text, "${1}@user")
	}
	var out strings.Builder
	out.Grow(len(text) + 16)
	run, last := 0, rune(-1)
	for _, r := range text { // an invalid byte reads as U+FFFD, a symbol
		small := lower(r)
		if small == last {
			run++
		} else {
			run, last = 1, small
		}
		switch {
		case run > 2 && unicode.IsLetter(r):
		case symbol(r):
			out.WriteByte(' ')
			out.WriteRune(r)
			out.WriteByte(' ')
		default:
			out.WriteRune(r)
		}
	}
	return out.String()
}

// head is the part of text that is looked at, cut between characters.
func head(text string) string {
	if len(text) <= MaxBytes {
		return text
	}
	end := MaxBytes
	for end > MaxBytes-utf8.UTFMax && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end]
}

// lower keeps İ apart from i: its small form is two characters long.
func lower(r rune) rune {
	if r == 'İ' {
		return r
	}
	return unicode.ToLower(r)
}

// symbol tells emoji and other pictures, and the five skin tones.
func symbol(r rune) bool {
	return r > unicode.MaxASCII && unicode.Is(unicode.So, r) || 0x1F3FB <= r && r <= 0x1F3FF
}

// plain is text as BERT's basic tokenisation leaves it before it is cut: control
// characters gone, every white space a blank, Chinese signs apart, without
// accents, in small letters (Devlin et al., NAACL 2019; BasicTokenizer).
func plain(text string) string {
	var out strings.Builder
	out.Grow(len(text))
	ascii := true
	for _, r := range text {
		switch {
		case r < utf8.RuneSelf:
			out.WriteString(asciiPlain(byte(r)))
			continue
		case r == utf8.RuneError || unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co):
			continue
		case unicode.IsSpace(r):
			out.WriteByte(' ')
			continue
		case han(r):
			out.WriteByte(' ')
			out.WriteRune(r)
			out.WriteByte(' ')
		default:
			out.WriteRune(r)
		}
		ascii = false
	}
	if ascii {
		return out.String()
	}
	decomposed := norm.NFD.String(out.String())
	out.Reset()
	for _, r := range decomposed {
		if !unicode.Is(unicode.Mn, r) {
			out.WriteRune(unicode.ToLower(r))
		}
	}
	return out.String()
}

// asciiPlain is what plain makes of an ASCII character.
func asciiPlain(c byte) string {
	switch {
	case c == '\t' || c == '\n' || c == '\r':
		return " "
	case c < ' ' || c == 0x7F:
		return ""
	case 'A' <= c && c <= 'Z':
		c |= 0x20
	}
	return string(rune(c))
}

// han tells the blocks that BERT cuts into single signs. One bound of the sixth
// block is as the tokeniser of the training has it.
func han(r rune) bool {
	switch {
	case r >= 0x4E00 && r <= 0x9FFF, r >= 0x3400 && r <= 0x4DBF, r >= 0x20000 && r <= 0x2A6DF,
		r >= 0x2A700 && r <= 0x2B73F, r >= 0x2B740 && r <= 0x2B81F, r >= 0x2B920 && r <= 0x2CEAF,
		r >= 0xF900 && r <= 0xFAFF, r >= 0x2F800 && r <= 0x2FA1F:
		return true
	}
	return false
}

// punctuation stands alone. All ASCII signs that are neither letters nor digits
// count, also those that Unicode calls symbols, such as $.
func punctuation(r rune) bool {
	if r < utf8.RuneSelf {
		return r > ' ' && r < '0' || r > '9' && r < 'A' || r > 'Z' && r < 'a' || r > 'z' && r < 0x7F
	}
	return unicode.Is(unicode.P, r)
}
