package problem

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// ContentType is the media type of a problem, RFC 9457 §6.1.
const ContentType = "application/problem+json"

// Problem is a refusal. It is an error, so that a handler can return it; Cause
// is for the log and is never sent.
type Problem struct {
	Type   string  `json:"type"`             // "about:blank": Title says no more than the status
	Title  string  `json:"title"`            // the same for every problem of this type
	Status int     `json:"status"`           // HTTP status code
	Detail string  `json:"detail,omitempty"` // this occurrence, and what to do about it
	Errors []Field `json:"errors,omitempty"` // every field that is wrong, in document order

	RetryAfter time.Duration `json:"-"` // sent as Retry-After in whole seconds, if above 0
	Cause      error         `json:"-"`
}

// Field is one wrong field of a request.
type Field struct {
	Pointer string `json:"pointer,omitempty"` // RFC 6901 in fragment form: "#/entry/0/id"
	Line    int    `json:"line,omitempty"`    // in a text that is no JSON, from 1, instead of a pointer
	Column  int    `json:"column,omitempty"`  // in bytes, from 1
	Detail  string `json:"detail"`            // what is wrong and what would be right
}

// Error is Detail with the fields that are wrong.
func (p *Problem) Error() string {
	var b strings.Builder
	b.WriteString(p.Title)
	if p.Detail != "" {
		b.WriteString(": " + p.Detail)
	}
	for _, f := range p.Errors {
		b.WriteString("; " + f.Pointer + ": " + f.Detail)
	}
	return b.String()
}

// Unwrap is the cause.
func (p *Problem) Unwrap() error { return p.Cause }

// New is a problem that its status and detail tell in full.
func New(status int, detail string) *Problem {
	return &Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: detail}
}

// Invalid is a 400 for the given fields.
func Invalid(fields ...Field) *Problem {
	detail := "One field is wrong; see errors."
	if len(fields) > 1 {
		detail = strconv.Itoa(len(fields)) + " fields are wrong; see errors."
	}
	return &Problem{Type: "urn:throughline:problem:invalid-fields", Title: "Fields are not valid",
		Status: http.StatusBadRequest, Detail: detail, Errors: fields}
}

// Unavailable is a 503 that asks the caller to come back after a time.
func Unavailable(after time.Duration, detail string, cause error) *Problem {
	p := New(http.StatusServiceUnavailable, detail)
	p.RetryAfter, p.Cause = after, cause
	return p
}

// Of finds the problem in err. An error that carries none becomes a 500 whose
// detail tells nothing of the inside.
func Of(err error) *Problem {
	if p, ok := errors.AsType[*Problem](err); ok {
		return p
	}
	p := New(http.StatusInternalServerError, "The server failed; the request may be sent again.")
	p.Cause = err
	return p
}

// Write answers w with p.
func Write(w http.ResponseWriter, p *Problem) {
	h := w.Header()
	h.Set("Content-Type", ContentType)
	h.Set("Cache-Control", "no-store")
	if p.RetryAfter > 0 {
		seconds := int64((p.RetryAfter + time.Second - 1) / time.Second)
		h.Set("Retry-After", strconv.FormatInt(seconds, 10))
	}
	w.WriteHeader(p.Status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(p) // the caller may be gone; there is nobody left to tell
}
