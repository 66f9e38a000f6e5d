package encoder

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// maxWord is how many characters a word may have; a longer one is unknown.
const maxWord = 100

// Tokeniser cuts texts into the pieces of a vocabulary, as BERT's uncased
// tokeniser does. It is safe for concurrent use. Unlike some implementations it
// never takes the words of a customer for markers: "[SEP]" is three words.
type Tokeniser struct {
	normaliser
	first map[string]int64 // pieces that begin a word
	next  map[string]int64 // pieces that continue one, without their "##"

	longest               int // bytes of the longest piece
	unknown, opens, close int64
}

// NewTokeniser makes a tokeniser of a vocabulary, one piece a line; a piece's
// id is its line number from 0.
func NewTokeniser(vocabulary string) (*Tokeniser, error) {
	t := &Tokeniser{normaliser: newNormaliser(), first: make(map[string]int64), next: make(map[string]int64)}
	for id, piece := range strings.Split(strings.TrimRight(vocabulary, "\n"), "\n") {
		piece = strings.TrimRight(piece, "\r")
		t.longest = max(t.longest, len(piece))
		if inner, ok := strings.CutPrefix(piece, "##"); ok && inner != "" {
			t.next[inner] = int64(id)
			continue
		}
		t.first[piece] = int64(id)
	}
	for marker, into := range map[string]*int64{"[UNK]": &t.unknown, "[CLS]": &t.opens, "[SEP]": &t.close} {
		id, ok := t.first[marker]
		if !ok {
			return nil, fmt.Errorf("read vocabulary: %s is missing", marker)
		}
		*into = id
	}
	return t, nil
}

// IDs are the pieces of text between the two markers, at most most in all.
func (t *Tokeniser) IDs(text string, most int) []int64 {
	ids := []int64{t.opens}
	rest := plain(t.normalise(text))
	for rest != "" && len(ids) < most {
		var word string
		if word, rest = nextWord(rest); word != "" {
			ids = t.pieces(ids, word)
		}
	}
	return append(ids[:min(len(ids), max(most-1, 1))], t.close)
}

// nextWord takes a word or a punctuation mark off the front of text.
func nextWord(text string) (word, rest string) {
	text = strings.TrimLeft(text, " ")
	for i, r := range text {
		switch {
		case r == ' ':
			return text[:i], text[i+1:]
		case punctuation(r) && i == 0:
			size := utf8.RuneLen(r)
			return text[:size], text[size:]
		case punctuation(r):
			return text[:i], text[i:]
		}
	}
	return text, ""
}

// pieces appends the longest pieces that make up word, from its front; where a
// part fits none the whole word is unknown.
func (t *Tokeniser) pieces(ids []int64, word string) []int64 {
	if len(word) > maxWord && utf8.RuneCountInString(word) > maxWord {
		return append(ids, t.unknown)
	}
	before, known := len(ids), t.first
	for word != "" {
		end := min(len(word), t.longest)
		for ; end > 0; end-- {
			if id, ok := known[word[:end]]; ok {
				ids = append(ids, id)
				break
			}
		}
		if end == 0 {
			return append(ids[:before], t.unknown)
		}
		word, known = word[end:], t.next
	}
	return ids
}
