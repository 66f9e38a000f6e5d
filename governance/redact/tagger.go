package redact

import (
	"bytes"
	"compress/gzip"
	_ "embed" // the weights
	"io"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// The tagger is a linear model over hashed features of a word and its
// neighbours, trained by an averaged perceptron (Collins 2002) and decoded by
// Viterbi. docs/redaction.md says on what it was trained and how well it does.

// tagged are its types; tag 2k+1 begins one, 2k+2 goes on with it, 0 is none.
var tagged = [...]Type{Person, Organization, Place, Address, Zip, Title, Age, Group, DateTime}

const (
	outside = 0
	tags    = 2*len(tagged) + 1
	rows    = 1 << 16 // of hashed features
)

type weights struct {
	row  [rows][tags]int8
	next [tags + 1][tags]int8 // from a tag (last: the beginning) to a tag
}

//go:embed tagger.gz
var packed []byte

// model unpacks the weights, once, when the first text asks for names.
var model = sync.OnceValue(func() *weights { return unpack(packed) })

func unpack(packed []byte) *weights {
	m := new(weights)
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return m // an empty model finds nothing; a test checks what is embedded
	}
	raw, err := io.ReadAll(z)
	if err != nil || len(raw) != (rows+tags+1)*tags {
		return m
	}
	for i := range m.row {
		for k := range m.row[i] {
			m.row[i][k] = int8(raw[i*tags+k])
		}
	}
	raw = raw[rows*tags:]
	for i := range m.next {
		for k := range m.next[i] {
			m.next[i][k] = int8(raw[i*tags+k])
		}
	}
	return m
}

// tag gives each token its tag.
func (m *weights) tag(t *text) []int {
	scores := make([][tags]int32, len(t.tokens))
	f := newFeatures(t)
	for i := range scores {
		for _, h := range f.of(i) {
			for k, w := range m.row[h] {
				scores[i][k] += int32(w)
			}
		}
		for k := range scores[i] {
			if t.barred(i, k) {
				scores[i][k] = impossible
			}
		}
	}
	return viterbi(scores, func(from, to int) int32 { return int32(m.next[from][to]) })
}

// barred tells whether a name of tag k cannot go on over what stands before
// token i: people's names hold no commas, and nothing but addresses holds a new
// line.
func (t *text) barred(i, k int) bool {
	if k == 0 || k%2 == 1 || i == 0 || tagged[(k-1)/2] == Address {
		return false
	}
	g := t.gap(i)
	return tagged[(k-1)/2] != DateTime && strings.ContainsAny(g, "\n:\"(") || tagged[(k-1)/2] != Organization && tagged[(k-1)/2] != DateTime && strings.ContainsAny(g, ",;")
}

// impossible is the score of what cannot be.
const impossible = -1 << 24

// viterbi finds the best row of tags in which nothing goes on that has not begun.
func viterbi[N int32 | float64](scores [][tags]N, next func(from, to int) N) []int {
	n := len(scores)
	best := make([]int, n)
	if n == 0 {
		return best
	}
	back := make([][tags]int8, n)
	var old [tags]N
	for k := range old {
		old[k] = scores[0][k] + next(tags, k)
		if k > 0 && k%2 == 0 {
			old[k] = impossible
		}
	}
	for i := 1; i < n; i++ {
		var now [tags]N
		for k := range now {
			now[k] = impossible
			for j := range old {
				if k > 0 && k%2 == 0 && j != k && j != k-1 {
					continue
				}
				if s := old[j] + next(j, k); s > now[k] {
					now[k], back[i][k] = s, int8(j)
				}
			}
			now[k] += scores[i][k]
		}
		old = now
	}
	last := 0
	for k := range old {
		if old[k] > old[last] {
			last = k
		}
	}
	for i := n - 1; i >= 0; i-- {
		best[i] = last
		last = int(back[i][last])
	}
	return best
}

// features describes tokens. Words are folded to lower case; how they are
// written is a feature of its own.
type features struct {
	t     *text
	words []string
	looks []string
	block string // the text is set like a letter's address
	out   []uint32
}

func newFeatures(t *text) *features {
	f := &features{t: t, words: make([]string, len(t.tokens)), looks: make([]string, len(t.tokens))}
	for i := range t.tokens {
		w := t.of(i)
		f.words[i] = strings.TrimSuffix(strings.ToLower(w), "'s")
		f.looks[i] = look(w, t.tokens[i].numeral)
	}
	f.block = block(t.s)
	return f
}

