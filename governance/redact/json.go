package redact

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"unicode"
)

// ErrJSON says that a body is not JSON, and nothing of what it holds.
var ErrJSON = errors.New("redact json: the body is not valid JSON")

// JSON redacts every string of a JSON text, keys included, and every number
// that can be a card; the structure, the order and the spacing stay. A key says
// what its value is about: {"cvv":"123"} becomes {"cvv":"[CVV]"}.
func (r *Redacter) JSON(tenant string, raw []byte) ([]byte, error) {
	if !json.Valid(raw) {
		return nil, ErrJSON
	}
	var out bytes.Buffer
	out.Grow(len(raw) + 64)
	key := ""
	for i := 0; i < len(raw); {
		switch c := raw[i]; {
		case c == '"':
			end := stringEnd(raw, i)
			var s string
			if err := json.Unmarshal(raw[i:end], &s); err != nil {
				return nil, ErrJSON
			}
			isKey := false
			for k := end; k < len(raw); k++ {
				if b := raw[k]; b != ' ' && b != '\t' && b != '\n' && b != '\r' {
					isKey = b == ':'
					break
				}
			}
			var res Result
			if isKey {
				key = s
				res = r.Text(tenant, s)
			} else {
				res = r.Value(tenant, key, s)
			}
			if len(res.Replaced) == 0 && res.Text == s {
				out.Write(raw[i:end])
			} else {
				quote(&out, res.Text)
			}
			i = end
		case c == '-' || c >= '0' && c <= '9':
			end := i + 1
			for end < len(raw) && strings.IndexByte("0123456789+-.eE", raw[end]) >= 0 {
				end++
			}
			if res := r.Value(tenant, key, integer(string(raw[i:end]))); len(res.Replaced) > 0 {
				quote(&out, res.Text)
			} else {
				out.Write(raw[i:end])
			}
			i = end
		default:
			out.WriteByte(c)
			i++
		}
	}
	return out.Bytes(), nil
}

// Value redacts a value that stands under a key or a column's name, which tells
// what the value is about.
func (r *Redacter) Value(tenant, key, s string) Result {
	var c Conversation
	// "displayPhoneNumber" and "display_phone_number" say the same.
	var words strings.Builder
	before := rune(0)
	for _, k := range key {
		if unicode.IsUpper(k) && unicode.IsLower(before) {
			words.WriteByte(' ')
		}
		words.WriteRune(k)
		before = k
	}
	t := scan(words.String(), nil)
	t.phrases()
	c.talk(&t)
	if len(t.hints) > 1 && t.hints[0].topic == aPhone && !t.hints[0].weak {
		c.asked = aPhone // "wa_id", "phone_number_id"
	}
	if c.asked == nothing && (strings.EqualFold(key, "from") || strings.EqualFold(key, "to")) {
		c.asked = aPhone
	}
	if t.has(aCVV) {
		c.asked = aCVV
	}
	return r.Next(&c, Said{Tenant: tenant, Text: s})
}

func quote(out *bytes.Buffer, s string) {
	e := json.NewEncoder(out)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // a string into memory cannot fail
	out.Truncate(out.Len() - 1)
}

func stringEnd(raw []byte, i int) int {
	for i++; raw[i] != '"'; i++ {
		if raw[i] == '\\' {
			i++
		}
	}
	return i + 1
}

// integer writes 4.111e15 as its digits, so that a card cannot hide in an
// exponent.
func integer(s string) string {
	if !strings.ContainsAny(s, ".eE") {
		return s
	}
	if v, err := strconv.ParseFloat(s, 64); err == nil && v > 1e11 && v < 1e19 {
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	return s
}
