package eval

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"

	"throughline/assist/summary"
	"throughline/event"
	"throughline/nlp"
	"throughline/nlp/corpus"
	"throughline/nlp/intent"
)

// summarise scores the extractive summaries against those that people wrote. Both
// sets are for evaluation only: nothing is fitted to them, and no more than a
// handful of settings of assist/summary was chosen on their development rows.
//
// rouge1, rouge2 and rougeL are F1 against the closest reference, as Lin takes
// several (ROUGE, 2004, §2.1, without jackknifing), and rouge…_mean the mean over
// the references. Beside ours stand the first three turns and the longest one,
// told in the same form.
func (h Harness) summarise(ctx context.Context, q request) (Result, error) {
	reader, err := h.reader(q)
	if err != nil {
		return Result{}, err
	}
	dialogues, err := dialoguesOf(q)
	if err != nil {
		return Result{}, err
	}
	if len(dialogues) == 0 {
		return Result{}, fmt.Errorf("no dialogue to summarise")
	}
	taxonomy, err := intent.Default()
	if err != nil {
		return Result{}, err
	}
	owned, err := intent.Own(ctx, taxonomy, reader, intent.Options{})
	if err != nil {
		return Result{}, err
	}
	s := summariser{
		model: nlp.New(nlp.Parts{Reader: reader, Intents: owned}),
		extract: summary.Extractor{Model: reader.Name(), Like: func(ctx context.Context, texts []string) (mat.Symmetric, error) {
			return nlp.Likeness(ctx, reader, texts)
		}},
	}
	rows := make([]map[string]float64, len(dialogues))
	for i, d := range dialogues {
		told, err := s.tell(ctx, d)
		if err != nil {
			return Result{}, fmt.Errorf("dialogue %s: %w", d.ID, err)
		}
		rows[i] = map[string]float64{"words": float64(len(rougeWords(told)))}
		for suffix, text := range map[string]string{"": told, "_lead3": lead3(d), "_longest": longest(d)} {
			against(rows[i], suffix, text, d.Summaries)
		}
	}
	r := Result{N: len(dialogues)}
	r.Metrics, r.CI = intervals(len(rows), func(drawn []int) map[string]float64 {
		out := make(map[string]float64, len(rows[0]))
		for name := range rows[0] {
			out[name] = stat.Mean(pick(drawn, func(i int) float64 { return rows[i][name] }), nil)
		}
		return out
	})
	return named(r, reader), nil
}

func dialoguesOf(q request) ([]corpus.Dialogue, error) {
	folder, held := cmp.Or(q.test, q.data), q.test != ""
	if q.set == "tweetsumm" {
		if held {
			return corpus.TweetSumm(filepath.Join(folder, "test.jsonl.gz"))
		}
		return corpus.TweetSumm(filepath.Join(folder, "valid.jsonl.gz"))
	}
	if held {
		return corpus.DialogSum(filepath.Join(folder, "dialogsum.test.jsonl"))
	}
	return corpus.DialogSum(filepath.Join(folder, "dialogsum.dev.jsonl"))
}

// against adds the scores of a text to a row.
func against(row map[string]float64, suffix, text string, references []string) {
	said := rougeWords(text)
	var ones, twos, longests []float64
	for _, ref := range references {
		one, two, longest := rouge(said, rougeWords(ref))
		ones, twos, longests = append(ones, one), append(twos, two), append(longests, longest)
	}
	for name, all := range map[string][]float64{"rouge1": ones, "rouge2": twos, "rougeL": longests} {
		row[name+suffix] = slices.Max(all)
		if suffix == "" {
			row[name+"_mean"] = stat.Mean(all, nil)
		}
	}
}

// summariser makes of a dialogue what the product makes of an interaction.
type summariser struct {
	model   *nlp.Model
	extract summary.Extractor
}

func (s summariser) tell(ctx context.Context, d corpus.Dialogue) (string, error) {
	var before nlp.Before
	c := summary.Conversation{ID: d.ID}
	of := make(map[string]corpus.Line)
	for i, l := range d.Lines {
		t := event.Turn{ID: fmt.Sprint(i), Kind: event.Text, Text: l.Text, At: time.Unix(int64(i), 0)}
		switch {
		case l.Customer:
			t.Role = event.Customer
		case l.Agent:
			t.Role = event.Agent
		}
		f, err := s.model.Features(ctx, t, before)
		if err != nil {
			return "", err
		}
		before = nlp.BeforeOf(t)
		c.Turns, of[t.ID] = append(c.Turns, f), l
	}
	told, err := s.extract.Summarise(ctx, c)
	if err != nil {
		return "", err
	}
	lines := make([]corpus.Line, 0, len(told.Sentences))
	for _, one := range told.InOrder() {
		l := of[one.Turn]
		l.Text = one.Text
		lines = append(lines, l)
	}
	return render(lines), nil
}

// render tells lines as summaries tell sentences, each after who speaks: the
// sides of the set where it does not say which of them is the customer.
func render(lines []corpus.Line) string {
	var b strings.Builder
	for i, l := range lines {
		speaker := l.Speaker
		switch {
		case l.Customer:
			speaker = "Customer"
		case l.Agent:
			speaker = "Agent"
		}
		if i == 0 || l.Speaker != lines[i-1].Speaker {
			fmt.Fprintf(&b, "%s: ", speaker)
		}
		b.WriteString(l.Text + " ")
	}
	return b.String()
}

func lead3(d corpus.Dialogue) string { return render(d.Lines[:min(3, len(d.Lines))]) }

func longest(d corpus.Dialogue) string {
	return render([]corpus.Line{slices.MaxFunc(d.Lines, func(a, b corpus.Line) int { return cmp.Compare(len(a.Text), len(b.Text)) })})
}
