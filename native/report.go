package native

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// report tells a person how far a download is: a bar that redraws itself on a
// terminal, a line every ten per cent elsewhere.
type report struct {
	out      io.Writer
	terminal bool
	label    string
	total    int64
	now      func() time.Time
	drawn    time.Time
	tenth    int64
}

func newReport(out io.Writer, label string, total int64) *report {
	if out == nil {
		out = io.Discard
	}
	return &report{out: out, terminal: isTerminal(out), label: label, total: total, now: time.Now, tenth: -1}
}

func isTerminal(out io.Writer) bool {
	f, ok := out.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("TERM") != "dumb"
}

// reader counts what passes, from the offset on, and calls alive for each read.
func (r *report) reader(in io.Reader, offset int64, alive func()) io.Reader {
	return &countingReader{in: in, done: offset, each: func(done int64) { alive(); r.progress(done) }}
}

type countingReader struct {
	in   io.Reader
	done int64
	each func(done int64)
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.in.Read(p)
	c.done += int64(n)
	c.each(c.done)
	return n, err
}

func (r *report) progress(done int64) {
	const width = 30
	if !r.terminal {
		if tenth := 10 * done / max(r.total, 1); tenth > r.tenth {
			r.tenth = tenth
			fmt.Fprintf(r.out, "fetching %s: %d %% of %d MB\n", r.label, 10*tenth, megabytes(r.total))
		}
		return
	}
	if now := r.now(); now.Sub(r.drawn) >= 100*time.Millisecond || done >= r.total {
		r.drawn = now
		full := int(min(width*done/max(r.total, 1), width))
		fmt.Fprintf(r.out, "\rfetching %s [%s%s] %d/%d MB ", r.label,
			strings.Repeat("=", full), strings.Repeat(" ", width-full), megabytes(done), megabytes(r.total))
	}
}

func (r *report) note(text string) {
	if r.terminal {
		fmt.Fprintln(r.out)
	}
	fmt.Fprintf(r.out, "fetching %s: %s\n", r.label, text)
}

func (r *report) done() {
	if r.terminal {
		fmt.Fprintln(r.out)
	}
	fmt.Fprintf(r.out, "fetched %s, verified\n", r.label)
}

func megabytes(n int64) int64 { return (n + 500_000) / 1_000_000 }
