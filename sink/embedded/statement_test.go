package embedded

import (
	"errors"
	"io"
	"strings"
	"testing"
)

func TestReadStatement(t *testing.T) {
	for _, c := range []struct {
		name, query, body  string
		text, insert, data string
	}{
		{"select", "SELECT 1", "", "SELECT 1", "", ""},
		{"select in halves", "SELECT", " 1", "SELECT 1", "", ""},
		{"native data in the body", "INSERT INTO t (a) FORMAT Native", "\n\x00\n\n", "INSERT INTO t (a)", "Native", "\n\x00\n\n"},
		{"format and data in the body", "", "insert into t format CSV \r\n1,2\n", "insert into t", "CSV", "1,2\n"},
		{"format and data on one line", "", `INSERT INTO t FORMAT JSONEachRow {"a":1}`, "INSERT INTO t", "JSONEachRow", `{"a":1}`},
		{"only the first line break is ours", "", "INSERT INTO t FORMAT LineAsString\n\n\nx", "INSERT INTO t", "LineAsString", "\n\nx"},
		{"values", "INSERT INTO t VALUES", "(1)", "INSERT INTO t", "Values", "(1)"},
		{"values in the URL", "INSERT INTO t VALUES (1)", ",(2)", "INSERT INTO t", "Values", " (1),(2)"},
		{"format values", "INSERT INTO t FORMAT Values", "(1)", "INSERT INTO t", "Values", "(1)"},
		{"settings", "INSERT INTO t SETTINGS a=1, b='FORMAT x' FORMAT TSV", "1", "INSERT INTO t SETTINGS a=1, b='FORMAT x'", "TSV", "1"},
		{"comments and quotes", "/* FORMAT */ INSERT INTO `FORMAT` (`VALUES`) -- FORMAT\n FORMAT TSV", "1", "/* FORMAT */ INSERT INTO `FORMAT` (`VALUES`)", "TSV", "1"},
		{"tables with names of keywords", "INSERT INTO values.format (format, values) VALUES", "(1)", "INSERT INTO values.format (format, values)", "Values", "(1)"},
		{"into table", "INSERT INTO TABLE t VALUES", "", "INSERT INTO TABLE t", "Values", ""},
		{"into function", "INSERT INTO FUNCTION null('a Int8') VALUES", "(1)", "INSERT INTO FUNCTION null('a Int8')", "Values", "(1)"},
		{"insert select", "INSERT INTO t SELECT 1 FORMAT CSV", "", "INSERT INTO t SELECT 1 FORMAT CSV", "", ""},
		{"insert with", "INSERT INTO t WITH 1 AS x SELECT x", "", "INSERT INTO t WITH 1 AS x SELECT x", "", ""},
		{"insert from a file", "INSERT INTO t FROM INFILE 'x' FORMAT CSV", "", "INSERT INTO t FROM INFILE 'x' FORMAT CSV", "", ""},
		{"torn quote", "INSERT INTO `t FORMAT CSV", "1", "INSERT INTO `t FORMAT CSV1", "", ""},
		{"format without a name", "INSERT INTO t FORMAT", "", "INSERT INTO t FORMAT", "", ""},
		{"heredoc", "INSERT INTO t SETTINGS x=$a$ VALUES $a$ VALUES", "(1)", "INSERT INTO t SETTINGS x=$a$ VALUES $a$", "Values", "(1)"},
		{"nothing", "", "", "", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := readStatement(c.query, strings.NewReader(c.body))
			if err != nil {
				t.Fatal(err)
			}
			var data string
			if s.data != nil {
				b, err := io.ReadAll(s.data)
				if err != nil {
					t.Fatal(err)
				}
				data = string(b)
			}
			if s.text != c.text || s.insert != c.insert || data != c.data {
				t.Errorf("text %q, format %q, data %q", s.text, s.insert, data)
			}
		})
	}
}

