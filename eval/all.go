package eval

import (
	"context"
	"flag"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"throughline/nlp/corpus"
)

// figure is one line of docs/accuracy.md: what is measured, and what others
// published for the same test split.
type figure struct {
	task, set, metric string
	shots             int
	published         string
}

func figures() []figure {
	return []figure{
		{"intents", "clinc150", "accuracy", 0, "BERT 0.969, SVM 0.910, FastText 0.890 (Larson et al., EMNLP 2019)"},
		{"intents", "clinc150", "oos_recall", 0, "BERT 0.403 (the same)"},
		{"intents", "clinc150", "accuracy_without_threshold", 10, ""},
		{"intents", "banking77", "accuracy", 0, "USE+ConveRT 0.934 (Casanueva et al., 2020)"},
		{"intents", "banking77", "accuracy", 10, "USE+ConveRT 0.852 (the same)"},
		{"intents", "banking77_oos", "accuracy", 0, ""},
		{"intents", "banking77_oos", "oos_recall", 0, ""},
		{"intents", "hwu64", "accuracy", 0, ""},
		{"intents", "hwu64", "accuracy", 10, ""},
		{"intents", "nlupp", "f1", 0, ""},
		{"intents", "dstc11_natcs", "accuracy", 0, ""},
		{"sentiment", "us_airline_sentiment", "macro_f1", 0, ""},
		{"sentiment", "umsab", "macro_f1", 0, "FastText 0.510, XLM-R 0.648, XLM-T 0.694 (Barbieri et al., LREC 2022)"},
		{"sentiment", "tweeteval", "macro_recall", 0, ""},
		{"sentiment", "meld", "macro_f1", 0, ""},
		{"emotion", "goemotions", "macro_f1", 0, "BERT 0.46, with neutral (Demszky et al., ACL 2020)"},
		{"emotion", "goemotions", "macro_f1_ekman", 0, "BERT 0.64 (the same)"},
		{"pii", "presidio_pii", "f1", 0, ""},
		{"satisfaction", "uss", "spearman", 0, ""},
		{"satisfaction", "uss", "f1", 0, ""},
		{"satisfaction", "uss", "uar", 0, ""},
		{"satisfaction", "uss", "spearman_before", 0, ""},
		{"satisfaction", "uss", "f1_before", 0, ""},
		{"satisfaction", "uss", "uar_before", 0, ""},
		{"satisfaction", "uss", "spearman_words", 0, ""},
		{"satisfaction", "uss", "f1_words", 0, ""},
		{"satisfaction", "uss", "uar_words", 0, ""},
		{"satisfaction", "uss", "spearman_shipped", 0, ""},
		{"satisfaction", "twacs", "spearman", 0, ""},
		{"satisfaction", "twacs", "f1", 0, ""},
		{"satisfaction", "twacs", "spearman_shipped", 0, ""},
		{"summary", "tweetsumm", "rouge1", 0, ""},
		{"summary", "tweetsumm", "rouge1_lead3", 0, ""},
		{"summary", "tweetsumm", "rouge2", 0, ""},
		{"summary", "tweetsumm", "rougeL", 0, ""},
		{"summary", "tweetsumm", "rougeL_lead3", 0, ""},
		{"summary", "dialogsum", "rouge1", 0, ""},
		{"summary", "dialogsum", "rouge1_lead3", 0, ""},
		{"summary", "dialogsum", "rouge2", 0, ""},
		{"summary", "dialogsum", "rougeL", 0, ""},
		{"summary", "dialogsum", "rougeL_lead3", 0, ""},
		{"asr", "asr_refs_small", "wer", 0, ""},
		{"asr", "asr_refs_small", "wer_mulaw", 0, ""},
	}
}

// all measures every figure with each model and writes them as Markdown.
func (h Harness) all(ctx context.Context, args []string, w io.Writer) error {
	flags := flag.NewFlagSet("eval all", flag.ContinueOnError)
	flags.SetOutput(w)
	data := flags.String("data", "", "folder that holds the folders of the sets")
	test := flags.String("test", "", "folder that holds the sealed test folders")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *data == "" {
		found, err := corpus.Folder()
		if err != nil {
			return fmt.Errorf("eval all: no --data: %w", err)
		}
		*data = found
	}
	split := "development splits"
	if *test != "" {
		split = "test splits"
	}
	h = h.remembering()
	models, versions := h.openable()
	fmt.Fprintf(w, "# Accuracy\n\nFigures on the %s of public sets, with 95 %% intervals by bootstrap over the rows; made by `throughline eval all`.\n"+
		"Where development rows choose a threshold or teach a head, each part of them is scored by what the others chose.\n"+
		"A † marks a set that the model met in training; what of it stands below. Such figures flatter, those on ten examples above all; where the rows that are scored are named there, the figure means nothing.\n"+
		"Published figures are quoted from the papers named, of the official test splits; they were not measured here.\n\n"+
		"| task | set | metric | n | %s | published |\n|---|---|---|---|%s---|\n",
		split, strings.Join(versions, " | "), strings.Repeat("---|", len(models)))
	done := make(map[request]Result)
	began := time.Now()
	var trained []string
	for _, f := range figures() {
		if _, err := h.task(f.task); err != nil {
			continue // not measurable by this program: no recogniser
		}
		q := request{task: f.task, set: f.set, shots: f.shots, data: filepath.Join(*data, f.set)}
		if *test != "" {
			q.test = filepath.Join(*test, f.set)
		}
		cells, n := make([]string, len(models)), 0
		for i, model := range models {
			if q.model = model; !reads(f.task) {
				if q.model = ""; i > 0 {
					cells[i] = "the same"
					continue
				}
			}
			r, ok := done[q]
			if !ok {
				var err error
				if r, err = h.measure(ctx, q); err != nil {
					return fmt.Errorf("eval %s %s: %w", f.task, f.set, err)
				}
				done[q] = r
			}
			n = r.N
			cells[i] = fmt.Sprintf("%.3f (%.3f–%.3f)", r.Metrics[f.metric], r.CI[f.metric][0], r.CI[f.metric][1])
			if what := seen(r.Model, f.set); what != "" {
				cells[i] += " †"
				if line := fmt.Sprintf("- %s, %s: %s", f.set, r.Model, what); !slices.Contains(trained, line) {
					trained = append(trained, line)
				}
			}
		}
		name := f.set
		if f.shots > 0 {
			name = fmt.Sprintf("%s, %d examples an intent", f.set, f.shots)
		}
		fmt.Fprintf(w, "| %s | %s | %s | %d | %s | %s |\n", f.task, name, f.metric, n, strings.Join(cells, " | "), f.published)
	}
	fmt.Fprintf(w, "\n## † What of a set the models saw in training\n\n%s\n\nMeasured in %.0f s.\n", strings.Join(trained, "\n"), time.Since(began).Seconds())
	return nil
}

// reads tells whether a task's figures depend on the model of texts.
func reads(task string) bool { return task != "pii" && task != "asr" }

// openable are the models that can be opened here, and their names with versions.
// Warnings is told of the others.
func (h Harness) openable() (models, versions []string) {
	for _, model := range h.models() {
		reader, err := h.reader(request{model: model})
		if err == nil {
			models, versions = append(models, model), append(versions, reader.Name())
		} else if h.Warnings != nil {
			fmt.Fprintf(h.Warnings, "model %s cannot be opened and is left out: %v\n", model, err)
		}
	}
	return models, versions
}
