package embedded

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
)

// maxStatement bounds the text of a statement; data of an INSERT does not count.
const maxStatement = 1 << 20

// statement is one request's SQL, with the data that follows an INSERT apart:
// the engine streams data by itself, but given both in one text it takes the
// first empty line in the data for their border.
type statement struct {
	text   string
	insert string    // the format of data; "" if the statement takes none
	data   io.Reader // what follows the statement
}

// whole gives the statement as the engine's parser expects it.
func (s statement) whole() string {
	if s.insert == "" {
		return s.text
	}
	return s.text + " FORMAT " + s.insert
}

// readStatement finds the statement in the query parameter and the body, which
// the HTTP interface of ClickHouse reads as one text, one behind the other.
func readStatement(query string, body io.Reader) (statement, error) {
	if text, format, from := splitInsert(query); format != "" {
		return statement{text, format, io.MultiReader(strings.NewReader(query[from:]), body)}, nil
	}
	in := bufio.NewReaderSize(io.MultiReader(strings.NewReader(query), body), maxStatement+1)
	head, err := in.Peek(maxStatement + 1)
	if err != nil && !errors.Is(err, io.EOF) {
		return statement{}, &exception{code: codeCannotRead, text: fmt.Sprintf("request body: %v", err)}
	}
	if text, format, from := splitInsert(string(head)); format != "" {
		// Peeked bytes are always there to discard.
		_, _ = in.Discard(from)
		return statement{text, format, in}, nil
	}
	if len(head) > maxStatement {
		return statement{}, &exception{code: codeQueryTooLarge, text: fmt.Sprintf("the statement is longer than %d bytes", maxStatement)}
	}
	return statement{text: string(head)}, nil
}

// splitInsert finds where the data of an INSERT begins: behind VALUES, or
// behind FORMAT and its name up to the end of that line. Without data of its
// own (another statement, INSERT … SELECT) the format is "".
func splitInsert(sql string) (text, format string, from int) {
	t := nextToken(sql, 0)
	if !t.is("INSERT") {
		return "", "", 0
	}
	depth, named := 0, false
	for previous := t; ; previous = t {
		t = nextToken(sql, previous.end)
		switch {
		case t.kind == tokenEnd || t.kind == tokenTorn:
			return "", "", 0
		case t.kind == tokenSign && t.text == "(":
			depth++
		case t.kind == tokenSign && t.text == ")":
			depth--
		case depth > 0 || !named && (t.is("INTO") || t.is("TABLE") || t.is("FUNCTION")):
		case !named || previous.text == ".": // the table's name, whatever it is
			named = true
		case t.is("SELECT"), t.is("WITH"), t.is("WATCH"), t.is("INFILE"):
			return "", "", 0
		case t.is("VALUES"):
			return sql[:previous.end], "Values", t.end
		case t.is("FORMAT"):
			name := nextToken(sql, t.end)
			if name.kind != tokenWord {
				return "", "", 0
			}
			return sql[:previous.end], name.text, lineStart(sql, name.end)
		}
	}
}

// lineStart skips the rest of a blank line.
func lineStart(sql string, at int) int {
	for at < len(sql) && (sql[at] == ' ' || sql[at] == '\t' || sql[at] == '\r') {
		at++
	}
	if at < len(sql) && sql[at] == '\n' {
		at++
	}
	return at
}

// shape is what the handler must know of a statement before it runs it.
type shape struct {
	first  string // first keyword, in upper case
	format string // of the FORMAT clause, "" without one
	files  bool   // INTO OUTFILE or FROM INFILE: files of the server's machine
}

func shapeOf(sql string) shape {
	var s shape
	depth := 0
	var previous token
	for t := nextToken(sql, 0); t.kind != tokenEnd && t.kind != tokenTorn; t = nextToken(sql, t.end) {
		if s.first == "" && t.kind == tokenWord {
			s.first = strings.ToUpper(t.text)
		}
		switch {
		case t.text == "(" && t.kind == tokenSign:
			depth++
		case t.text == ")" && t.kind == tokenSign:
			depth--
		case previous.is("INTO") && t.is("OUTFILE"), previous.is("FROM") && t.is("INFILE"):
			s.files = true
		case depth == 0 && previous.is("FORMAT") && t.kind == tokenWord:
			s.format = t.text
		}
		previous = t
	}
	return s
}
