package api

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"throughline/problem"
)

// form is one JSON object that is being read. What is wrong is collected, so
// that a client hears of every mistake at once.
type form struct {
	at     string
	fields map[string]json.RawMessage
	asked  []string // names that were looked for, which are the known ones
	wrong  *[]problem.Field
}

// object reads body, which stands at the pointer at of the request.
func object(body []byte, at string, wrong *[]problem.Field) (*form, error) {
	f := &form{at: at, wrong: wrong}
	if err := json.Unmarshal(body, &f.fields); err != nil {
		return nil, problem.JSON(body, at, err)
	}
	return f, nil
}

func (f *form) refuse(name, detail string) {
	*f.wrong = append(*f.wrong, problem.Field{Pointer: "#" + f.at + "/" + name, Detail: detail})
}

// raw is the field as it stands, or nil where it is absent or null.
func (f *form) raw(name string) json.RawMessage {
	f.asked = append(f.asked, name)
	if v := f.fields[name]; string(v) != "null" {
		return v
	}
	return nil
}

// has tells whether the field is given.
func (f *form) has(name string) bool { return f.raw(name) != nil }

// read decodes a field, or notes that its type is wrong.
func read[T any](f *form, name string) (v T) {
	raw := f.raw(name)
	if raw == nil {
		return v
	}
	if err := json.Unmarshal(raw, &v); err != nil {
		var zero T
		p := problem.JSON(raw, f.at+"/"+name, err)
		*f.wrong = append(*f.wrong, p.Errors...)
		return zero
	}
	return v
}

// text is a string of at most n bytes.
func (f *form) text(name string, n int) string {
	s := read[string](f, name)
	if len(s) > n {
		f.refuse(name, "is "+strconv.Itoa(len(s))+" bytes long and may be "+strconv.Itoa(n))
		return ""
	}
	return s
}

// one is a string out of a list.
func (f *form) one(name string, of ...string) string {
	s := read[string](f, name)
	if s == "" || slices.Contains(of, s) {
		return s
	}
	f.refuse(name, "must be one of "+strings.Join(of, ", "))
	return ""
}

// clockSkew is how far ahead of ours a client's clock may be.
const clockSkew = 5 * time.Minute

// time is an RFC 3339 time that is not in the future.
func (f *form) time(name string) time.Time {
	s := read[string](f, name)
	if s == "" {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339, s)
	switch {
	case err != nil:
		f.refuse(name, `must be a time as RFC 3339 writes it, "2026-11-22T09:00:00Z"`)
	case time.Until(t) > clockSkew:
		f.refuse(name, "is in the future: check the clock that made it")
	case t.Year() < 1970:
		f.refuse(name, "is before 1970")
	}
	return t.UTC()
}

// pairs is an object of strings.
func (f *form) pairs(name string) map[string]string {
	m := read[map[string]string](f, name)
	if len(m) > MaxAttrs {
		f.refuse(name, "has "+strconv.Itoa(len(m))+" entries and may have "+strconv.Itoa(MaxAttrs))
		return nil
	}
	for _, k := range slices.Sorted(maps.Keys(m)) {
		if len(k) > MaxAttrName || k == "" {
			f.refuse(name, "has a name that is empty or longer than "+strconv.Itoa(MaxAttrName)+" bytes")
		} else if len(m[k]) > MaxAttr {
			f.refuse(name, "has a value longer than "+strconv.Itoa(MaxAttr)+" bytes")
		}
	}
	return m
}

// inner is an object within the object, or nil where it is absent.
func (f *form) inner(name string) *form {
	fields := read[map[string]json.RawMessage](f, name)
	if fields == nil {
		return nil
	}
	return &form{at: f.at + "/" + name, fields: fields, wrong: f.wrong}
}

// refuseUnknown notes every field that nobody looked for.
func (f *form) refuseUnknown() {
	for _, name := range slices.Sorted(maps.Keys(f.fields)) {
		if slices.Contains(f.asked, name) {
			continue
		}
		detail := "is not a field here"
		if near := nearest(name, f.asked); near != "" {
			detail += ": did you mean " + near + "?"
		}
		f.refuse(escape(name), detail)
	}
}

// escape writes a name as a pointer wants it (RFC 6901 §3), and no longer than
// somebody wants to read.
func escape(name string) string {
	if len(name) > MaxAttrName {
		name = strings.ToValidUTF8(name[:MaxAttrName], "") + "…"
	}
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
}

// nearest is the known name that a misspelt one is closest to, if it is close.
func nearest(name string, known []string) string {
	best, least := "", 3
	if len(name) > MaxAttrName {
		return ""
	}
	for _, k := range known {
		if d := distance(strings.ToLower(name), k); d < least && d < len(k) {
			best, least = k, d
		}
	}
	return best
}

// distance is the Levenshtein distance of two short words.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}
