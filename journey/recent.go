package journey

import (
	"cmp"

	"throughline/event"
)

const (
	maxRecent  = 12  // turns that context shows
	maxExcerpt = 160 // bytes of a turn that are kept for context
)

// digest is a turn as context shows it.
func digest(f event.Features) event.TurnDigest {
	t := f.Turn
	d := event.TurnDigest{ID: t.ID, Interaction: t.Interaction, Channel: t.Channel, Role: t.Role, At: t.At, Text: excerpt(t.Text)}
	if f.Sentiment != nil {
		score := f.Sentiment.Score
		d.Score = &score
	}
	if len(f.Intents) > 0 {
		d.Intent = f.Intents[0].Name
	}
	return d
}

// remember puts d into its place among the newest turns.
func remember(recent []event.TurnDigest, d event.TurnDigest) []event.TurnDigest {
	return newest(insert(recent, d, bySaid), maxRecent)
}

func bySaid(a, b event.TurnDigest) int {
	return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.ID, b.ID))
}

func newest[T any](list []T, n int) []T { return list[max(0, len(list)-n):] }

// excerpt cuts text at a character's start.
func excerpt(text string) string {
	if len(text) <= maxExcerpt {
		return text
	}
	cut := maxExcerpt
	for cut > 0 && text[cut]&0xC0 == 0x80 {
		cut--
	}
	return text[:cut] + "…"
}
