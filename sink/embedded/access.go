package embedded

import (
	"crypto/subtle"
	"fmt"
	"net"
	"net/http"
	"strings"
)

// Account is a user of the HTTP interface.
type Account struct {
	User     string `json:"user"`
	Password string `json:"password"`
}

// DefaultReader is the read-only user; QA asks as it, with no password unless
// one is configured. A request without credentials is its as well.
const DefaultReader = "qa"

// DefaultWriter is the user that the pipeline writes as. Its password is
// generated at every start unless one is configured.
const DefaultWriter = "throughline"

// role is what an account may do.
type role byte

const (
	roleReader role = iota
	roleWriter
)

// accounts are the two users there are.
type accounts struct {
	Reader Account `json:"reader"`
	Writer Account `json:"writer"`
}

// authenticate finds who asks. ClickHouse takes credentials in any one of three
// places: X-ClickHouse-User and -Key, HTTP basic, user= and password=.
func (a accounts) authenticate(r *http.Request) (role, error) {
	user, password := r.Header.Get("X-ClickHouse-User"), r.Header.Get("X-ClickHouse-Key")
	if user == "" && password == "" {
		user, password, _ = r.BasicAuth()
	}
	if q := r.URL.Query(); user == "" && password == "" {
		user, password = q.Get("user"), q.Get("password")
	}
	if user == "" || user == "default" {
		user = a.Reader.User
	}
	if password == "" && !namesThisMachine(r.Host) {
		return 0, &exception{code: codeAuthentication, text: "Authentication failed: without a password, ask by IP address or as localhost"}
	}
	for _, known := range []struct {
		Account
		role
	}{{a.Writer, roleWriter}, {a.Reader, roleReader}} {
		if user == known.User && subtle.ConstantTimeCompare([]byte(password), []byte(known.Password)) == 1 {
			return known.role, nil
		}
	}
	return 0, &exception{code: codeAuthentication, text: "Authentication failed: password is incorrect, or there is no such user"}
}

// namesThisMachine tells a person's request from one that a web page sends after
// its own name was made to point to this machine (DNS rebinding).
func namesThisMachine(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return host == "localhost" || net.ParseIP(strings.Trim(host, "[]")) != nil
}

// readerSetting reports whether the reader may choose the setting itself. What
// is not listed could name files, carry expressions that no check sees, change
// the language of the statement, or take memory from the pipeline.
func readerSetting(name string) bool {
	switch name {
	case "max_threads", "max_execution_time", "max_block_size", "limit", "offset", "extremes", "priority",
		"max_rows_to_read", "max_bytes_to_read", "read_overflow_mode", "timeout_overflow_mode",
		"max_result_rows", "max_result_bytes", "result_overflow_mode", "join_use_nulls",
		"date_time_output_format", "session_timezone", "use_uncompressed_cache",
		"network_compression_method", "network_zstd_compression_level",
		"send_progress_in_http_headers", "http_headers_progress_interval_ms", "cancel_http_readonly_queries_on_client_close":
		return true
	case "output_format_schema":
		return false
	default:
		return strings.HasPrefix(name, "output_format_")
	}
}

// guard refuses what the read-only user may not run. The engine's own
// readonly=1 is the second line behind it; it leaves holes that are closed here:
// functions that read files, KILL, INTO OUTFILE, and DESCRIBE of an address.
type guard struct {
	// denied are functions and table functions that reach out of the database.
	denied map[string]bool
}

// newGuard asks the engine which of its table functions need more than reading.
func newGuard(s *session) (guard, error) {
	g := guard{denied: map[string]bool{}}
	for _, name := range []string{
		"file",                                                                     // reads any file of the machine
		"eval",                                                                     // runs a text that no check has seen
		"catboostevaluate",                                                         // reads a model file
		"addresstoline", "addresstolinewithinlines", "addresstosymbol", "demangle", // the process's memory
		"aigenerate", "aiclassify", "aiextract", "aitranslate", "aiembed", // the network
		"sleep", "sleepeachrow", // occupies a place for nothing
	} {
		g.denied[name] = true
	}
	names, err := s.text("SELECT name FROM system.table_functions WHERE NOT allow_readonly")
	if err != nil {
		return guard{}, fmt.Errorf("list table functions: %w", err)
	}
	for name := range strings.FieldsSeq(names) {
		// These two read no more than the statement and the database hold, and
		// are scalar functions and words of everyday queries as well.
		if name != "format" && name != "dictionary" {
			g.denied[strings.ToLower(name)] = true
		}
	}
	return g, nil
}

// check refuses a statement of the reader. The engine's parser decides what
// kind it is and rewrites it in one plain form, without comments and unusual
// quotes, so that a name cannot hide from the look for denied functions.
func (g guard) check(s *session, sql string) error {
	class, count, err := s.classify(sql)
	if err != nil {
		return err
	}
	if count > 1 {
		return errMultipleStatements()
	}
	plain, err := s.text("SELECT formatQuerySingleLine({q:String})", param{"q", escapeParam(sql)})
	if err != nil {
		return err
	}
	if class != classRead {
		return &exception{code: codeReadonly, text: "this user only reads: SELECT, WITH, SHOW, DESCRIBE, EXPLAIN and EXISTS are allowed"}
	}
	if name := g.deniedFunction(plain); name != "" {
		return &exception{code: codeAccessDenied, text: "this user may not call " + name + "(): it reaches out of the database"}
	}
	return nil
}

// deniedFunction finds the first call of a denied function: a name in front of
// a parenthesis, or behind APPLY, which takes a bare name.
func (g guard) deniedFunction(plain string) string {
	var last, before token
	for t := nextToken(plain, 0); t.kind != tokenEnd; t = nextToken(plain, t.end) {
		if t.kind == tokenTorn {
			return "a torn statement"
		}
		called := t.text == "(" && t.kind == tokenSign
		if name := strings.ToLower(last.text); called && last.kind != tokenSign && g.denied[name] {
			return last.text
		}
		applied := last.is("APPLY") || last.text == "(" && before.is("APPLY")
		if applied && g.denied[strings.ToLower(t.text)] {
			return t.text
		}
		// Reading this table interrupts every thread of the process, Go's too.
		if strings.EqualFold(t.text, "stack_trace") {
			return t.text
		}
		before, last = last, t
	}
	return ""
}

func errMultipleStatements() error {
	return &exception{code: codeSyntax, text: "Syntax error (Multi-statements are not allowed): send one statement a request"}
}

// escapeParam writes a text as parameters are taken: escaped as in TSV.
func escapeParam(s string) string {
	return strings.NewReplacer(`\`, `\\`, "\n", `\n`, "\t", `\t`, "\r", `\r`, "\x00", `\0`).Replace(s)
}

// sqlString writes a string literal.
func sqlString(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
}

// sqlName writes a quoted identifier.
func sqlName(s string) string {
	return "`" + strings.NewReplacer(`\`, `\\`, "`", "\\`").Replace(s) + "`"
}
