package embedded

import (
	"bufio"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/ClickHouse/ch-go/compress"
	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// patience is how long a client may keep a statement's place without sending or
// taking any byte.
const patience = time.Minute

// requestBody undoes the transfer's compression (Content-Encoding) and
// ClickHouse's own (decompress=1), and gives up on a client that has stalled.
func requestBody(deadlines *http.ResponseController, r *http.Request) (io.ReadCloser, error) {
	in := io.Reader(&patientReader{r.Body, deadlines})
	done := func() error { return nil }
	var err error
	switch encoding := r.Header.Get("Content-Encoding"); encoding {
	case "", "identity":
	case "gzip":
		in, err = gzip.NewReader(in)
	case "deflate":
		in, err = zlib.NewReader(in)
	case "br":
		in = brotli.NewReader(in)
	case "lz4":
		in = lz4.NewReader(in)
	case "zstd":
		var z *zstd.Decoder
		if z, err = zstd.NewReader(in, zstd.WithDecoderConcurrency(1)); err == nil {
			in, done = z, func() error { z.Close(); return nil }
		}
	default:
		err = errors.New("Content-Encoding is none of gzip, deflate, br, zstd, lz4")
	}
	if err != nil {
		return nil, &exception{code: codeCannotDecompress, text: "request body: " + err.Error()}
	}
	if r.URL.Query().Get("decompress") == "1" {
		in = newBlockReader(in)
	}
	return readCloser{in, done}, nil
}

type readCloser struct {
	io.Reader
	done func() error
}

func (r readCloser) Close() error { return r.done() }

// patientReader moves the deadline on with every read. At the end of the body it
// takes the deadline away: the server goes on reading to see the client leave.
type patientReader struct {
	in        io.Reader
	deadlines *http.ResponseController
}

func (p *patientReader) Read(b []byte) (int, error) {
	if err := p.deadlines.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return 0, err
	}
	n, err := p.in.Read(b)
	if err != nil {
		_ = p.deadlines.SetReadDeadline(time.Time{})
	}
	return n, err
}

// blockReader reads ClickHouse's compressed blocks. ch-go's reader wraps the
// io.EOF of a torn block like that of a clean end, and read once more after the
// end it serves its last block again; here the end is plain, final, and only
// between two blocks.
type blockReader struct {
	in     io.Reader
	blocks *compress.Reader
	taken  int64 // bytes that blocks has read from in
	err    error
}

func newBlockReader(in io.Reader) *blockReader {
	b := &blockReader{in: bufio.NewReaderSize(in, 64<<10)}
	b.blocks = compress.NewReader(readerFunc(b.take))
	return b
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func (b *blockReader) take(p []byte) (int, error) {
	n, err := b.in.Read(p)
	b.taken += int64(n)
	return n, err
}

func (b *blockReader) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	before := b.taken
	n, err := b.blocks.Read(p)
	switch {
	case err == nil:
	case !errors.Is(err, io.EOF):
		b.err = err
	case b.taken > before:
		b.err = io.ErrUnexpectedEOF
	default:
		b.err = io.EOF
	}
	return n, b.err
}
