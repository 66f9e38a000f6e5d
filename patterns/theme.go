package patterns

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"gonum.org/v1/gonum/mathext"

	"throughline/event"
)

// Embed turns a text into its meaning.
type Embed func(ctx context.Context, text string) (Vector, error)

// said is a row of QueryTurns or QueryExamples.
type said struct {
	ID          string
	Interaction string
	At          time.Time
	Text        string
	Of          int // turns that the sample was drawn from
}

// Example is a turn that shows what is meant; its words are cleared ones.
type Example struct {
	Turn        string    `json:"turn"`
	Interaction string    `json:"interaction"`
	At          time.Time `json:"at"`
	Text        string    `json:"text"`
}

func (s said) example() Example {
	return Example{Turn: s.ID, Interaction: s.Interaction, At: s.At, Text: s.Text}
}

// theme is a group of turns that no intent explains.
type theme struct {
	members      []int
	words        []string // what tells it from the rest, best first
	interactions [2]int   // that speak of it: before, and in the window
	first, last  time.Time
	p            float64
	examples     []said
}

// themes groups turns by meaning, the weeks before and the window together and
// without knowing which is which, and then asks of each group whether the window
// has more than its share: all are the interactions of either side. The groups
// that the window has nothing of are left out.
func themes(turns []said, vectors []Vector, since time.Time, all [2]float64, least int) []theme {
	texts := make([]string, len(turns))
	for i, t := range turns {
		texts[i] = t.Text
	}
	members := map[int][]int{}
	for i, g := range groups(vectors, least) {
		if g >= 0 {
			members[g] = append(members[g], i)
		}
	}
	var out []theme
	for _, group := range members {
		t := theme{members: group, words: name(group, texts, len(members), 5), examples: central(group, vectors, turns, since)}
		seen := [2]map[string]bool{{}, {}}
		for _, i := range group {
			at, side := turns[i].At, 0
			if !at.Before(since) {
				side = 1
				if t.first.IsZero() || at.Before(t.first) {
					t.first = at
				}
				t.last = later(t.last, at)
			}
			seen[side][turns[i].Interaction] = true
		}
		if t.interactions = [2]int{len(seen[0]), len(seen[1])}; t.interactions[1] == 0 {
			continue
		}
		t.p = atLeast(t.interactions[1], t.interactions[0]+t.interactions[1], all[1]/(all[0]+all[1]))
		out = append(out, t)
	}
	slices.SortFunc(out, func(a, b theme) int { return cmp.Or(cmp.Compare(a.p, b.p), a.first.Compare(b.first)) })
	return out
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// atLeast is the probability of k or more of n where each is one with
// probability p: the exact test of a rate against the one before, given how many
// there were in all (Przyborowski and Wilenski 1940).
func atLeast(k, n int, p float64) float64 {
	switch {
	case k <= 0:
		return 1
	case p <= 0:
		return 0
	case p >= 1:
		return 1
	}
	return mathext.RegIncBeta(float64(k), float64(n-k+1), p)
}

// examples of each finding.
const examples = 5

// central are the turns of the window that are most like all of their group,
// one an interaction.
func central(members []int, vectors []Vector, turns []said, since time.Time) []said {
	group := make([]Vector, len(members))
	for i, m := range members {
		group[i] = vectors[m]
	}
	away, far := distances(group), map[int]float64{}
	for i, m := range members {
		for j := range members {
			far[m] += float64(away[i*len(members)+j])
		}
	}
	late := slices.DeleteFunc(slices.Clone(members), func(m int) bool { return turns[m].At.Before(since) })
	slices.SortFunc(late, func(a, b int) int { return cmp.Or(cmp.Compare(far[a], far[b]), cmp.Compare(turns[a].ID, turns[b].ID)) })
	var out []said
	known := map[string]bool{}
	for _, m := range late {
		if t := turns[m]; !known[t.Interaction] && len(out) < examples {
			known[t.Interaction] = true
			out = append(out, t)
		}
	}
	return out
}

// found is t as it is reported.
func (t theme) found(tenant string, all [2]float64) Found {
	subject := cmp.Or(strings.Join(t.words, " "), "unnamed")
	alike := slices.Sorted(slices.Values(t.words[:min(len(t.words), 2)])) // the rest moves as more is said
	seen := [2]float64{float64(t.interactions[0]), float64(t.interactions[1])}
	out := Found{Pattern: event.Pattern{
		ID:     event.ID("p", tenant, string(event.PatternTheme), strings.Join(alike, " "), t.first.Format(time.DateOnly)),
		Tenant: tenant, Kind: event.PatternTheme, Subject: subject, Direction: "rising", At: t.first, Earliest: t.first, Latest: t.last,
		Before: seen[0] / all[0], After: seen[1] / all[1], Interactions: [2]int{int(all[0]), int(all[1])}, P: t.p,
	}}
	if t.interactions[0] == 0 {
		out.Direction = "new"
	}
	out.Effect, out.Low, out.High = ratioOf(seen, all, 1)
	for _, e := range t.examples {
		out.Shown = append(out.Shown, e.example())
		out.Examples = append(out.Examples, e.ID)
	}
	return out
}
