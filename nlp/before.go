package nlp

import (
	"strings"
	"sync"
	"unicode"

	"throughline/event"
)

// Before is what the other side did just before a turn. It holds no words.
type Before struct {
	Apologised bool
	Asked      bool
}

// BeforeOf tells what a turn of the agent or bot did.
func BeforeOf(t event.Turn) Before {
	if !Readable(t) {
		return Before{}
	}
	text := strings.ToLower(head(t.Text))
	var b Before
	b.Asked = strings.ContainsAny(text, "?؟")
	for _, sorry := range [...]string{"sorry", "apolog", "forgive", "lo siento", "disculp", "perdón", "desculp", "lament",
		"désolé", "excus", "entschuldig", "tut mir leid", "scus", "mi dispiace"} {
		if strings.Contains(text, sorry) {
			b.Apologised = true
		}
	}
	return b
}

// head is as much of a text as decides what a turn does.
func head(text string) string { return text[:min(len(text), 600)] }

// settledAtMost is how many words an answer may have to be a mere answer.
const settledAtMost = 7

// settles tells whether a turn is a short "no" that is the answer it is: after an
// apology or a question, "no, that's fine" and a bare "no" are not ill will. Every
// word must be one that such answers are made of: "no, nothing works" is another.
func (b Before) settles(t event.Turn) bool {
	if !b.Apologised && !b.Asked || t.Role != event.Customer || len(t.Text) > 80 {
		return false
	}
	words := strings.FieldsFunc(strings.ToLower(t.Text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsMark(r) })
	if len(words) == 0 || len(words) > settledAtMost || !refuses(words[0]) {
		return false
	}
	settled := len(words) == 1
	for i, w := range words[1:] {
		switch {
		case contents(w) && (w != "good" || i > 0): // "no good" is a judgement
			settled = true
		case !fills(w):
			return false
		}
	}
	return settled
}

// settle moves seven tenths of the negative probability of a mere answer to neutral.
func settle(s event.Sentiment) event.Sentiment {
	moved := 0.7 * s.Negative
	return SentimentOf(s.Negative-moved, s.Neutral+moved, s.Positive)
}

// unkind tells the emotions that a mere answer does not show, and their groups.
func unkind(l event.Label) bool {
	switch EkmanGroup(l.Name) {
	case "anger", "disgust", "fear", "sadness":
		return true
	}
	return false
}

func refuses(w string) bool {
	switch w {
	case "no", "nope", "nah", "não", "nao", "non", "nein", "nee":
		return true
	}
	return false
}

// contents tells the words that say nothing more is wanted.
func contents(w string) bool {
	switch w {
	case "fine", "ok", "okay", "good", "great", "perfect", "alright", "right", "nothing", "worries", "problem", "thanks", "thank", "need", "all", "cheers",
		"bien", "nada", "gracias", "problema", "tranquilo", "tranquila", "todo", "bem", "só", "obrigado", "obrigada", "tudo",
		"merci", "rien", "grave", "tout", "bon", "va", "danke", "gut", "alles", "nichts", "passt",
		"bene", "grazie", "niente", "basta", "tutto":
		return true
	}
	return false
}

// fills tells the words that stand between them.
func fills(w string) bool {
	switch w {
	case "that", "s", "is", "it", "its", "thats", "i", "m", "im", "am", "we", "re", "you", "are", "ll", "be", "do", "don", "t", "any", "more", "else",
		"really", "for", "now", "the", "moment", "today", "then", "so", "just", "very", "much", "at", "no", "to", "worry", "about",
		"está", "esta", "eso", "es", "era", "muy", "muchas", "hay", "por", "ahora", "más", "mas", "isso", "é", "muito", "agora", "obg",
		"c", "est", "ça", "ca", "pas", "de", "beaucoup", "ce", "pour", "plus",
		"das", "war", "ist", "schon", "vielen", "dank", "mehr", "weiter", "kein",
		"è", "così", "cosi", "a", "posto", "altro", "molte":
		return true
	}
	return false
}

// rememberAtMost is how many interactions are remembered; the oldest go first.
const rememberAtMost = 20_000

// recent remembers what was last done to the customer in each interaction.
type recent struct {
	mu    sync.Mutex
	of    map[string]Before
	order []string
	next  int
}

func newRecent() *recent { return &recent{of: make(map[string]Before)} }

func (r *recent) before(interaction string) Before {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.of[interaction]
}

// see takes a turn in. The customer's own turn uses up what came before it.
func (r *recent) see(t event.Turn) {
	if t.Role == event.System { // nobody said it
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	_, known := r.of[t.Interaction]
	if t.Role != event.Agent && t.Role != event.Bot {
		if known {
			r.of[t.Interaction] = Before{}
		}
		return
	}
	r.of[t.Interaction] = BeforeOf(t)
	if known {
		return
	}
	if len(r.order) < rememberAtMost {
		r.order = append(r.order, t.Interaction)
		return
	}
	delete(r.of, r.order[r.next])
	r.order[r.next] = t.Interaction
	r.next = (r.next + 1) % rememberAtMost
}
