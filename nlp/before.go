package nlp

import (
	"strings"
	"sync"

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

// settle reads a short "no" as the answer it is: after an apology or a question,
// "no, that's fine" and a bare "no" are not ill will. Seven tenths of the
// negative probability go to neutral.
func (b Before) settle(t event.Turn, s event.Sentiment) event.Sentiment {
	if !b.Apologised && !b.Asked || t.Role != event.Customer || len(t.Text) > 80 {
		return s
	}
	words := strings.FieldsFunc(strings.ToLower(t.Text), func(r rune) bool { return strings.ContainsRune(" ,.!;:’'\n\t", r) })
	if len(words) == 0 || len(words) > settledAtMost || !refuses(words[0]) {
		return s
	}
	settled := len(words) == 1
	for _, w := range words[1:] {
		settled = settled || settles(w)
	}
	if !settled {
		return s
	}
	moved := 0.7 * s.Negative
	return SentimentOf(s.Negative-moved, s.Neutral+moved, s.Positive)
}

func refuses(w string) bool {
	switch w {
	case "no", "nope", "nah", "não", "nao", "non", "nein", "nee":
		return true
	}
	return false
}

func settles(w string) bool {
	switch w {
	case "fine", "ok", "okay", "good", "alright", "nothing", "worries", "problem", "thanks", "thank", "need", "all",
		"bien", "nada", "gracias", "problema", "tranquilo", "bem", "só", "obrigado", "obrigada", "merci", "rien", "grave",
		"tout", "danke", "gut", "alles", "nichts", "bene", "grazie", "niente", "basta":
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
