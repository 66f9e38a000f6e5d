package corpus

import (
	"cmp"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
)

// GoEmotions reads a file of text, label numbers and id (Demszky et al., ACL
// 2020); names gives the label of each number.
func GoEmotions(file string, names []string) ([]Example, error) {
	rows, err := lines(file)
	if err != nil {
		return nil, fmt.Errorf("read goemotions: %w", err)
	}
	var out []Example
	for i, row := range rows {
		if strings.TrimSpace(row) == "" {
			continue
		}
		cells := strings.Split(row, "\t")
		if len(cells) < 2 {
			return nil, fmt.Errorf("read goemotions: %s line %d: %d cells", file, i+1, len(cells))
		}
		e := Example{Text: cells[0], Language: "en"}
		for number := range strings.SplitSeq(cells[1], ",") {
			n, err := strconv.Atoi(number)
			if err != nil || n < 0 || n >= len(names) {
				return nil, fmt.Errorf("read goemotions: %s line %d: label %q", file, i+1, number)
			}
			e.Labels = append(e.Labels, names[n])
		}
		out = append(out, e)
	}
	return out, nil
}

// UMSAB reads one file of the multilingual sentiment benchmark (Barbieri et al.,
// LREC 2022). A language that is none of its eight keeps its name.
func UMSAB(file string) ([]Example, error) {
	rows, err := jsonLines[struct{ Lang, Text, Label string }](file)
	if err != nil {
		return nil, fmt.Errorf("read umsab: %w", err)
	}
	codes := map[string]string{"arabic": "ar", "english": "en", "french": "fr", "german": "de",
		"hindi": "hi", "italian": "it", "portuguese": "pt", "spanish": "es"}
	var out []Example
	for _, r := range rows {
		spelled := strings.ToLower(strings.TrimSpace(r.Lang))
		out = append(out, Example{Text: r.Text, Labels: class(r.Label), Language: cmp.Or(codes[spelled], spelled)})
	}
	return out, nil
}

// Airline reads messages to the support accounts of airlines.
func Airline(file string) ([]Example, error) {
	rows, err := jsonLines[struct {
		Text      string
		Sentiment string `json:"airline_sentiment"`
	}](file)
	if err != nil {
		return nil, fmt.Errorf("read airline: %w", err)
	}
	var out []Example
	for _, r := range rows {
		out = append(out, Example{Text: r.Text, Labels: class(r.Sentiment), Language: "en"})
	}
	return out, nil
}

// TweetEval reads one split ("val", "test") of a task folder (Barbieri et al.,
// EMNLP Findings 2020). mapping is the task's mapping.txt: a number, a tab and the
// label of that number in each row.
func TweetEval(folder, split, mapping string) ([]Example, error) {
	named, err := lines(mapping)
	if err != nil {
		return nil, fmt.Errorf("read tweeteval: %w", err)
	}
	names := make(map[string]string)
	for _, row := range named {
		if number, name, ok := strings.Cut(strings.TrimSpace(row), "\t"); ok {
			names[number] = name
		}
	}
	rows, err := paired(filepath.Join(folder, split+"_text.txt"), filepath.Join(folder, split+"_labels.txt"))
	if err != nil {
		return nil, fmt.Errorf("read tweeteval: %w", err)
	}
	out := make([]Example, len(rows))
	for i, row := range rows {
		out[i] = Example{Text: row[0], Labels: class(cmp.Or(names[row[1]], row[1])), Language: "en"}
	}
	return out, nil
}

// MELD reads utterances of the dialogues of a television show with their
// sentiment (Poria et al., ACL 2019).
func MELD(file string) ([]Example, error) {
	rows, err := table(file, "Utterance", "Sentiment")
	if err != nil {
		return nil, fmt.Errorf("read meld: %w", err)
	}
	var out []Example
	for _, r := range rows {
		out = append(out, Example{Text: r[0], Labels: class(r[1]), Language: "en"})
	}
	return out, nil
}
