package embedded

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestAccess(t *testing.T) {
	dir := t.TempDir()
	s := start(t, Config{
		Dir:    filepath.Join(dir, "db"),
		Reader: Account{"qa", "look"}, Writer: Account{"throughline", "change"},
	})
	secret := filepath.Join(dir, "secret.csv")
	if err := os.WriteFile(secret, []byte("hush,hush\n1,2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	write(t, s, "CREATE TABLE t (a Int64, file String) ENGINE = MergeTree ORDER BY a")
	write(t, s, "INSERT INTO t VALUES (1, 'x')")
	write(t, s, "CREATE VIEW v AS SELECT a FROM t")
	asReader := func(r *http.Request) { r.SetBasicAuth("qa", "look") }

	t.Run("who", func(t *testing.T) {
		header := func(user, key string) func(*http.Request) {
			return func(r *http.Request) {
				r.Header.Set("X-ClickHouse-User", user)
				r.Header.Set("X-ClickHouse-Key", key)
			}
		}
		for _, c := range []struct {
			name   string
			values url.Values
			change func(*http.Request)
			writes bool
			status int
		}{
			{"writer by header", nil, header("throughline", "change"), true, 200},
			{"writer by basic auth", nil, func(r *http.Request) { r.SetBasicAuth("throughline", "change") }, true, 200},
			{"writer by URL", url.Values{"user": {"throughline"}, "password": {"change"}}, func(*http.Request) {}, true, 200},
			{"reader by header", nil, header("qa", "look"), false, 200},
			{"writer with the reader's password", nil, header("throughline", "look"), false, 403},
			{"writer without a password", nil, header("throughline", ""), false, 403},
			{"nobody, as the reader has a password", nil, func(*http.Request) {}, false, 403},
			{"stranger", nil, header("mallory", "look"), false, 403},
		} {
			values := url.Values{"query": {"SELECT 1"}}
			for k, v := range c.values {
				values[k] = v
			}
			if a := ask(t, s, values, nil, c.change); a.status != c.status || c.status == 403 && a.code() != "516" {
				t.Errorf("%s: %d %s", c.name, a.status, a.body)
			}
			values.Set("query", "CREATE TABLE IF NOT EXISTS w (a Int8) ENGINE = Memory")
			if a := ask(t, s, values, nil, c.change); (a.status == 200) != c.writes {
				t.Errorf("%s: creating a table: %d %s", c.name, a.status, a.body)
			}
		}
	})

	t.Run("what the reader may", func(t *testing.T) {
		for _, q := range []string{
			"SELECT * FROM t", "SELECT file FROM t", "SELECT a AS file, (a) FROM t", "SELECT * FROM v", "WITH 1 AS x SELECT x", "SHOW TABLES",
			"DESCRIBE TABLE t", "EXPLAIN SELECT a FROM t", "EXISTS TABLE t", "SHOW CREATE TABLE t", "SELECT format('{}', 'x')",
			"SELECT 'file(/etc/passwd)'", "SELECT 1 -- file('x')", "SELECT a FROM t FORMAT Parquet", "SELECT * FROM numbers(3)",
			"SELECT * FROM merge('default', '^t$')", "SELECT name FROM system.tables LIMIT 1", "(SELECT 1) UNION ALL (SELECT 2)",
		} {
			if a := ask(t, s, url.Values{"query": {q}}, nil, asReader); a.status != 200 {
				t.Errorf("%s: %d %s", q, a.status, a.body)
			}
		}
		for _, name := range []string{"max_threads", "max_execution_time", "output_format_json_quote_64bit_integers"} {
			if a := ask(t, s, url.Values{"query": {"SELECT 1"}, name: {"1"}}, nil, asReader); a.status != 200 {
				t.Errorf("setting %s: %d %s", name, a.status, a.body)
			}
		}
	})

	t.Run("what the reader may not", func(t *testing.T) {
		out := filepath.Join(dir, "out.csv")
		for _, q := range []string{
			"INSERT INTO t VALUES (2, '')", "INSERT INTO t SELECT 2, ''", "INSERT INTO FUNCTION file('" + out + "') SELECT 1",
			"CREATE TABLE x (a Int8) ENGINE = Memory", "CREATE TEMPORARY TABLE x (a Int8)", "CREATE DATABASE x", "CREATE VIEW x AS SELECT 1",
			"CREATE FUNCTION x AS (a) -> a", "CREATE USER x", "GRANT ALL ON *.* TO qa", "EXECUTE AS throughline SELECT 1",
			"DROP TABLE t", "TRUNCATE TABLE t", "RENAME TABLE t TO x", "EXCHANGE TABLES t AND v", "DETACH TABLE t", "ATTACH TABLE x",
			"ALTER TABLE t DELETE WHERE 1", "ALTER TABLE t DROP COLUMN file", "DELETE FROM t WHERE 1", "UPDATE t SET file = '' WHERE 1", "OPTIMIZE TABLE t",
			"SYSTEM FLUSH LOGS", "SYSTEM SHUTDOWN", "SYSTEM STOP MERGES", "KILL QUERY WHERE 1", "KILL MUTATION WHERE 1",
			"BACKUP TABLE t TO File('" + out + "')", "SET readonly=0", "SET max_threads=1", "USE system", "SELECT 1; DROP TABLE t",
			"SELECT 1 INTO OUTFILE '" + out + "'", "SELECT 1 FORMAT CSV SETTINGS readonly=0", "SELECT 1 SETTINGS readonly=0", "SELECT 1 SETTINGS max_memory_usage=0",
			"SELECT file('" + secret + "')", "SELECT FILE('" + secret + "')", "SELECT `file`('" + secret + "')", "SELECT `fi\\x6ce`('" + secret + "')",
			"SELECT \"file\" /* a /* b */ c */ ('" + secret + "')", "SELECT file -- hidden\n('" + secret + "')", "SELECT file #! hidden\n('" + secret + "')",
			"SELECT * APPLY file FROM (SELECT '" + secret + "')", "SELECT * APPLY(file) FROM (SELECT '" + secret + "')", "SELECT COLUMNS('.') APPLY (`file`) FROM (SELECT '" + secret + "' AS x)",
			"SELECT arrayMap(x -> file(x), ['" + secret + "'])", "WITH file('" + secret + "') AS x SELECT x", "SELECT 1 WHERE 1 IN file('" + secret + "')",
			"SELECT * FROM file('" + secret + "', 'LineAsString')", "SELECT * FROM '" + secret + "'", "SELECT * FROM `" + secret + "`",
			"DESCRIBE file('" + secret + "', 'CSVWithNames')", "DESCRIBE TABLE file('" + secret + "')", "EXPLAIN SELECT file('" + secret + "')",
			"EXPLAIN TABLE OVERRIDE file('" + secret + "') COLUMNS (a Int8)", "SELECT * FROM eval('SELECT file(''" + secret + "'')')",
			"SELECT * FROM (SELECT * FROM url('http://127.0.0.1:9/', 'LineAsString'))", "DESCRIBE url('http://127.0.0.1:9/x.csv')",
			"SELECT * FROM s3('http://127.0.0.1:9/bucket/x.csv')", "DESCRIBE s3('http://127.0.0.1:9/bucket/x.csv', NOSIGN)", "SELECT * FROM remote('127.0.0.1:9', 'system.one')",
			"SELECT * FROM executable('x.sh', 'TSV', 'a Int8', (SELECT 1))", "SELECT * FROM mysql('127.0.0.1:9', 'a', 'b', 'c', 'd')", "SELECT * FROM postgresql('127.0.0.1:9', 'a', 'b', 'c', 'd')",
			"SELECT * FROM sqlite('" + secret + "', 'x')", "SELECT * FROM filesystem('/etc')", "SELECT * FROM cluster('default', file('" + secret + "'))", "SELECT * FROM fileCluster('x', '" + secret + "')",
			"SELECT catboostEvaluate('" + secret + "', 1)", "SELECT addressToLine(toUInt64(1))", "SELECT * FROM system.stack_trace", "SELECT sleep(3)",
			"SELECT 1 PARALLEL WITH DROP TABLE t", "SELECT $x$ $x$, file('" + secret + "')", "SELECT \u2018x\u2019, file('" + secret + "')", "SELECT \u201cfile\u201d('" + secret + "')",
		} {
			a := ask(t, s, url.Values{"query": {q}}, nil, asReader)
			if a.status < 400 || strings.Contains(a.body, "hush") {
				t.Errorf("%s: %d %s", q, a.status, a.body)
			}
		}
		for _, c := range []url.Values{
			{"query": {"SELECT 1"}, "readonly": {"0"}},
			{"query": {"SELECT 1"}, "max_memory_usage": {"0"}},
			{"query": {"SELECT 1"}, "dialect": {"kusto"}},
			{"query": {"SELECT 1"}, "output_format_schema": {out}},
			{"query": {"SELECT 1"}, "additional_result_filter": {"file('" + secret + "') = ''"}},
			{"query": {"SELECT 1 FORMAT Template"}, "format_template_resultset": {secret}},
			{"query": {"SELECT 1"}, "allow_introspection_functions": {"1"}},
			{"query": {"SELECT {f:Identifier}('" + secret + "')"}, "param_f": {"file"}},
			{"query": {"SELECT * FROM {f:Identifier}('" + secret + "', 'LineAsString')"}, "param_f": {"file"}},
		} {
			if a := ask(t, s, c, nil, asReader); a.status < 400 || strings.Contains(a.body, "hush") {
				t.Errorf("%v: %d %s", c, a.status, a.body)
			}
		}
		a := ask(t, s, nil, strings.NewReader("INSERT INTO t FORMAT CSV\n5,x\n"), asReader)
		if a.status != 403 || a.code() != "164" {
			t.Errorf("streamed insert: %d %s", a.status, a.body)
		}
		if _, err := os.Stat(out); err == nil {
			t.Error("the reader made a file")
		}
		if got := write(t, s, "SELECT count(), any(file) FROM t"); got != "1\tx\n" {
			t.Errorf("the table holds %q", got)
		}
	})
}

func TestReaderWithoutAPassword(t *testing.T) {
	a := accounts{Reader: Account{User: "qa"}, Writer: Account{User: "throughline", Password: "change"}}
	for _, c := range []struct {
		host, user, password string
		ok                   bool
	}{
		{"127.0.0.1:8123", "", "", true},
		{"localhost:8123", "", "", true},
		{"[::1]:8123", "", "", true},
		{"[::1]", "", "", true},
		{"rebound.example:8123", "", "", false},
		{"rebound.example", "default", "", false},
		{"rebound.example", "qa", "", false},
		{"localhost", "qa", "guess", false},
		{"localhost", "throughline", "", false},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Host = c.host
		if c.user != "" {
			r.SetBasicAuth(c.user, c.password)
		}
		if who, err := a.authenticate(r); (err == nil) != c.ok || who != roleReader {
			t.Errorf("%+v: %v, %v", c, who, err)
		}
	}
}

func TestPlacesAreBounded(t *testing.T) {
	h := newHandler(nil, accounts{}, 2)
	h.queue = 20 * time.Millisecond
	var leave []func()
	for range 2 {
		l, err := h.enter(t.Context(), roleReader)
		if err != nil {
			t.Fatal(err)
		}
		leave = append(leave, l)
	}
	_, err := h.enter(t.Context(), roleReader)
	if e := asException(err); err == nil || e.code != codeTooManyQueries || e.status() != http.StatusServiceUnavailable {
		t.Errorf("a third reader: %v", err)
	}
	if _, err := h.enter(t.Context(), roleWriter); err != nil {
		t.Errorf("readers keep a writer out: %v", err)
	}
	h.queue = 10 * time.Second
	time.AfterFunc(20*time.Millisecond, leave[0])
	if _, err := h.enter(t.Context(), roleReader); err != nil {
		t.Errorf("a place that gets free: %v", err)
	}
}
