package corpus

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"
)

// Dialogue is what several said, with summaries of it that people wrote.
type Dialogue struct {
	ID        string
	Lines     []Line
	Summaries []string
}

// Line is what one of them said.
type Line struct {
	Speaker  string
	Customer bool // a side that is known to be the customer's
	Agent    bool // or the centre's
	Text     string
}

// TweetSumm reads gzipped rows of TweetSumm (Feigenblat et al., Findings of EMNLP
// 2021), joined with the texts of the tweets. The dialogue is the union of the
// sentences that annotators took for their extracts, the only part of most
// dialogues that was joined; rows without it are left out. A speaker whose name
// is a number is a customer; a line without a speaker goes on with the one before.
func TweetSumm(file string) ([]Dialogue, error) {
	var out []Dialogue
	err := rows(file, func(line int, d *json.Decoder) error {
		var row struct {
			ID        string   `json:"conversation_id"`
			Summaries []string `json:"abstractive"`
			Lines     []string `json:"partial_dialog"`
		}
		if err := d.Decode(&row); err != nil {
			return err
		}
		if len(row.Lines) == 0 || len(row.Summaries) == 0 {
			return nil
		}
		one := Dialogue{ID: row.ID, Summaries: row.Summaries}
		for i, l := range row.Lines {
			last := len(one.Lines) - 1
			speaker, text, ok := strings.Cut(l, ": ")
			continues := !ok || strings.Contains(speaker, " ")
			if continues && last < 0 {
				return fmt.Errorf("row %d: line %d of the dialogue has no speaker", line, i+1)
			}
			if continues {
				one.Lines[last].Text += "\n" + l
				continue
			}
			customer := strings.IndexFunc(speaker, func(r rune) bool { return !unicode.IsDigit(r) }) < 0
			said := Line{Speaker: speaker, Customer: customer, Agent: !customer, Text: text}
			if last >= 0 && one.Lines[last] == said {
				continue // two annotators took two sentences of one tweet
			}
			one.Lines = append(one.Lines, said)
		}
		out = append(out, one)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read tweetsumm: %s: %w", file, err)
	}
	return out, nil
}

// DialogSum reads rows of DialogSum (Chen et al., Findings of ACL 2021): dialogues
// of "#Person1#" and "#Person2#", with one summary, or with three in its test file.
func DialogSum(file string) ([]Dialogue, error) {
	var out []Dialogue
	err := rows(file, func(line int, d *json.Decoder) error {
		var row struct {
			Name     string `json:"fname"`
			Dialogue string
			Summary  string
			First    string `json:"summary1"`
			Second   string `json:"summary2"`
			Third    string `json:"summary3"`
		}
		if err := d.Decode(&row); err != nil {
			return err
		}
		one := Dialogue{ID: row.Name}
		for _, s := range []string{row.Summary, row.First, row.Second, row.Third} {
			if s != "" {
				one.Summaries = append(one.Summaries, s)
			}
		}
		if len(one.Summaries) == 0 {
			return fmt.Errorf("row %d: want summary, or summary1 to summary3", line)
		}
		for l := range strings.Lines(row.Dialogue) {
			l = strings.TrimSpace(l)
			speaker, text, ok := strings.Cut(l, "#:")
			if l == "" {
				continue
			}
			if !ok || !strings.HasPrefix(speaker, "#") {
				return fmt.Errorf("row %d: a line of the dialogue has no #speaker#", line)
			}
			one.Lines = append(one.Lines, Line{Speaker: speaker + "#", Text: strings.TrimSpace(text)})
		}
		if len(one.Lines) == 0 {
			return fmt.Errorf("row %d: the dialogue is empty", line)
		}
		out = append(out, one)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read dialogsum: %s: %w", file, err)
	}
	return out, nil
}

// rows calls each with a decoder before every JSON value of a file.
func rows(file string, each func(row int, d *json.Decoder) error) error {
	f, err := open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	d := json.NewDecoder(f)
	for n := 1; ; n++ {
		if !d.More() {
			if _, err := d.Token(); err != nil && !errors.Is(err, io.EOF) {
				return err
			}
			return nil
		}
		if err := each(n, d); err != nil {
			return err
		}
	}
}
