package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"io"
	"os"
	"time"

	"throughline/event"
	"throughline/journey/score"
)

// scores fits the scores of journeys to what became of one's own.
func scores(_ context.Context, args []string) error {
	f := flags("score fit [flags] FILE", `Fit the scores of journeys to your own outcomes. FILE (- for standard input) has
a JSON object a line: document (the journey's state at a moment, from the column
of that name) and what became of it, null or absent where nobody knows:
satisfaction (1–5), churned, escalated, resolved. ClickHouse writes such lines:

  SELECT document, answer AS satisfaction, departed AS churned
  FROM throughline.journeys_now JOIN outcomes USING (customer) FORMAT JSONEachRow

Models without enough outcomes stay as they are. Name the file that is written
in journey.scores.model.`)
	settingsFile := f.String("config", "", "config `file`, for the intents of journey.scores and the model in force")
	out := f.String("out", "scores.json", "`path` of the file to write")
	version := f.String("version", "own-"+time.Now().UTC().Format(time.DateOnly), "`name` that is stored beside each value")
	_, args, err := verb(f, args, "fit")
	if err == nil {
		err = parse(f, args, 1, 1)
	}
	if err != nil {
		return err
	}
	in := os.Stdin
	if path := f.Arg(0); path != "-" {
		var err error
		if in, err = os.Open(path); err != nil {
			return err
		}
		defer in.Close()
	}
	s, err := load(*settingsFile)
	if err != nil {
		return err
	}
	inForce, err := score.Open(s.Journey.Scores)
	if err != nil {
		return err
	}
	examples, err := outcomes(in, s.Journey.Scores)
	if err != nil {
		return fmt.Errorf("score fit %s: %w", f.Arg(0), err)
	}
	file, lines, err := score.FitFile(*version, inForce.File(), examples)
	for _, l := range lines {
		fmt.Println(l)
	}
	if err != nil {
		return fmt.Errorf("score fit: %w", err)
	}
	data, err := json.MarshalIndent(file, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(*out, append(data, '\n'), 0o644)
}

// longest is the most bytes of a line: a journey's state is some kilobytes.
const longest = 8 << 20

// outcomes reads lines of journeys and what became of them.
func outcomes(in io.Reader, cfg score.Config) ([]score.Example, error) {
	var all []score.Example
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, longest)
	for n := 1; lines.Scan(); n++ {
		if len(lines.Bytes()) == 0 {
			continue
		}
		var row struct {
			Document     string `json:"document"`
			Satisfaction *int   `json:"satisfaction"`
			Churned      answer `json:"churned"`
			Escalated    answer `json:"escalated"`
			Resolved     answer `json:"resolved"`
		}
		if err := json.Unmarshal(lines.Bytes(), &row); err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		if s := row.Satisfaction; s != nil && (*s < 1 || *s > 5) {
			return nil, fmt.Errorf("line %d: satisfaction is %d; want 1 to 5", n, *s)
		}
		var j event.Journey
		if err := json.Unmarshal([]byte(row.Document), &j); err != nil {
			return nil, fmt.Errorf("line %d: document is not a journey: %w", n, err)
		}
		group := fnv.New32a()
		io.WriteString(group, j.Customer)
		all = append(all, score.Example{X: cfg.Features(&j), Group: int(group.Sum32()), Outcome: score.Outcome{
			Satisfaction: row.Satisfaction, Churned: row.Churned.said, Escalated: row.Escalated.said, Resolved: row.Resolved.said}})
	}
	return all, lines.Err()
}

// answer is yes, no or unknown; ClickHouse writes 1, 0 and null.
type answer struct{ said *bool }

func (a *answer) UnmarshalJSON(data []byte) error {
	yes, no := true, false
	switch string(data) {
	case "true", "1":
		a.said = &yes
	case "false", "0":
		a.said = &no
	case "null":
	default:
		return fmt.Errorf("%s is neither true, false, 1, 0 nor null", data)
	}
	return nil
}
