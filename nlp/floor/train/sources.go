package main

import (
	"bufio"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"throughline/nlp"
	"throughline/nlp/corpus"
)

//go:embed domain.txt
var domainFile string

// sources are the texts that may go into a shipped model.
type sources struct {
	clinc, banking, hwu, nlupp, natcs []corpus.Example
	emotions, emotionsDev             []corpus.Example
	umsab, umsabDev                   []corpus.Example
	domain                            []corpus.Example
	turns                             []corpus.Example // of customer service, in English, for sentiment alone
}

func load(data, written string) (sources, error) {
	var s sources
	var failed error
	keep := func(into *[]corpus.Example) func([]corpus.Example, error) {
		return func(rows []corpus.Example, err error) {
			*into = append(*into, rows...)
			if failed == nil && err != nil {
				failed = err
			}
		}
	}
	at := func(parts ...string) string { return filepath.Join(append([]string{data}, parts...)...) }
	keep(&s.clinc)(corpus.Clinc150(at("clinc150", "data_full.dev.json"), "train", "oos_train"))
	keep(&s.banking)(corpus.Banking77(at("banking77", "train.csv")))
	keep(&s.hwu)(corpus.Lines(at("hwu64", "train")))
	keep(&s.nlupp)(corpus.NLUPlusPlus(at("nlupp", "banking"), 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14))
	keep(&s.nlupp)(corpus.NLUPlusPlus(at("nlupp", "hotels"), 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14))
	keep(&s.natcs)(corpus.NatCS(at("dstc11_natcs", "insurance_development.jsonl")))
	keep(&s.emotions)(corpus.GoEmotions(at("goemotions", "train.tsv"), nlp.Emotions()))
	keep(&s.emotionsDev)(corpus.GoEmotions(at("goemotions", "dev.tsv"), nlp.Emotions()))
	keep(&s.umsab)(corpus.UMSAB(at("umsab", "train.jsonl")))
	keep(&s.umsabDev)(corpus.UMSAB(at("umsab", "val.jsonl")))
	keep(&s.domain)(domain(domainFile))
	keep(&s.turns)(turns(written))
	return s, failed
}

// domain reads sentences under headings of language and class: "[es negative]".
func domain(file string) ([]corpus.Example, error) {
	var out []corpus.Example
	var language, label string
	lines := bufio.NewScanner(strings.NewReader(file))
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		switch {
		case line == "" || line[0] == '#':
		case line[0] == '[' && strings.Contains(line, " "):
			var ok bool
			if language, label, ok = strings.Cut(strings.Trim(line, "[]"), " "); !ok {
				return nil, fmt.Errorf("domain.txt line %d: want [language class]", n)
			}
		default:
			for _, text := range ways(line) {
				out = append(out, corpus.Example{Text: text, Labels: []string{label}, Language: language})
			}
		}
	}
	return out, lines.Err()
}

// turns reads the file that the encoder's training shares: "- ", "= " or "+ "
// before each turn, for negative, neutral and positive.
func turns(file string) ([]corpus.Example, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read turns: %w", err)
	}
	var out []corpus.Example
	for line := range strings.Lines(string(text)) {
		mark, turn, _ := strings.Cut(strings.TrimSpace(line), " ")
		class := strings.Index("-=+", mark)
		if class < 0 || turn == "" {
			return nil, fmt.Errorf("read turns: %s line %d: want -, = or + before the turn", file, len(out)+1)
		}
		out = append(out, corpus.Example{Text: turn, Labels: []string{classes()[class]}, Language: "en"})
	}
	return out, nil
}

// waysAtMost is how many ways through one line are used.
const waysAtMost = 24

// ways gives the sentences of a line with choices "(a|b|)", spread evenly over
// all combinations when there are too many.
func ways(line string) []string {
	if !strings.Contains(line, "|") {
		return []string{line}
	}
	all := []string{""}
	for line != "" {
		before, rest, found := strings.Cut(line, "(")
		for i := range all {
			all[i] += before
		}
		if !found {
			break
		}
		choices, after, _ := strings.Cut(rest, ")")
		var next []string
		for _, a := range all {
			for choice := range strings.SplitSeq(choices, "|") {
				next = append(next, a+choice)
			}
		}
		all, line = next, after
	}
	if len(all) <= waysAtMost {
		return tidy(all)
	}
	some := make([]string, waysAtMost)
	for i := range some {
		some[i] = all[(i*len(all)/waysAtMost+i*7)%len(all)] // seven steps on, so that every choice has its turn
	}
	return tidy(some)
}

// tidy takes out the blanks that empty choices leave.
func tidy(lines []string) []string {
	for i, l := range lines {
		lines[i] = strings.Join(strings.Fields(strings.ReplaceAll(l, " '", "'")), " ")
	}
	return lines
}
