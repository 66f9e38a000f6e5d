package eval

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"throughline/nlp"
	"throughline/nlp/corpus"
	"throughline/nlp/floor"
)

// Condition is how a recording is spoilt before it is recognised.
type Condition string

// The conditions of speech recognition.
const (
	Clean Condition = ""
	MuLaw Condition = "mulaw" // 8 kHz, G.711 µ-law
	Loss5 Condition = "loss5" // over that, 5 % of 20 ms packets lost, concealed as in a call
	// Burst5 loses as many, four in a row on average.
	Burst5 Condition = "burst5"
)

// Harness holds what can be measured. The zero Harness measures what needs
// no more than the floor model and the redaction rules.
type Harness struct {
	// Readers opens models by name; "floor" is always there.
	Readers map[string]func() (nlp.Reader, error)
	// Preferred is the model that is measured without --model. Where it cannot be
	// opened the floor is measured, and Warnings is told why. "" means the floor.
	Preferred string
	Warnings  io.Writer
	// Recognise transcribes the audio file at path under a condition.
	Recognise        func(ctx context.Context, path string, c Condition) (string, error)
	RecogniseVersion string
}

// Result is what a run prints as its last line.
type Result struct {
	Task    string                `json:"task"`
	Set     string                `json:"set"`
	N       int                   `json:"n"`
	Model   string                `json:"model"`
	Version string                `json:"version"`
	Metrics map[string]float64    `json:"metrics"`
	CI      map[string][2]float64 `json:"ci"` // 95 %, by bootstrap over the test rows
	// Seen says what of the set the model was trained on; "" where it never saw it.
	Seen string `json:"seen,omitempty"`
	// Thresholds are the probabilities from which emotions are reported with the
	// best F1 on the development split.
	Thresholds map[string]float64 `json:"thresholds,omitempty"`
}

// request is what the command line asks for.
type request struct {
	task, set  string
	data, test string
	model      string
	shots      int
	json       bool
}

// Main runs `throughline eval` with the zero Harness.
func Main(ctx context.Context, args []string, stdout io.Writer) error {
	return Harness{}.Main(ctx, args, stdout)
}

// Main reads the command line, measures, and prints.
func (h Harness) Main(ctx context.Context, args []string, stdout io.Writer) error {
	if len(args) > 0 && args[0] == "all" {
		return h.all(ctx, args[1:], stdout)
	}
	q, err := h.parse(args, stdout)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return err
	}
	began := time.Now()
	result, err := h.measure(ctx, q)
	if err != nil {
		return fmt.Errorf("eval %s %s: %w", q.task, q.set, err)
	}
	if !q.json {
		print(stdout, result, time.Since(began))
	}
	line, err := json.Marshal(result)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(stdout, string(line))
	return err
}

const usage = `usage: throughline eval TASK --set NAME [--data DIR] [--test DIR] [options]
       throughline eval all [--data DIR] [--test DIR]    (every set, as Markdown)

Measures a task on a public set. Heads are fitted on DIR of --data alone; --test
holds the sealed test files, and without it the set's development split is scored.

tasks and sets:
`

func (h Harness) parse(args []string, stdout io.Writer) (request, error) {
	var q request
	flags := flag.NewFlagSet("eval", flag.ContinueOnError)
	flags.SetOutput(stdout)
	flags.StringVar(&q.set, "set", "", "name of the set (default: the folder's of --data)")
	flags.StringVar(&q.data, "data", "", "folder of the set (default: shared/data/NAME found above the working directory)")
	flags.StringVar(&q.test, "test", "", "folder of the sealed test files")
	flags.StringVar(&q.model, "model", "", "model: "+strings.Join(h.models(), ", ")+" (default: "+h.preferred()+")")
	flags.IntVar(&q.shots, "shots", 0, "intents: examples an intent to fit on; 0 means all")
	flags.BoolVar(&q.json, "json", false, "print the JSON object only")
	flags.Usage = func() {
		fmt.Fprint(flags.Output(), usage)
		for _, task := range h.tasks() {
			fmt.Fprintf(flags.Output(), "  %-12s %s\n", task.name, strings.Join(task.sets, ", "))
		}
		fmt.Fprintln(flags.Output(), "\noptions:")
		flags.PrintDefaults()
	}
	if len(args) == 0 || args[0] == "-h" || args[0] == "--help" {
		flags.Usage()
		if len(args) == 0 {
			return q, errors.New("eval: no task given")
		}
		return q, flag.ErrHelp
	}
	q.task = args[0]
	flags.SetOutput(io.Discard)
	switch err := flags.Parse(args[1:]); {
	case errors.Is(err, flag.ErrHelp):
		flags.SetOutput(stdout)
		flags.Usage()
		return q, err
	case err != nil:
		return q, fmt.Errorf("eval: %w; throughline eval --help tells more", err)
	}
	if flags.NArg() > 0 {
		return q, fmt.Errorf("eval: %q is no option", flags.Arg(0))
	}
	if q.shots < 0 {
		return q, fmt.Errorf("eval: --shots %d; want 0 or more", q.shots)
	}
	task, err := h.task(q.task)
	if err != nil {
		return q, err
	}
	if name := filepath.Base(filepath.Clean(q.data)); q.set == "" && slices.Contains(task.sets, name) {
		q.set = name
	}
	if q.set == "" {
		return q, fmt.Errorf("eval %s: give --set, or a --data that is called like one: %s", q.task, strings.Join(task.sets, ", "))
	}
	if !slices.Contains(task.sets, q.set) {
		return q, fmt.Errorf("eval %s: --set %q is none of %s", q.task, q.set, strings.Join(task.sets, ", "))
	}
	if q.data == "" {
		folder, err := corpus.Folder()
		if err != nil {
			return q, fmt.Errorf("eval: no --data: %w", err)
		}
		q.data = folder + "/" + q.set
	}
	return q, nil
}

