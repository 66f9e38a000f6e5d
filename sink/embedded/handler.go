package embedded

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"time"
)

// handler speaks the HTTP interface of ClickHouse
// (https://clickhouse.com/docs/en/interfaces/http). Not offered: sessions
// across requests, external tables, predefined queries.
type handler struct {
	engine   *engine
	accounts accounts
	// readers and writers hold a place for each statement that may run at once,
	// apart, so that questions never keep the pipeline from writing.
	readers, writers chan struct{}
	// queue is how long a statement waits for a place.
	queue time.Duration
}

func newHandler(e *engine, a accounts, queries int) *handler {
	return &handler{
		engine: e, accounts: a, queue: 10 * time.Second,
		readers: make(chan struct{}, queries), writers: make(chan struct{}, queries),
	}
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-ClickHouse-Server-Display-Name", "throughline")
	w.Header().Set("X-ClickHouse-Timezone", h.engine.timezone)
	switch {
	case r.Method != http.MethodGet && r.Method != http.MethodPost && r.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD, POST")
		http.Error(w, "the ClickHouse HTTP interface takes GET and POST", http.StatusMethodNotAllowed)
	case r.URL.Path == "/ping", r.URL.Path == "/replicas_status",
		r.URL.Path == "/" && r.Method != http.MethodPost && !r.URL.Query().Has("query"):
		_, _ = io.WriteString(w, "Ok.\n")
	case r.URL.Path != "/":
		http.Error(w, "there is nothing at this path: statements go to /", http.StatusNotFound)
	default:
		out := newReply(w, r)
		if err := h.answer(out, r); err != nil {
			out.fail(err)
			return
		}
		out.finish()
	}
}

// request is one statement with everything the query string says about it.
type request struct {
	statement
	shape    shape
	role     role
	database string
	format   string // of the output when the statement names none
	settings []setting
	params   []param
}

func (h *handler) answer(out *reply, r *http.Request) error {
	who, err := h.accounts.authenticate(r)
	if err != nil {
		return err
	}
	leave, err := h.enter(r.Context(), who)
	if err != nil {
		return err
	}
	defer leave()
	body, err := requestBody(out.deadlines, r)
	if err != nil {
		return err
	}
	defer body.Close()
	q, err := readRequest(r, body)
	if err != nil {
		return err
	}
	q.role = who
	if isHello(q.text) {
		return h.hello(out, r)
	}
	return h.run(out, r, q)
}

// enter takes a place among the running statements.
func (h *handler) enter(ctx context.Context, who role) (leave func(), err error) {
	places := h.readers
	if who == roleWriter {
		places = h.writers
	}
	select {
	case places <- struct{}{}:
		return func() { <-places }, nil
	default:
	}
	wait, cancel := context.WithTimeout(ctx, h.queue)
	defer cancel()
	select {
	case places <- struct{}{}:
		return func() { <-places }, nil
	case <-wait.Done():
		return nil, &exception{code: codeTooManyQueries, text: fmt.Sprintf(
			"Too many simultaneous queries: %d run already and none ended within %v", cap(places), h.queue)}
	}
}

var settingName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.]*$`)

func readRequest(r *http.Request, body io.Reader) (*request, error) {
	if strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/form-data") {
		return nil, &exception{code: codeNotImplemented, text: "external tables (multipart/form-data) are not offered by the embedded ClickHouse"}
	}
	values := r.URL.Query()
	q := &request{
		database: cmp.Or(values.Get("database"), r.Header.Get("X-ClickHouse-Database")),
		format:   cmp.Or(values.Get("default_format"), r.Header.Get("X-ClickHouse-Format"), "TabSeparated"),
	}
	for name := range values {
		value := values.Get(name)
		if p, ok := strings.CutPrefix(name, "param_"); ok {
			q.params = append(q.params, param{p, value})
			continue
		}
		switch name {
		case "query", "database", "default_format", "query_id", "compress", "decompress", "client_protocol_version",
			"wait_end_of_query", "buffer_size", "session_id", "session_timeout", "session_check", "close_session",
			"user", "password", "quota_key", "stacktrace", "role", "enable_http_compression", "http_zlib_compression_level", "log_comment",
			"network_compression_method", "network_zstd_compression_level":
			continue
		}
		if !settingName.MatchString(name) {
			return nil, &exception{code: codeBadArguments, text: "parameter of the URL is no setting: its name may have letters, digits and _ only"}
		}
		q.settings = append(q.settings, setting{name, value})
	}
	var err error
	q.statement, err = readStatement(values.Get("query"), body)
	if err != nil {
		return nil, err
	}
	q.shape = shapeOf(q.text)
	if q.shape.format != "" && q.insert == "" {
		q.format = q.shape.format
	}
	return q, nil
}

// run checks a statement and runs it.
func (h *handler) run(out *reply, r *http.Request, q *request) error {
	if err := h.allow(q); err != nil {
		return err
	}
	out.describe(cmp.Or(r.URL.Query().Get("query_id"), rand.Text()), q.format)
	ctx := r.Context()
	var failed error
	err := h.engine.with(sessionKind{q.role, q.database}, q.settings, func(s *session) (keep bool) {
		defer h.engine.killWhenDone(ctx, s)()
		var total counts
		total, failed = execute(s, q, out)
		out.summary(total)
		// A stream that ended in an error keeps its statement until the session
		// closes; USE and SET leave a session that is not like the others.
		return failed == nil && q.shape.first != "USE" && q.shape.first != "SET"
	})
	if err != nil {
		return err
	}
	return failed
}

func (h *handler) allow(q *request) error {
	if q.shape.files {
		return &exception{code: codeSupportDisabled, text: "INTO OUTFILE and FROM INFILE would use files of the server's machine: send or save the data over HTTP"}
	}
	var failed error
	err := h.engine.with(sessionKind{role: roleWriter}, nil, func(s *session) bool {
		if q.role == roleReader {
			failed = h.engine.guard.check(s, q.whole())
			return true
		}
		_, count, err := s.classify(q.whole())
		if failed = err; err == nil && count > 1 {
			failed = errMultipleStatements()
		}
		return true
	})
	if err != nil || failed != nil {
		return cmp.Or(err, failed)
	}
	if q.role == roleReader {
		for _, set := range q.settings {
			if !readerSetting(set.name) {
				return &exception{code: codeSettingForbidden, text: "Setting " + set.name + " should not be changed by this user"}
			}
		}
	}
	return nil
}

// execute runs the statement in the way that fits it: an INSERT streams its
// data in, a SELECT streams blocks out where blocks of the format simply
// follow each other, and anything else answers in one piece.
func execute(s *session, q *request, out *reply) (counts, error) {
	switch {
	case q.insert != "":
		return s.insert(q.text, q.insert, q.params, q.data)
	case !out.whole && streams(q.format) && (q.shape.first == "SELECT" || q.shape.first == "WITH"):
		return s.stream(q.text, q.format, q.params, out.take)
	default:
		return s.query(q.text, q.format, q.params, out.take)
	}
}

// streams reports whether documents of the format, one behind the other, are
// one document: formats with a header, a frame or totals are not so.
func streams(format string) bool {
	switch format {
	case "Native", "RowBinary", "TabSeparated", "TSV", "TabSeparatedRaw", "TSVRaw", "CSV", "JSONEachRow", "NDJSON", "JSONLines", "LineAsString":
		return true
	default:
		return false
	}
}
