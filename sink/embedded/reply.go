package embedded

import (
	"compress/gzip"
	"compress/zlib"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/ClickHouse/ch-go/compress"
	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"
)

// reply writes one answer. Until the first byte of a result an error becomes an
// HTTP status; after it, an exception block at the end of the body.
type reply struct {
	w         http.ResponseWriter
	deadlines *http.ResponseController
	whole     bool             // wait_end_of_query=1: nothing before everything
	encoding  string           // Content-Encoding that the client asked for
	blocks    *compress.Writer // compress=1: ClickHouse's own compressed blocks
	tag       string           // marks the exception block of this answer

	started bool
	body    io.Writer
	close   func() error
	torn    error // the client is gone
}

func newReply(w http.ResponseWriter, r *http.Request) *reply {
	q := r.URL.Query()
	out := &reply{
		w: w, deadlines: http.NewResponseController(w), whole: q.Get("wait_end_of_query") == "1",
		tag: rand.Text()[:16], body: w, close: func() error { return nil },
	}
	if q.Get("compress") == "1" {
		method := compress.LZ4
		if strings.EqualFold(q.Get("network_compression_method"), "zstd") {
			method = compress.ZSTD
		}
		out.blocks = compress.NewWriter(compress.LevelZero, method)
	}
	if q.Get("enable_http_compression") == "1" {
		out.encoding = acceptedEncoding(r.Header.Get("Accept-Encoding"))
	}
	return out
}

// acceptedEncoding picks the first encoding of the header that can be served.
func acceptedEncoding(header string) string {
	for name := range strings.SplitSeq(header, ",") {
		name, _, _ = strings.Cut(strings.TrimSpace(name), ";")
		switch name {
		case "gzip", "deflate", "br", "zstd":
			return name
		}
	}
	return ""
}

// describe sets the headers that tell what follows.
func (o *reply) describe(queryID, format string) {
	h := o.w.Header()
	if queryID != "" {
		h.Set("X-ClickHouse-Query-Id", queryID)
	}
	h.Set("X-ClickHouse-Format", format)
	h.Set("X-ClickHouse-Exception-Tag", o.tag)
	h.Set("Content-Type", contentType(format))
}

func contentType(format string) string {
	switch {
	case strings.HasPrefix(format, "JSONEachRow"), format == "NDJSON", format == "JSONLines":
		return "application/x-ndjson; charset=UTF-8"
	case strings.HasPrefix(format, "JSON"):
		return "application/json; charset=UTF-8"
	case strings.HasPrefix(format, "CSV"):
		return "text/csv; charset=UTF-8"
	case strings.HasPrefix(format, "TabSeparated"), strings.HasPrefix(format, "TSV"):
		return "text/tab-separated-values; charset=UTF-8"
	case strings.HasPrefix(format, "Pretty"), format == "Vertical", format == "Values", format == "Markdown", format == "LineAsString":
		return "text/plain; charset=UTF-8"
	default:
		return "application/octet-stream"
	}
}

// summary sets the header that tells what the statement cost, where the result
// has not begun before it is known.
func (o *reply) summary(n counts) {
	if !o.started {
		o.w.Header().Set("X-ClickHouse-Summary", fmt.Sprintf(
			`{"read_rows":"%d","read_bytes":"%d","written_rows":"%d","written_bytes":"%d"}`,
			n.rowsRead, n.bytesRead, n.rowsWritten, n.bytesWritten))
	}
}

func (o *reply) start() {
	if o.started {
		return
	}
	o.started = true
	if o.encoding != "" {
		o.w.Header().Set("Content-Encoding", o.encoding)
	}
	switch o.encoding {
	case "gzip":
		z := gzip.NewWriter(o.w)
		o.body, o.close = z, z.Close
	case "deflate":
		z := zlib.NewWriter(o.w)
		o.body, o.close = z, z.Close
	case "br":
		z := brotli.NewWriterLevel(o.w, brotli.BestSpeed)
		o.body, o.close = z, z.Close
	case "zstd":
		// The options are constant and valid, so there is no error.
		z, _ := zstd.NewWriter(o.w, zstd.WithEncoderConcurrency(1))
		o.body, o.close = z, z.Close
	}
}

// take is a sink: it sends a piece of the result.
func (o *reply) take(n counts, b []byte) error {
	o.summary(n)
	return o.write(b)
}

func (o *reply) write(b []byte) error {
	o.start()
	const piece = 1 << 20
	for len(b) > 0 && o.torn == nil {
		n := min(len(b), piece)
		o.torn = o.send(b[:n])
		b = b[n:]
	}
	return o.torn
}

func (o *reply) send(b []byte) error {
	if err := o.deadlines.SetWriteDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	if o.blocks != nil {
		if err := o.blocks.Compress(b); err != nil {
			return err
		}
		b = o.blocks.Data
	}
	_, err := o.body.Write(b)
	return err
}

// finish ends a good answer.
func (o *reply) finish() {
	o.start()
	if o.torn == nil {
		o.torn = o.close()
	}
	o.release()
}

// release takes the deadline away: the connection serves further requests.
func (o *reply) release() { _ = o.deadlines.SetWriteDeadline(time.Time{}) }

// fail ends an answer with an error.
func (o *reply) fail(err error) {
	defer o.release()
	e := asException(err)
	if o.torn != nil {
		return
	}
	if o.started {
		// The length and the tag close the block as a server's does
		// (WriteBufferFromHTTPServerResponse::cancelWithException).
		text := e.Error()
		fmt.Fprintf(o.body, "\r\n__exception__\r\n%s\r\n%s\n%d %s\r\n__exception__\r\n", o.tag, text, len(text), o.tag)
		o.torn = o.close()
		return
	}
	h := o.w.Header()
	h.Set("Content-Type", "text/plain; charset=UTF-8")
	h.Set("X-ClickHouse-Exception-Code", strconv.Itoa(e.code))
	o.w.WriteHeader(e.status())
	_, o.torn = io.WriteString(o.w, e.Error()+"\n")
}