func TestReadStatementStreamsData(t *testing.T) {
	const size = 64 << 20
	read := 0
	endless := readerFunc(func(p []byte) (int, error) {
		if read >= size {
			return 0, io.EOF
		}
		read += len(p)
		return len(p), nil
	})
	s, err := readStatement("", io.MultiReader(strings.NewReader("INSERT INTO t FORMAT RowBinary\n"), endless))
	if err != nil {
		t.Fatal(err)
	}
	if read > 2*maxStatement {
		t.Errorf("read %d bytes to find the statement", read)
	}
	if n, err := io.Copy(io.Discard, s.data); err != nil || n != int64(read) {
		t.Errorf("data: %d of %d bytes, %v", n, read, err)
	}
}

func TestReadStatementErrors(t *testing.T) {
	for _, c := range []struct {
		name string
		body io.Reader
		code int
	}{
		{"too long", strings.NewReader("SELECT '" + strings.Repeat("x", maxStatement)), codeQueryTooLarge},
		{"torn", io.MultiReader(strings.NewReader("SELECT 1"), readerFunc(func([]byte) (int, error) { return 0, io.ErrUnexpectedEOF })), codeCannotRead},
	} {
		_, err := readStatement("", c.body)
		var e *exception
		if !errors.As(err, &e) || e.code != c.code {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestShape(t *testing.T) {
	for _, c := range []struct {
		sql  string
		want shape
	}{
		{"select 1 format JSON", shape{"SELECT", "JSON", false}},
		{"-- x\nWITH (SELECT 1 FORMAT CSV) AS x SELECT x", shape{"WITH", "", false}},
		{"SELECT format('{}', 1), 'FORMAT CSV' FORMAT TSV SETTINGS a=1", shape{"SELECT", "TSV", false}},
		{"SELECT 1 INTO /* */ OUTFILE 'x'", shape{"SELECT", "", true}},
		{"(SELECT 1) FORMAT CSV", shape{"SELECT", "CSV", false}},
		{"", shape{}},
		{"SELECT 'torn", shape{"SELECT", "", false}},
	} {
		if got := shapeOf(c.sql); got != c.want {
			t.Errorf("%q: %+v, want %+v", c.sql, got, c.want)
		}
	}
}

// FuzzReadStatement checks that no byte gets lost or is invented between the
// text, the format and the data, and that the end is always reached.
func FuzzReadStatement(f *testing.F) {
	for _, seed := range []string{
		"INSERT INTO t FORMAT CSV\n1,2", "INSERT INTO t VALUES (1)", "INSERT INTO `a", "INSERT INTO a.b.c (x) SETTINGS y='\\'' FORMAT T\r\n",
		"$a$ x", "/* /* */", "INSERT $$ $$ FORMAT", "insert into format format format", "SELECT \"x\"\"y\" 'a''b' # c", "INSERT(((", "INSERT INTO t))) VALUES",
	} {
		f.Add(seed, "")
		f.Add("", seed)
		f.Add(seed[:len(seed)/2], seed[len(seed)/2:])
	}
	f.Fuzz(func(t *testing.T, query, body string) {
		s, err := readStatement(query, strings.NewReader(body))
		if err != nil {
			return
		}
		all := query + body
		if s.insert == "" {
			if s.text != all || s.data != nil {
				t.Fatalf("text %q of %q", s.text, all)
			}
			return
		}
		data, err := io.ReadAll(s.data)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(all, s.text) || !strings.HasSuffix(all, string(data)) || len(s.text)+len(data) >= len(all) {
			t.Fatalf("%q became %q and %q", all, s.text, data)
		}
		_ = shapeOf(all)
	})
}

// FuzzDeniedFunction checks that the look for denied functions ends on any text
// and finds a plain call put behind it, unless a quote or comment swallows it.
func FuzzDeniedFunction(f *testing.F) {
	g := guard{denied: map[string]bool{"file": true}}
	for _, seed := range []string{"SELECT 1", "'", "`", "/*", "--", "$a$", "\\", "APPLY(", "APPLY file", "\x00", "“"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, sql string) {
		found := g.deniedFunction(sql+"\n, file('x')") != ""
		ends := true
		for token := nextToken(sql+"\n", 0); token.kind != tokenEnd; token = nextToken(sql+"\n", token.end) {
			if token.kind == tokenTorn {
				ends = false
				break
			}
		}
		// A dollar at the end may open a quote that the suffix does not close.
		if ends && !found && !strings.Contains(sql, "$") {
			t.Errorf("%q hid the call", sql)
		}
	})
}
