package vocabulary

import "strings"

// A sound is one phoneme, roughly: a consonant in the notation of Metaphone
// (Philips 1990; '0' is th, 'X' is sh or ch), or one of five vowels in lower
// case.
type sound byte

func (s sound) vowel() bool { return s >= 'a' && s <= 'z' }

// rule turns letters into sounds.
type rule struct {
	letters string
	sounds  string
}

// rules are tried in order at each letter; the longest come first. They are
// the few regularities of English spelling that recognisers stumble over.
func rules() []rule {
	return []rule{
		{"ough", "u"}, {"eigh", "a"}, {"augh", "o"}, {"tion", "Xn"}, {"sion", "Xn"},
		{"igh", "i"}, {"tch", "X"}, {"sch", "SK"}, {"eau", "o"}, {"oul", "u"},
		{"th", "0"}, {"ph", "F"}, {"sh", "X"}, {"ch", "X"}, {"ck", "K"}, {"qu", "KW"}, {"gh", "K"},
		{"kn", "N"}, {"wr", "R"}, {"wh", "W"}, {"ng", "N"}, {"dg", "J"},
		{"ee", "i"}, {"ea", "i"}, {"ie", "i"}, {"ei", "i"}, {"oo", "u"}, {"ou", "u"}, {"ew", "u"}, {"ue", "u"}, {"ui", "u"},
		{"ai", "a"}, {"ay", "a"}, {"au", "o"}, {"aw", "o"}, {"oa", "o"}, {"ow", "o"}, {"oi", "o"}, {"oy", "o"}, {"oe", "o"}, {"ey", "i"}, {"uy", "i"},
		{"a", "a"}, {"e", "e"}, {"i", "i"}, {"o", "o"}, {"u", "u"},
		{"b", "B"}, {"d", "D"}, {"f", "F"}, {"h", "H"}, {"j", "J"}, {"k", "K"}, {"l", "L"}, {"m", "M"}, {"n", "N"},
		{"p", "P"}, {"r", "R"}, {"s", "S"}, {"t", "T"}, {"v", "V"}, {"w", "W"}, {"x", "KS"}, {"z", "S"},
	}
}

// sounds spells one word in sounds. Digits and letters beyond a to z stand for
// themselves.
func (c *Corrector) sounds(word string) []sound {
	var out []sound
	add := func(s sound) {
		// Double letters and vowels that run together are one sound.
		if len(out) == 0 || out[len(out)-1] != s {
			out = append(out, s)
		}
	}
	for at := 0; at < len(word); {
		rest := word[at:]
		soft := len(rest) > 1 && strings.IndexByte("eiy", rest[1]) >= 0
		switch {
		case rest == "e" && len(out) > 1:
			return out // silent at the end
		case rest[0] == 'c' && !strings.HasPrefix(rest, "ch") && !strings.HasPrefix(rest, "ck"):
			if soft {
				add('S')
			} else {
				add('K')
			}
			at++
			continue
		case rest[0] == 'g' && !strings.HasPrefix(rest, "gh"):
			if soft {
				add('J')
			} else {
				add('K')
			}
			at++
			continue
		case rest[0] == 'y':
			if len(out) == 0 {
				add('Y')
			} else {
				add('i')
			}
			at++
			continue
		}
		n := 1
		for _, r := range c.rules {
			if strings.HasPrefix(rest, r.letters) {
				n = len(r.letters)
				for i := range r.sounds {
					add(sound(r.sounds[i]))
				}
				break
			}
		}
		if n == 1 && (rest[0] < 'a' || rest[0] > 'z') {
			add(sound(rest[0]))
		}
		at += n
	}
	return out
}

// The costs of an alignment of sounds. A pair that recognisers mix up costs
// less than one that they tell apart.
const (
	costVowel   = 0.5 // one vowel for another
	costNear    = 0.4 // a consonant for its sibling
	costFar     = 1.0
	costWeak    = 0.5 // a vowel, h, w, y or r added or lost
	costMissing = 1.0 // another consonant added or lost
)

func replaceCost(a, b sound) float64 {
	switch {
	case a == b:
		return 0
	case a.vowel() && b.vowel():
		return costVowel
	case a.vowel() != b.vowel():
		return costFar
	}
	for _, siblings := range []string{"BP", "DT0", "KJ", "SX", "FV", "MN", "JX", "0F", "VW", "LR"} {
		if strings.IndexByte(siblings, byte(a)) >= 0 && strings.IndexByte(siblings, byte(b)) >= 0 {
			return costNear
		}
	}
	return costFar
}

func loseCost(s sound) float64 {
	if s.vowel() || strings.IndexByte("HWYR", byte(s)) >= 0 {
		return costWeak
	}
	return costMissing
}

// distance is the cost of the cheapest alignment, for each sound of the longer
// side. It gives up, with 1, when the cost passes most.
func distance(a, b []sound, most float64) float64 {
	longer := float64(max(len(a), len(b)))
	row := make([]float64, len(b)+1)
	for j, s := range b {
		row[j+1] = row[j] + loseCost(s)
	}
	for _, s := range a {
		diagonal := row[0]
		row[0] += loseCost(s)
		least := row[0]
		for j, t := range b {
			cost := min(diagonal+replaceCost(s, t), row[j+1]+loseCost(s), row[j]+loseCost(t))
			diagonal, row[j+1] = row[j+1], cost
			least = min(least, cost)
		}
		if least > most*longer {
			return 1
		}
	}
	return row[len(b)] / longer
}
