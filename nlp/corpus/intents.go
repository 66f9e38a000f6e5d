package corpus

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// Clinc150 reads the named parts ("train", "oos_val", …) of a CLINC150 file
// (Larson et al., EMNLP 2019).
func Clinc150(file string, parts ...string) ([]Example, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read clinc150: %w", err)
	}
	var all map[string][][2]string
	if err := json.Unmarshal(raw, &all); err != nil {
		return nil, fmt.Errorf("read clinc150: %s: %w", file, err)
	}
	var out []Example
	for _, part := range parts {
		rows, ok := all[part]
		if !ok {
			return nil, fmt.Errorf("read clinc150: %s has no part %q", file, part)
		}
		for _, row := range rows {
			out = append(out, Example{Text: row[0], Labels: class(row[1]), Language: "en"})
		}
	}
	return out, nil
}

// Banking77 reads a file of text,category rows (Casanueva et al., 2020).
func Banking77(file string) ([]Example, error) {
	rows, err := table(file, "text", "category")
	if err != nil {
		return nil, fmt.Errorf("read banking77: %w", err)
	}
	var out []Example
	for _, row := range rows {
		out = append(out, Example{Text: row[0], Labels: class(row[1]), Language: "en"})
	}
	return out, nil
}

// table reads the named columns of a CSV file with a header.
func table(file string, columns ...string) ([][]string, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r := csv.NewReader(bufio.NewReader(f))
	r.FieldsPerRecord = -1
	r.LazyQuotes = true
	all, err := r.ReadAll()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s: empty", file)
	}
	at := make([]int, len(columns))
	for i, c := range columns {
		if at[i] = slices.Index(all[0], c); at[i] < 0 {
			return nil, fmt.Errorf("%s: no column %q", file, c)
		}
	}
	var out [][]string
	for n, row := range all[1:] {
		picked := make([]string, len(at))
		for i, c := range at {
			if c >= len(row) {
				return nil, fmt.Errorf("%s: row %d has %d columns", file, n+2, len(row))
			}
			picked[i] = row[c]
		}
		out = append(out, picked)
	}
	return out, nil
}

// Lines reads a folder of seq.in and label, one example a line (hwu64, banking77_oos).
func Lines(folder string) ([]Example, error) {
	texts, err := lines(filepath.Join(folder, "seq.in"))
	if err != nil {
		return nil, fmt.Errorf("read lines: %w", err)
	}
	labels, err := lines(filepath.Join(folder, "label"))
	if err != nil {
		return nil, fmt.Errorf("read lines: %w", err)
	}
	if len(texts) != len(labels) {
		return nil, fmt.Errorf("read lines: %s: %d texts, %d labels", folder, len(texts), len(labels))
	}
	out := make([]Example, len(texts))
	for i := range texts {
		out[i] = Example{Text: texts[i], Labels: class(labels[i]), Language: "en"}
	}
	return out, nil
}

func lines(file string) ([]string, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var out []string
	s := bufio.NewScanner(f)
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		out = append(out, s.Text())
	}
	if err := s.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return out, nil
}

// jsonLines decodes one JSON value a line.
func jsonLines[T any](file string) ([]T, error) {
	rows, err := lines(file)
	if err != nil {
		return nil, err
	}
	var out []T
	for i, row := range rows {
		if row == "" {
			continue
		}
		var v T
		if err := json.Unmarshal([]byte(row), &v); err != nil {
			return nil, fmt.Errorf("%s line %d: %w", file, i+1, err)
		}
		out = append(out, v)
	}
	return out, nil
}

// FoldFile is the name of a fold's file.
func FoldFile(fold int) string { return fmt.Sprintf("fold%d.json", fold) }

// NLUPlusPlus reads every fold file in the folder of one domain, or those given
// (Casanueva et al., NAACL Findings 2022).
func NLUPlusPlus(folder string, folds ...int) ([]Example, error) {
	var files []string
	for _, fold := range folds {
		files = append(files, filepath.Join(folder, FoldFile(fold)))
	}
	if len(folds) == 0 {
		var err error
		if files, err = filepath.Glob(filepath.Join(folder, "fold*.json")); err != nil || len(files) == 0 {
			return nil, fmt.Errorf("read nlupp: no fold files in %s", folder)
		}
	}
	var out []Example
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("read nlupp: %w", err)
		}
		var rows []struct {
			Text    string
			Intents []string
		}
		if err := json.Unmarshal(raw, &rows); err != nil {
			return nil, fmt.Errorf("read nlupp: %s: %w", file, err)
		}
		for _, r := range rows {
			out = append(out, Example{Text: r.Text, Labels: r.Intents, Language: "en"})
		}
	}
	return out, nil
}

// NatCS reads utterances of spoken customer service (Gung et al., DSTC11 track 2).
func NatCS(file string) ([]Example, error) {
	rows, err := jsonLines[struct{ Utterance, Intent string }](file)
	if err != nil {
		return nil, fmt.Errorf("read natcs: %w", err)
	}
	var out []Example
	for _, r := range rows {
		out = append(out, Example{Text: r.Utterance, Labels: class(r.Intent), Language: "en"})
	}
	return out, nil
}
