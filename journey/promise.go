package journey

import (
	"slices"
	"strings"
)

// promise is something that a centre commits itself to.
type promise struct {
	about string
	verbs string // after "will": what the centre does, or what will be done
}

var promiseTable = [...]promise{
	{"call back", "call|ring|phone|give you a call|be called"},
	{"refund", "refund|reimburse|credit|pay you back|pay back|be refunded|be credited|be reimbursed|receive your refund|get your money back|receive the refund|get your refund|see the refund"},
	{"replacement", "replace|be replaced|send you a new|send a new|send you another|send out a new|send a replacement|send you a replacement|ship a replacement"},
	{"delivery", "deliver|be delivered|ship|be shipped|be dispatched|arrive"},
	{"send", "send|be sent|email|e mail|forward|text|post|receive an email|receive a confirmation|get an email|get a confirmation"},
	{"update", "get back to|let you know|update you|keep you|follow up|contact|be in touch|be contacted|hear from us|inform|come back to"},
	{"escalation", "escalate|pass this|pass it|hand this|raise this|raise it|raise a|speak to my manager|speak with my manager"},
	{"technician", "send a technician|send an engineer|send someone|book an engineer|schedule a technician|visit|come out"},
	{"fix", "fix|repair|resolve|sort this|sort it|take care of|correct|look into|investigate|check on"},
	{"cancellation", "cancel|be cancelled|be canceled|close your|close the"},
	{"price", "waive|remove the fee|remove the charge|take off|take it off|apply a discount|apply the discount|match the"},
}

// The words that stand before a promised deed: who does it, and that it will be
// done. "You will" promises only what comes to the customer.
const (
	committing = "i will|ill|we will|well|i am going to|im going to|we are going to|were going to|i can promise|i promise to|we promise to|someone will|somebody will|a colleague will|my colleague will|our team will|the team will|my manager will|a supervisor will|our engineer will|an engineer will|a technician will|the technician will|it will|they will|you will|youll|your refund will|the refund will|your order will|your parcel will|your money will|your replacement will|the amount will|money will|let me"
	softly     = "also|then|now|personally|definitely|certainly|make sure to|be sure to|just|of course|gladly|go ahead and|have|be able to|try to"
)

// promises names what a sentence commits the centre to. A question or a "not"
// promises nothing.
func promises(sentence string) []string {
	if strings.Contains(sentence, "?") {
		return nil
	}
	words := phrase(sentence)
	var out []string
	for commit := range strings.SplitSeq(committing, "|") {
		for rest := words; ; {
			after, found := cutWords(rest, commit)
			if !found {
				break
			}
			rest = after
			if about := deed(pastSoft(rest), commit); about != "" && !slices.Contains(out, about) {
				out = append(out, about)
			}
		}
	}
	slices.Sort(out)
	return out
}

// pastSoft leaves out the words that may stand before the deed.
func pastSoft(words string) string {
	for again := true; again; {
		again = false
		for soft := range strings.SplitSeq(softly, "|") {
			if rest, does := beginsWith(words, soft); does {
				words, again = rest, true
			}
		}
	}
	return words
}

// deed is what the words after a commitment promise, by the longest of the
// table's verbs that they begin with.
func deed(words, commit string) string {
	about, longest := "", 0
	for _, p := range promiseTable {
		for verb := range strings.SplitSeq(p.verbs, "|") {
			if _, does := beginsWith(words, verb); !does || len(verb) <= longest {
				continue
			}
			// What the customer does is promised only where it is something done
			// to or for them; "let me" only where it is a step up.
			if (commit == "you will" || commit == "youll") && !passive(verb) || commit == "let me" && p.about != "escalation" {
				continue
			}
			about, longest = p.about, len(verb)
		}
	}
	return about
}

func passive(verb string) bool {
	for _, p := range []string{"be ", "receive", "get ", "hear from", "see the"} {
		if strings.HasPrefix(verb, p) {
			return true
		}
	}
	return false
}
