package resample

import (
	"fmt"
	"time"

	"throughline/media"
)

// Writer converts blocks on their way to the next writer of a chain.
type Writer struct {
	r      *Resampler
	next   media.PCMWriter
	buf    []int16
	begun  bool
	base   time.Duration // media time of the resampler's first sample
	taken  int64         // samples in since base
	given  int64         // samples out since base
	origin media.Origin
}

// NewWriter gives a link that takes audio at the rate in and passes it on at next.Rate(). Equal
// rates pass through unchanged.
func NewWriter(in int, next media.PCMWriter) (*Writer, error) {
	w := &Writer{next: next}
	var err error
	if w.r, err = New(in, next.Rate()); err != nil {
		return nil, fmt.Errorf("new resampler: %w", err)
	}
	return w, nil
}

// Rate is the rate of what WritePCM takes.
func (w *Writer) Rate() int { return w.r.in }

// String prints the chain from here on.
func (w *Writer) String() string {
	return fmt.Sprintf("%d→%d Hz → %v", w.r.in, w.r.out, w.next)
}

// WritePCM converts a block. Where blocks leave a hole in media time, the sound before it is
// finished first.
func (w *Writer) WritePCM(b media.Block) error {
	if w.r.in == w.r.out {
		return w.next.WritePCM(b)
	}
	if w.begun {
		end := w.base + media.TicksDuration(w.taken, w.r.in)
		if d := b.Offset - end; d > time.Millisecond || d < -time.Millisecond {
			if err := w.Flush(); err != nil {
				return err
			}
		}
	}
	if !w.begun {
		w.begun, w.base, w.taken, w.given = true, b.Offset, 0, 0
	}
	w.taken += int64(len(b.Samples))
	w.origin = b.Origin
	w.buf = w.r.Append(w.buf[:0], b.Samples)
	return w.pass()
}

// Flush passes on the end of the sound.
func (w *Writer) Flush() error {
	if !w.begun || w.r.in == w.r.out {
		return nil
	}
	w.begun = false
	w.buf = w.r.Flush(w.buf[:0])
	return w.pass()
}

func (w *Writer) pass() error {
	if len(w.buf) == 0 {
		return nil
	}
	at := w.base + media.TicksDuration(w.given, w.r.out)
	w.given += int64(len(w.buf))
	return w.next.WritePCM(media.Block{Offset: at, Samples: w.buf, Origin: w.origin})
}
