package eval

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"throughline/governance/redact"
	"throughline/nlp/corpus"
)

// ours is our type for one of presidio's. Where one of the two is broader, they meet.
func ours(name string) redact.Type {
	switch name {
	case "CREDIT_CARD":
		return redact.Card
	case "PHONE_NUMBER":
		return redact.Phone
	case "EMAIL_ADDRESS":
		return redact.Mail
	case "IBAN_CODE":
		return redact.IBAN
	case "US_SSN":
		return redact.NationalID
	case "IP_ADDRESS":
		return redact.IP
	case "US_DRIVER_LICENSE":
		return redact.License
	case "DOMAIN_NAME":
		return redact.URL
	case "STREET_ADDRESS", "ADDRESS":
		return redact.Address
	case "GPE", "LOCATION":
		return redact.Place
	case "ORGANIZATION":
		return redact.Organization
	case "ZIP_CODE":
		return redact.Zip
	case "NRP":
		return redact.Group
	case "PREFIX", "TITLE":
		return redact.Title
	default: // PERSON, DATE_TIME, AGE have the same names
		return redact.Type(name)
	}
}

func (h Harness) pii(_ context.Context, q request) (Result, error) {
	pattern, folder := "*.dev.json", q.data
	if q.test != "" {
		pattern, folder = "*.heldout.json", q.test
	}
	files, err := filepath.Glob(filepath.Join(folder, pattern))
	if err != nil || len(files) == 0 {
		return Result{}, fmt.Errorf("no %s in %s", pattern, folder)
	}
	var outcomes []outcome
	for _, file := range files {
		rows, err := corpus.Presidio(file)
		if err != nil {
			return Result{}, err
		}
		for _, row := range rows {
			outcomes = append(outcomes, compare(row, redact.Find(row.Text)))
		}
	}
	r := Result{N: len(outcomes)}
	r.Model, r.Version, _ = strings.Cut(redact.Version, "/")
	r.Metrics, r.CI = intervals(len(outcomes), func(drawn []int) map[string]float64 { return sum(outcomes, drawn) })
	return r, nil
}

// outcome of one sentence, by presidio's types; the empty type counts findings
// that answer no span.
type outcome map[string]count

// compare pairs each marked span with a finding of its type that shares more than
// half of the longer of both.
func compare(row corpus.Marked, found []redact.Finding) outcome {
	o := make(outcome)
	used := make([]bool, len(found))
	for _, s := range row.Spans {
		c := o[s.Type]
		c.real++
		for i, f := range found {
			kind := f.Type
			if kind == redact.CardPart {
				kind = redact.Card
			}
			common := min(f.End, s.End) - max(f.Start, s.Start)
			if !used[i] && kind == ours(s.Type) && 2*common > max(s.End-s.Start, f.End-f.Start) {
				used[i] = true
				c.hit++
				c.said++
				break
			}
		}
		o[s.Type] = c
	}
	for i := range found {
		if !used[i] {
			c := o[""]
			c.said++
			o[""] = c
		}
	}
	return o
}

func sum(outcomes []outcome, rows []int) map[string]float64 {
	total := make(outcome)
	var all count
	for _, i := range rows {
		for kind, c := range outcomes[i] {
			t := total[kind]
			t.hit, t.said, t.real = t.hit+c.hit, t.said+c.said, t.real+c.real
			total[kind] = t
			all.hit, all.said, all.real = all.hit+c.hit, all.said+c.said, all.real+c.real
		}
	}
	out := map[string]float64{"f1": all.f1(), "precision": all.precision(), "recall": all.recall(),
		"f2": ratio(5*all.hit, 4*all.real+all.said)}
	for kind, t := range total {
		if kind != "" {
			out["recall_"+strings.ToLower(kind)] = t.recall()
		}
	}
	return out
}
