package corpus

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// Clinc150 reads the named parts ("train", "oos_val", …) of a CLINC150 file
// (Larson et al., EMNLP 2019).
func Clinc150(file string, parts ...string) ([]Example, error) {
	raw, err := all(file)
	if err != nil {
		return nil, fmt.Errorf("read clinc150: %w", err)
	}
	var held map[string]json.RawMessage
	if err := json.Unmarshal(raw, &held); err != nil {
		return nil, fmt.Errorf("read clinc150: %s: %w", file, err)
	}
	var out []Example
	for _, part := range parts {
		var rows [][]string
		if held[part] == nil {
			return nil, fmt.Errorf("read clinc150: %s has no part %q", file, part)
		}
		if err := json.Unmarshal(held[part], &rows); err != nil {
			return nil, fmt.Errorf("read clinc150: %s: part %q: %w", file, part, err)
		}
		for i, row := range rows {
			if len(row) != 2 {
				return nil, fmt.Errorf("read clinc150: %s: part %q, row %d: want a text and an intent", file, part, i+1)
			}
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
	f, err := open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.FieldsPerRecord = -1
	r.LazyQuotes = true
	rows, err := r.ReadAll()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if len(rows) == 0 {
		return nil, fmt.Errorf("%s: empty", file)
	}
	at := make([]int, len(columns))
	for i, c := range columns {
		if at[i] = slices.Index(rows[0], c); at[i] < 0 {
			return nil, fmt.Errorf("%s: no column %q", file, c)
		}
	}
	var out [][]string
	for n, row := range rows[1:] {
		if len(row) == 1 && strings.TrimSpace(row[0]) == "" {
			continue // a line with nothing but blanks
		}
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
	rows, err := paired(filepath.Join(folder, "seq.in"), filepath.Join(folder, "label"))
	if err != nil {
		return nil, fmt.Errorf("read lines: %w", err)
	}
	out := make([]Example, len(rows))
	for i, row := range rows {
		out[i] = Example{Text: row[0], Labels: class(row[1]), Language: "en"}
	}
	return out, nil
}

// paired are the lines of two files that belong together: a text and its label.
// Lines that are empty in both are left out.
func paired(texts, labels string) ([][2]string, error) {
	said, err := lines(texts)
	if err != nil {
		return nil, err
	}
	meant, err := lines(labels)
	if err != nil {
		return nil, err
	}
	for len(said) < len(meant) && strings.TrimSpace(meant[len(meant)-1]) == "" {
		meant = meant[:len(meant)-1]
	}
	for len(meant) < len(said) && strings.TrimSpace(said[len(said)-1]) == "" {
		said = said[:len(said)-1]
	}
	if len(said) != len(meant) {
		return nil, fmt.Errorf("%s: %d texts, %d labels", filepath.Dir(texts), len(said), len(meant))
	}
	var out [][2]string
	for i := range said {
		switch label := strings.TrimSpace(meant[i]); {
		case label != "":
			out = append(out, [2]string{said[i], label})
		case strings.TrimSpace(said[i]) != "":
			return nil, fmt.Errorf("%s line %d: no label", labels, i+1)
		}
	}
	return out, nil
}

func lines(file string) ([]string, error) {
	f, err := open(file)
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
		if strings.TrimSpace(row) == "" {
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
		raw, err := all(file)
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
