package corpus

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// Talk is a dialogue of a customer and the centre.
type Talk struct {
	ID     string
	Spoken []Spoken
}

// Spoken is one side's words.
type Spoken struct {
	Customer bool
	Text     string
	Ratings  []int // 1–5: how satisfied several annotators took the customer to be when these words came
}

// USS reads one file of the user satisfaction simulation set (Sun et al., SIGIR
// 2021): a line a turn, an empty line between dialogues.
func USS(file string) ([]Talk, error) {
	rows, err := lines(file)
	if err != nil {
		return nil, fmt.Errorf("read uss: %w", err)
	}
	var out []Talk
	open := false
	for i, row := range rows {
		if strings.TrimSpace(row) == "" {
			open = false
			continue
		}
		if !open {
			out, open = append(out, Talk{ID: fmt.Sprintf("%s:%d", file, i+1)}), true
		}
		cells := strings.Split(row, "\t")
		if len(cells) < 2 || cells[0] != "USER" && cells[0] != "SYSTEM" {
			return nil, fmt.Errorf("read uss: %s line %d: want USER or SYSTEM, a tab and a text", file, i+1)
		}
		if cells[1] == "OVERALL" {
			continue // the rating of the whole dialogue, which nobody says
		}
		s := Spoken{Customer: cells[0] == "USER", Text: cells[1]}
		if s.Customer && len(cells) > 3 && strings.TrimSpace(cells[3]) != "" {
			for number := range strings.SplitSeq(strings.TrimSpace(cells[3]), ",") {
				n, err := strconv.Atoi(strings.TrimSpace(number))
				if err != nil || n < 1 || n > 5 {
					return nil, fmt.Errorf("read uss: %s line %d: rating %q", file, i+1, number)
				}
				s.Ratings = append(s.Ratings, n)
			}
		}
		talk := &out[len(out)-1]
		talk.Spoken = append(talk.Spoken, s)
	}
	return out, nil
}

// TwACS reads dialogues with the support accounts of airlines (Perkins and Yang,
// EMNLP 2019).
func TwACS(file string) ([]Talk, error) {
	var out []Talk
	err := rows(file, func(_ int, d *json.Decoder) error {
		var row struct {
			ID      string `json:"first_tweet_id"`
			First   string `json:"first_utterance"`
			Context string
		}
		if err := d.Decode(&row); err != nil {
			return fmt.Errorf("dialogue %d: %w", len(out)+1, err)
		}
		out = append(out, Talk{ID: row.ID, Spoken: sides(row.First + " " + row.Context)})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read twacs: %s: %w", file, err)
	}
	return out, nil
}

// sides takes "<cust__ … __cust> <rep__ … __rep>" apart. Words that stand for
// what was taken out ("__company__") are left out.
func sides(text string) []Spoken {
	var out []Spoken
	for {
		customer, agent := strings.Index(text, "<cust__"), strings.Index(text, "<rep__")
		at, end, isCustomer := customer, "__cust>", true
		if customer < 0 || agent >= 0 && agent < customer {
			at, end, isCustomer = agent, "__rep>", false
		}
		if at < 0 {
			return out
		}
		_, text, _ = strings.Cut(text[at:], "__")
		said, rest, found := strings.Cut(text, end)
		if !found {
			return out
		}
		text = rest
		words := strings.Fields(said)
		kept := words[:0]
		for _, w := range words {
			if !strings.HasPrefix(w, "__") {
				kept = append(kept, w)
			}
		}
		out = append(out, Spoken{Customer: isCustomer, Text: strings.Join(kept, " ")})
	}
}
