package category

import (
	"strings"
	"unicode"
	"unicode/utf8"

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

// says tells whether phrase stands in text as whole words, whatever the case.
func says(text, phrase string) bool {
	text, phrase = strings.ToLower(text), strings.ToLower(strings.TrimSpace(phrase))
	if phrase == "" {
		return false
	}
	for from := 0; ; {
		at := strings.Index(text[from:], phrase)
		if at < 0 {
			return false
		}
		start, end := from+at, from+at+len(phrase)
		before, _ := utf8.DecodeLastRuneInString(text[:start])
		after, _ := utf8.DecodeRuneInString(text[end:])
		if !wordy(before) && !wordy(after) {
			return true
		}
		from = start + 1
	}
}

func wordy(r rune) bool {
	return r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r))
}
