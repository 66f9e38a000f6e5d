package problem

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// JSON turns an error of package json about body into a 400 that says where the
// document is wrong, without quoting it: the value may be a person's words.
// Prefix is the pointer of body within the request ("" when it is the whole).
func JSON(body []byte, prefix string, err error) *Problem {
	if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		p := Invalid(Field{Pointer: "#" + prefix + PointerAt(body, e.Offset), Detail: "is a JSON " + jsonKind(e.Value) + " and must be " + goKind(e.Type.Kind().String())})
		p.Cause = err
		return p
	}
	detail := "A value does not have its documented form."
	if e, ok := errors.AsType[*json.SyntaxError](err); ok {
		detail = fmt.Sprintf("The body is not JSON (RFC 8259): it breaks at byte %d.", e.Offset)
	}
	p := New(http.StatusBadRequest, detail)
	if prefix != "" {
		p.Errors = []Field{{Pointer: "#" + prefix, Detail: "does not have its documented form"}}
	}
	return p
}

func jsonKind(value string) string {
	kind, _, _ := strings.Cut(value, " ") // "number 1.5" would quote the value
	return kind
}

func goKind(kind string) string {
	switch kind {
	case "slice", "array":
		return "an array"
	case "struct", "map":
		return "an object"
	case "bool":
		return "true or false"
	case "string":
		return "a string"
	case "float32", "float64":
		return "a number"
	}
	return "a whole number"
}

// PointerAt is the JSON pointer (RFC 6901) of the value that ends at or holds
// byte offset of body, which must be JSON up to there. The root is "".
func PointerAt(body []byte, offset int64) string {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	var path []step
	for {
		tok, err := dec.Token()
		if errors.Is(err, io.EOF) || err != nil {
			return render(path)
		}
		delim, isDelim := tok.(json.Delim)
		closes := isDelim && (delim == ']' || delim == '}')
		if closes && len(path) > 0 {
			path = path[:len(path)-1]
		}
		isKey := false
		if !closes && len(path) > 0 {
			isKey = path[len(path)-1].begin(tok)
		}
		if !isKey && dec.InputOffset() >= offset {
			return render(path)
		}
		if isDelim && !closes {
			path = append(path, step{object: delim == '{', index: -1})
		}
	}
}

// step is one open array or object on the way to a value.
type step struct {
	object bool
	inPair bool // the key was read, the value comes
	key    string
	index  int
}

// begin notes that tok starts inside s and tells whether it is an object's key.
func (s *step) begin(tok json.Token) bool {
	if !s.object {
		s.index++
		return false
	}
	if s.inPair {
		s.inPair = false
		return false
	}
	s.key, _ = tok.(string)
	s.inPair = true
	return true
}

func render(path []step) string {
	var b strings.Builder
	escape := strings.NewReplacer("~", "~0", "/", "~1")
	for _, s := range path {
		b.WriteByte('/')
		switch {
		case s.object:
			b.WriteString(escape.Replace(s.key))
		default:
			b.WriteString(strconv.Itoa(max(s.index, 0)))
		}
	}
	return b.String()
}
