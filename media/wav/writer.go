package wav

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	"throughline/media"
	"throughline/media/codec"
)

const headerSize = 44

// Writer writes a recording. To a file it patches the sizes when it is closed; to a stream it says
// that they are unknown.
type Writer struct {
	out    io.Writer
	format Format
	octets int64
	buf    []byte
	begun  bool
	base   time.Duration // media time of the first sample, where blocks come from a chain
}

// NewWriter writes the header. Format's Bits may be 0; PCM is written with 16.
func NewWriter(out io.Writer, f Format) (*Writer, error) {
	switch f.Encoding {
	case PCM:
		f.Bits = 16
	case ULaw, ALaw:
		f.Bits = 8
	default:
		return nil, fmt.Errorf("wav writer: encoding %#x: %w", uint16(f.Encoding), ErrUnsupported)
	}
	if err := f.validate(); err != nil {
		return nil, fmt.Errorf("wav writer: %w", err)
	}
	w := &Writer{out: out, format: f}
	if _, err := out.Write(w.header(math.MaxUint32)); err != nil {
		return nil, fmt.Errorf("wav writer: %w", err)
	}
	return w, nil
}

func (w *Writer) header(size uint32) []byte {
	f := w.format
	group := f.Channels * f.Bits / 8
	riff := uint32(math.MaxUint32)
	if size < math.MaxUint32-headerSize {
		riff = size + headerSize - 8 + size%2
	}
	le := binary.LittleEndian
	b := append(make([]byte, 0, headerSize), "RIFF"...)
	b = le.AppendUint32(b, riff)
	b = append(b, "WAVEfmt "...)
	b = le.AppendUint32(b, 16)
	b = le.AppendUint16(b, uint16(f.Encoding))
	b = le.AppendUint16(b, uint16(f.Channels))
	b = le.AppendUint32(b, uint32(f.SampleRate))
	b = le.AppendUint32(b, uint32(f.SampleRate*group))
	b = le.AppendUint16(b, uint16(group))
	b = le.AppendUint16(b, uint16(f.Bits))
	b = append(b, "data"...)
	return le.AppendUint32(b, size)
}

// Write appends interleaved samples.
func (w *Writer) Write(samples []int16) error {
	w.buf = w.buf[:0]
	switch w.format.Encoding {
	case ULaw:
		w.buf = codec.AppendULaw(w.buf, samples)
	case ALaw:
		w.buf = codec.AppendALaw(w.buf, samples)
	default:
		for _, s := range samples {
			w.buf = binary.LittleEndian.AppendUint16(w.buf, uint16(s))
		}
	}
	n, err := w.out.Write(w.buf)
	w.octets += int64(n)
	if err != nil {
		return fmt.Errorf("wav write: %w", err)
	}
	return nil
}

// Rate is the rate of the recording.
func (w *Writer) Rate() int { return w.format.SampleRate }

// String prints the end of a chain.
func (w *Writer) String() string { return fmt.Sprintf("wav at %d Hz", w.format.SampleRate) }

// WritePCM takes blocks of a chain into a recording of one channel. Holes in media time become
// silence.
func (w *Writer) WritePCM(b media.Block) error {
	if w.format.Channels != 1 {
		return fmt.Errorf("wav write: a chain is one channel, the file has %d: %w", w.format.Channels, media.ErrRate)
	}
	if !w.begun {
		w.begun, w.base = true, b.Offset
	}
	at := media.DurationTicks(b.Offset-w.base, w.format.SampleRate)
	zeros := [800]int16{}
	for hole := at - w.octets*8/int64(w.format.Bits); hole > 1; {
		n := min(hole, int64(len(zeros)))
		if err := w.Write(zeros[:n]); err != nil {
			return err
		}
		hole -= n
	}
	return w.Write(b.Samples)
}

// Close writes the sizes where out can seek. It does not close out.
func (w *Writer) Close() error {
	if w.octets%2 == 1 {
		if _, err := w.out.Write([]byte{0}); err != nil {
			return fmt.Errorf("wav close: %w", err)
		}
	}
	seeker, ok := w.out.(io.WriteSeeker)
	if !ok || w.octets >= unknownSize {
		return nil
	}
	_, err := seeker.Seek(0, io.SeekStart)
	if err == nil {
		_, err = seeker.Write(w.header(uint32(w.octets)))
	}
	_, end := seeker.Seek(0, io.SeekEnd)
	if err := errors.Join(err, end); err != nil {
		return fmt.Errorf("wav close: %w", err)
	}
	return nil
}