// block tells whether s begins with a short line and goes on in several: a name
// over an address, each on its line.
func block(s string) string {
	first, _, more := strings.Cut(s, "\n")
	switch lines := strings.Count(s, "\n"); {
	case !more || strings.Contains(first, ":") || len(strings.Fields(first)) > 6:
		return "prose"
	case lines >= 4:
		return "block"
	default:
		return "lines"
	}
}

// look is the shape of a word: "Xx", "XX", "xx", "X", "d4".
func look(w string, numeral bool) string {
	if numeral {
		if len(w) > 6 {
			return "d+"
		}
		return "d" + string(rune('0'+len(w)))
	}
	upper, lower, n := 0, 0, 0
	for _, r := range w {
		n++
		if unicode.IsUpper(r) {
			upper++
		} else if unicode.IsLower(r) {
			lower++
		}
	}
	first, _ := utf8.DecodeRuneInString(w)
	switch {
	case n == 1 && upper == 1:
		return "X"
	case upper == n:
		return "XX"
	case lower == n:
		return "xx"
	case unicode.IsUpper(first) && upper > 1:
		return "XxX"
	case unicode.IsUpper(first):
		return "Xx"
	default:
		return "?"
	}
}

func (f *features) at(words []string, i int) string {
	switch {
	case i < 0:
		return "<"
	case i >= len(words):
		return ">"
	default:
		return words[i]
	}
}

// sign is what stands before token i, in one or two characters.
func (f *features) sign(i int) string {
	if i >= len(f.t.tokens) {
		return strings.TrimSpace(cut(f.t.rest(len(f.t.tokens)-1), 2))
	}
	g := f.t.gap(i)
	switch {
	case g == " ":
		return "_"
	case strings.Contains(g, "\n"):
		return "/"
	default:
		return cut(g, 3)
	}
}

func cut(s string, n int) string { return s[:min(n, len(s))] }

func end(s string, n int) string { return s[max(0, len(s)-n):] }

// of lists the rows of the features of token i; the slice is reused.
func (f *features) of(i int) []uint32 {
	f.out = f.out[:0]
	w, l := f.words[i], f.looks[i]
	p1, p2, n1, n2 := f.at(f.words, i-1), f.at(f.words, i-2), f.at(f.words, i+1), f.at(f.words, i+2)
	lp, ln, lp2, ln2 := f.at(f.looks, i-1), f.at(f.looks, i+1), f.at(f.looks, i-2), f.at(f.looks, i+2)
	sb, sa := f.sign(i), f.sign(i+1)
	f.add("b", "", "")
	f.add("w", w, "")
	f.add("wl", w, l)
	f.add("l", l, "")
	f.add("s3", end(w, 3), l)
	f.add("s4", end(w, 4), "")
	f.add("s2", end(w, 2), l)
	f.add("p3", cut(w, 3), l)
	f.add("p1", p1, l)
	f.add("n1", n1, l)
	f.add("p2", p2, l)
	f.add("n2", n2, l)
	f.add("pp", p2+" "+p1, l)
	f.add("nn", n1+" "+n2, l)
	f.add("pn", p1+" "+n1, l)
	f.add("lp", lp, l)
	f.add("ln", ln, l)
	f.add("lpn", lp+ln, l)
	f.add("lpp", lp2+lp, l)
	f.add("lnn", ln+ln2, l)
	f.add("sb", sb, l)
	f.add("sa", sa, l)
	f.add("sbp", sb+p1, "")
	f.add("san", sa+n1, "")
	f.add("sl", sb+lp+"·"+sa+ln, l)
	f.add("pw", p1, w)
	f.add("nw", w, n1)
	f.add("bk", f.block, l+sb)
	f.add("bw", f.block, w)
	f.add("bn", f.block+sb, lp+l+ln)
	if i == 0 {
		f.add("first", l, ln)
	}
	if g := gazetteer(w); g != "" {
		f.add("g", g, "")
		f.add("gl", g, l)
	}
	if g := gazetteer(p1); g != "" {
		f.add("gp", g, l)
	}
	if g := gazetteer(n1); g != "" {
		f.add("gn", g, l)
	}
	return f.out
}

// add hashes a feature (FNV-1a) into its row.
func (f *features) add(name, a, b string) {
	h := uint32(2166136261)
	for _, s := range [...]string{name, a, b} {
		for i := range len(s) {
			h = (h ^ uint32(s[i])) * 16777619
		}
		h = (h ^ 1) * 16777619
	}
	f.out = append(f.out, (h^h>>16)%rows)
}
