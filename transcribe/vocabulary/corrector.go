package vocabulary

import (
	"errors"
	"fmt"
	"strings"
	"unicode"

	"throughline/transcribe/speech"
)

// Term is a name or a product as it should be written.
type Term struct {
	Text string

	// Heard lists what a recogniser writes for it. Such words are always
	// replaced; list here what sounds too unlike the spelling.
	Heard []string
}

// MaxTerms is the most terms a Corrector takes: each is compared at each word.
const MaxTerms = 2000

// The rule of confidence: words are replaced when each of their sounds differs
// from the term's by at most certain on average, and by up to doubtful more
// where the recogniser was not sure of them itself.
const (
	certain  = 0.12
	doubtful = 0.10
	// fewest is how many consonants a term must have to be found by sound:
	// short ones are everywhere.
	fewest = 3
	// lengthy terms, of so many sounds, may lose or gain a syllable.
	lengthy = 8
	// extraWords is how many more words than the term has it may be heard as.
	extraWords = 2
)

// Corrector finds terms in transcripts. It is safe for use by many goroutines.
type Corrector struct {
	rules   []rule
	terms   []term
	heard   map[string]int // what is written instead → index of the term
	longest int            // most words that may stand for one term
}

type term struct {
	text       string
	words      int
	sounds     []sound
	consonants int
}

var (
	errTooMany = errors.New("too many terms")
	errNoText  = errors.New("term without letters or digits")
)

// New prepares the terms.
func New(terms []Term) (*Corrector, error) {
	if len(terms) > MaxTerms {
		return nil, fmt.Errorf("vocabulary: %w: %d, at most %d", errTooMany, len(terms), MaxTerms)
	}
	c := &Corrector{rules: rules(), heard: make(map[string]int)}
	for i, t := range terms {
		words := strings.Fields(t.Text)
		if plain(t.Text) == "" {
			return nil, fmt.Errorf("vocabulary: term %d: %w", i, errNoText)
		}
		one := term{text: strings.Join(words, " "), words: len(words)}
		for _, w := range words {
			one.sounds = append(one.sounds, c.sounds(plain(w))...)
		}
		for _, s := range one.sounds {
			if !s.vowel() {
				one.consonants++
			}
		}
		c.terms = append(c.terms, one)
		c.longest = max(c.longest, len(words)+extraWords)
		for _, alias := range append(t.Heard, t.Text) {
			var key []string
			for _, w := range strings.Fields(alias) {
				key = append(key, plain(w))
			}
			c.heard[strings.Join(key, " ")] = i
			c.longest = max(c.longest, len(key))
		}
	}
	return c, nil
}

// Correct returns words with the terms put right. A term takes the time from
// the first to the last word that it replaces, and their punctuation.
func (c *Corrector) Correct(words []speech.Word) []speech.Word {
	if len(c.terms) == 0 || len(words) == 0 {
		return words
	}
	said := make([]utterance, len(words))
	for i, w := range words {
		said[i] = c.listen(w)
	}
	out := make([]speech.Word, 0, len(words))
	for i := 0; i < len(words); {
		t, n := c.find(said[i:])
		if n == 0 {
			out = append(out, words[i])
			i++
			continue
		}
		last := said[i+n-1]
		w := speech.Word{
			Text:  said[i].before + c.terms[t].text + last.possessive + last.after,
			Start: words[i].Start, End: words[i+n-1].End,
			Confidence: words[i].Confidence, Approximate: words[i].Approximate,
		}
		for _, other := range words[i : i+n] {
			w.Confidence = min(w.Confidence, other.Confidence)
		}
		out = append(out, w)
		i += n
	}
	return out
}

// utterance is a word as it was said: its letters, sounds and what is around.
type utterance struct {
	before, plain, possessive, after string
	sounds                           []sound
	confidence                       float64
}

func (c *Corrector) listen(w speech.Word) utterance {
	core := strings.TrimLeftFunc(w.Text, other)
	u := utterance{before: w.Text[:len(w.Text)-len(core)], confidence: w.Confidence}
	bare := strings.TrimRightFunc(core, other)
	u.after = core[len(bare):]
	for _, s := range []string{"'s", "’s"} {
		if rest, ok := strings.CutSuffix(bare, s); ok {
			bare, u.possessive = rest, s
		}
	}
	u.plain = plain(bare)
	u.sounds = c.sounds(u.plain)
	return u
}

// find returns the term that the first n words stand for, or n = 0.
func (c *Corrector) find(said []utterance) (index, n int) {
	best := certain + doubtful + 1
	var sounds []sound
	key := ""
	confidence := 1.0
	for k := 1; k <= min(c.longest, len(said)); k++ {
		u := said[k-1]
		if u.plain == "" {
			break
		}
		sounds = append(sounds, u.sounds...)
		if k > 1 {
			key += " "
		}
		key += u.plain
		if u.confidence > 0 {
			confidence = min(confidence, u.confidence)
		}
		if i, ok := c.heard[key]; ok {
			// What was listed wins over what merely sounds alike.
			index, n, best = i, k, -1
		} else if best >= 0 {
			limit := certain + doubtful*(1-confidence)
			for i := range c.terms {
				if d := c.compare(&c.terms[i], sounds, k, limit); d <= limit && d < best {
					index, n, best = i, k, d
				}
			}
		}
		if u.after != "" || u.possessive != "" {
			break // a name does not go across a comma or a full stop
		}
	}
	return index, n
}

// compare is the distance of a term from what was said in k words, or 1 when
// it is out of the question.
func (c *Corrector) compare(t *term, said []sound, k int, limit float64) float64 {
	if t.consonants < fewest || k > t.words+extraWords || len(said) == 0 {
		return 1
	}
	if first := replaceCost(t.sounds[0], said[0]); first > costVowel {
		return 1
	}
	spread := syllables(t.sounds) - syllables(said)
	if spread*spread > 1 || spread != 0 && len(t.sounds) < lengthy && limit < certain+doubtful/2 {
		return 1
	}
	return distance(t.sounds, said, limit)
}

func syllables(s []sound) int {
	n := 0
	for i := range s {
		if s[i].vowel() && (i == 0 || !s[i-1].vowel()) {
			n++
		}
	}
	return n
}

// plain is a word in lower case without what is neither letter nor digit.
func plain(word string) string {
	return strings.Map(func(r rune) rune {
		if other(r) {
			return -1
		}
		return unicode.ToLower(r)
	}, word)
}

func other(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }
