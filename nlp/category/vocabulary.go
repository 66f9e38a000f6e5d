package category

import (
	"strings"
	"unicode"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"

	"throughline/event"
)

// vocabulary is what a rule may speak of.
func vocabulary() (*cel.Env, error) {
	probabilities := cel.MapType(cel.StringType, cel.DoubleType)
	return cel.NewEnv(
		cel.Variable("text", cel.StringType),
		cel.Variable("role", cel.StringType),     // customer, agent, bot, system or ""
		cel.Variable("channel", cel.StringType),  // voice, whatsapp, webchat, sms, email
		cel.Variable("language", cel.StringType), // BCP 47
		cel.Variable("tenant", cel.StringType),
		cel.Variable("at", cel.TimestampType),
		cel.Variable("start_ms", cel.IntType),     // of an utterance in its call
		cel.Variable("sentiment", cel.DoubleType), // −1…1; 0 where there is none
		cel.Variable("scored", cel.BoolType),      // whether there is a sentiment
		cel.Variable("intents", probabilities),
		cel.Variable("emotions", probabilities),
		cel.Variable("entities", cel.ListType(cel.StringType)), // types
		cel.Variable("attrs", cel.MapType(cel.StringType, cel.StringType)),
		cel.Variable("likeness", cel.DoubleType), // to the closest sentence of "like", −1…1
		cel.Function("says", cel.MemberOverload("string_says_string",
			[]*cel.Type{cel.StringType, cel.StringType}, cel.BoolType,
			cel.BinaryBinding(func(text, phrase ref.Val) ref.Val {
				t, ok := text.Value().(string)
				p, also := phrase.Value().(string)
				if !ok || !also {
					return types.False
				}
				return types.Bool(says(t, p))
			}))),
	)
}

func variables(f event.Features) map[string]any {
	v := map[string]any{
		"text": f.Turn.Text, "role": string(f.Turn.Role), "channel": string(f.Turn.Channel), "language": f.Language,
		"tenant": f.Turn.Tenant, "at": f.Turn.At, "start_ms": f.Turn.StartMS,
		"sentiment": 0.0, "scored": f.Sentiment != nil, "intents": probabilities(f.Intents), "emotions": probabilities(f.Emotions),
		"attrs": f.Turn.Attrs,
	}
	if f.Sentiment != nil {
		v["sentiment"] = f.Sentiment.Score
	}
	if f.Turn.Attrs == nil {
		v["attrs"] = map[string]string{}
	}
	entities := make([]string, 0, len(f.Entities))
	for _, e := range f.Entities {
		entities = append(entities, e.Type)
	}
	v["entities"] = entities
	return v
}

func probabilities(labels []event.Label) map[string]float64 {
	out := make(map[string]float64, len(labels))
	for _, l := range labels {
		out[l.Name] = l.Probability
	}
	return out
}

// says tells whether the words of phrase stand in text in a row, whatever their
// case and what is between them: as in a policy, so that a rule moved from one to
// the other holds for the same turns.
func says(text, phrase string) bool {
	first, more := word(phrase)
	for first != "" {
		var said string
		if said, text = word(text); said == "" {
			break
		}
		if strings.EqualFold(said, first) && goesOn(text, more) {
			return true
		}
	}
	return false
}

// goesOn tells whether text begins with the words of phrase.
func goesOn(text, phrase string) bool {
	for {
		var want, said string
		if want, phrase = word(phrase); want == "" {
			return true
		}
		if said, text = word(text); !strings.EqualFold(said, want) {
			return false
		}
	}
}

// word takes the first word off a text: letters, digits and marks.
func word(text string) (first, rest string) {
	begin := strings.IndexFunc(text, wordy)
	if begin < 0 {
		return "", ""
	}
	text = text[begin:]
	end := strings.IndexFunc(text, func(r rune) bool { return !wordy(r) })
	if end < 0 {
		return text, ""
	}
	return text[:end], text[end:]
}

func wordy(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r) }
