package summary

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// A language model may word what was said, and add nothing to it. What can be
// checked without understanding it is checked: numbers, names and addresses.

var (
	number  = regexp.MustCompile(`\d+(?:[.,:/'’\x{00a0}\x{202f}-]\d+)*`)
	address = regexp.MustCompile(`\S*(?:@|://|www\.)\S*`)
	word    = regexp.MustCompile(`[\p{L}\p{M}\d]+(?:['’][\p{L}\p{M}]+)*`)
)

// proven tells what of a sentence does not stand there, in the turns it names, or,
// for names, anywhere: "Marta" may have said in one turn what another leads to.
// Its errors hold none of the words.
func proven(sentence string, there, anywhere known) error {
	if strings.ContainsFunc(sentence, unicode.IsControl) {
		return errors.New("holds control characters")
	}
	for _, n := range number.FindAllString(sentence, -1) {
		if !there.numbers[digits(n)] {
			return errors.New("holds a number that stands in no turn it names")
		}
	}
	for _, a := range address.FindAllString(sentence, -1) {
		if !strings.Contains(there.text, strings.ToLower(strings.Trim(a, ".,;:!?()\"'"))) {
			return errors.New("holds an address that stands in no turn it names")
		}
	}
	for i, w := range word.FindAllString(sentence, -1) {
		low := strings.ToLower(w)
		if n := spelled(low); n != "" && !there.numbers[n] {
			return errors.New("holds a number that stands in no turn it names")
		}
		switch first := []rune(w)[0]; {
		case unicode.IsLetter(first) && !unicode.IsUpper(first) && !unicode.IsLower(first) && !unicode.IsTitle(first):
			return errors.New("is in a script without capitals, whose names cannot be told from other words")
		case !unicode.IsUpper(first), anywhere.words[low], slices.Contains(speakers(), low), i == 0 && slices.Contains(openers(), low):
		default:
			return errors.New("holds a name that stands in no turn")
		}
	}
	return nil
}

// known is what may be repeated of texts.
type known struct {
	text           string // all in lower case
	words, numbers map[string]bool
}

func facts(texts []string) known {
	k := known{text: strings.ToLower(strings.Join(texts, "\n")), words: map[string]bool{}, numbers: map[string]bool{}}
	for _, n := range number.FindAllString(k.text, -1) {
		k.numbers[digits(n)] = true
	}
	for _, w := range word.FindAllString(k.text, -1) {
		k.words[w] = true
		base, _, _ := strings.Cut(strings.ReplaceAll(w, "’", "'"), "'")
		k.words[base], k.words[base+"'s"], k.words[base+"’s"] = true, true, true
		if n := spelled(w); n != "" {
			k.numbers[n] = true
		}
	}
	return k
}

// digits of a number, whatever stands between them.
func digits(n string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsDigit(r) {
			return r
		}
		return -1
	}, n)
}

// spelled is a number word as a number, or ""; "one" is as often a pronoun.
func spelled(w string) string {
	if k := slices.Index(numbers[:], w); k >= 0 {
		if k < 19 {
			return strconv.Itoa(k + 2)
		}
		return strconv.Itoa((k - 16) * 10)
	}
	switch w {
	case "hundred":
		return "100"
	case "thousand":
		return "1000"
	case "million":
		return "1000000"
	}
	return ""
}

// numbers from two to twenty, and then by tens.
var numbers = [...]string{"two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen",
	"sixteen", "seventeen", "eighteen", "nineteen", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"}

// speakers are how a summary may call who speaks.
func speakers() []string { return []string{"customer", "agent", "bot", "i"} }

// openers are words that may begin a sentence with a capital and are no names.
func openers() []string {
	return []string{"the", "a", "an", "they", "he", "she", "it", "both", "after", "before", "when", "no", "nothing", "nobody", "still", "there", "this"}
}

// unproven says which sentence was refused, and why.
func unproven(n int, why error) error {
	return fmt.Errorf("sentence %d of the language model %w", n, why)
}