// task is something measurable, and the sets for it.
type task struct {
	name string
	sets []string
	run  func(ctx context.Context, q request) (Result, error)
}

func (h Harness) tasks() []task {
	all := []task{
		{"intents", []string{"clinc150", "banking77", "banking77_oos", "hwu64", "nlupp", "dstc11_natcs"}, h.intents},
		{"sentiment", []string{"us_airline_sentiment", "umsab", "tweeteval", "meld"}, h.sentiment},
		{"emotion", []string{"goemotions"}, h.emotion},
		{"pii", []string{"presidio_pii"}, h.pii},
		{"satisfaction", []string{"uss", "twacs"}, h.satisfaction},
		{"summary", []string{"tweetsumm", "dialogsum"}, h.summarise},
	}
	if h.Recognise != nil {
		all = append(all, task{"asr", []string{"asr_refs_small", "derived_voice_notes"}, h.asr})
	}
	return all
}

func (h Harness) task(name string) (task, error) {
	var names []string
	for _, t := range h.tasks() {
		if t.name == name {
			return t, nil
		}
		names = append(names, t.name)
	}
	return task{}, fmt.Errorf("eval: task %q cannot be measured by this program; it measures %s", name, strings.Join(names, ", "))
}

func (h Harness) measure(ctx context.Context, q request) (Result, error) {
	t, err := h.task(q.task)
	if err != nil {
		return Result{}, err
	}
	r, err := t.run(ctx, q)
	if err == nil && r.N == 0 {
		err = fmt.Errorf("there is no row to score in %s", cmp.Or(q.test, q.data))
	}
	r.Task, r.Set, r.Seen = q.task, q.set, seen(r.Model, q.set)
	return r, err
}

func (h Harness) models() []string {
	names := []string{"floor"}
	for name := range h.Readers {
		if name != "floor" {
			names = append(names, name)
		}
	}
	slices.Sort(names[1:])
	return names
}

func (h Harness) preferred() string {
	if h.Preferred == "" {
		return "floor"
	}
	return h.Preferred
}

// reader opens the model that q asks for. Which one it was stands in the result.
func (h Harness) reader(q request) (nlp.Reader, error) {
	if q.model == "" {
		q.model = h.preferred()
		reader, err := h.reader(q)
		if err == nil || q.model == "floor" {
			return reader, err
		}
		if h.Warnings != nil {
			fmt.Fprintf(h.Warnings, "model %s cannot be opened, the floor is measured instead: %v\n", q.model, err)
		}
		q.model = "floor"
	}
	if open, ok := h.Readers[q.model]; ok {
		return open()
	}
	if q.model == "floor" {
		return floor.Open()
	}
	return nil, fmt.Errorf("model %q; there are %s", q.model, strings.Join(h.models(), ", "))
}

// strange tells Warnings of rows whose label nobody could answer: they were not
// left out, but count as wrong.
func (h Harness) strange(n, of int, answers string) {
	if n > 0 && h.Warnings != nil {
		fmt.Fprintf(h.Warnings, "%d of %d rows have a label that is none of %s; they count as wrong\n", n, of, answers)
	}
}

// named fills the model's name and version of a result.
func named(r Result, reader nlp.Reader) Result {
	r.Model, r.Version = reader.Name(), ""
	if name, version, ok := strings.Cut(reader.Name(), "-"); ok {
		r.Model, r.Version = name, version
	}
	return r
}

func print(w io.Writer, r Result, took time.Duration) {
	fmt.Fprintf(w, "%s on %s: n %d, %s %s, %.1f s\n", r.Task, r.Set, r.N, r.Model, r.Version, took.Seconds())
	if r.Seen != "" {
		fmt.Fprintf(w, "  the model was trained on %s\n", r.Seen)
	}
	names := make([]string, 0, len(r.Metrics))
	for name := range r.Metrics {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		fmt.Fprintf(w, "  %-22s %.4f", name, r.Metrics[name])
		if ci, ok := r.CI[name]; ok {
			fmt.Fprintf(w, "  (%.4f–%.4f)", ci[0], ci[1])
		}
		fmt.Fprintln(w)
	}
}
