package wav

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"

	"throughline/media/codec"
)

// ErrFormat says that a file is not WAVE, or is damaged beyond use.
var ErrFormat = errors.New("wav malformed")

// ErrUnsupported says that a file is WAVE, of an encoding that is not read here.
var ErrUnsupported = errors.New("wav encoding unsupported")

// Encoding is a wFormatTag of the RIFF registry (RFC 2361).
type Encoding uint16

// The encodings that can be read. Float is not written.
const (
	PCM   Encoding = 1
	Float Encoding = 3
	ALaw  Encoding = 6
	ULaw  Encoding = 7

	extensible Encoding = 0xfffe // the encoding stands in the first octets of a GUID
)

// Format describes the samples of a file.
type Format struct {
	Encoding   Encoding
	SampleRate int
	Channels   int
	Bits       int // of one sample of one channel
}

func (f Format) validate() error {
	if f.SampleRate < 1000 || f.SampleRate > codec.MaxClockRate {
		return fmt.Errorf("sample rate %d: %w", f.SampleRate, ErrFormat)
	}
	if f.Channels < 1 || f.Channels > 8 {
		return fmt.Errorf("%d channels, at most 8: %w", f.Channels, ErrFormat)
	}
	ok := false
	switch f.Encoding {
	case PCM:
		ok = f.Bits == 8 || f.Bits == 16 || f.Bits == 24 || f.Bits == 32
	case Float:
		ok = f.Bits == 32 || f.Bits == 64
	case ALaw, ULaw:
		ok = f.Bits == 8
	}
	if !ok {
		return fmt.Errorf("encoding %#x of %d bits, want PCM, float, A-law or µ-law: %w", uint16(f.Encoding), f.Bits, ErrUnsupported)
	}
	return nil
}

// Reader reads samples in file order.
type Reader struct {
	in        *bufio.Reader
	format    Format
	left      int64 // octets of the data chunk; −1 when only the end of the file tells
	truncated bool
	raw       []byte
}

// unknownSize is where sizes begin that recorders write when they do not know: −1, and the 2 GiB
// less some that others use.
const unknownSize = 0x7ffff000

// NewReader reads the header, up to the first sample.
func NewReader(in io.Reader) (*Reader, error) {
	r := &Reader{in: bufio.NewReaderSize(in, 1<<14)}
	var head [12]byte
	if _, err := io.ReadFull(r.in, head[:]); err != nil {
		return nil, fmt.Errorf("wav header: %w: %w", err, ErrFormat)
	}
	form := string(head[:4])
	if (form != "RIFF" && form != "RF64") || string(head[8:]) != "WAVE" {
		return nil, fmt.Errorf("wav header: neither RIFF nor RF64: %w", ErrFormat)
	}
	if err := r.chunks(); err != nil {
		return nil, fmt.Errorf("wav header: %w", err)
	}
	return r, nil
}

// chunks reads chunks up to the data chunk.
func (r *Reader) chunks() error {
	seenFormat := false
	var wide int64 // the data size of an RF64 file (EBU Tech 3306)
	for {
		var head [8]byte
		if _, err := io.ReadFull(r.in, head[:]); err != nil {
			return fmt.Errorf("no data chunk: %w: %w", err, ErrFormat)
		}
		size := int64(binary.LittleEndian.Uint32(head[4:]))
		switch string(head[:4]) {
		case "fmt ":
			body, err := r.body(size)
			if err != nil {
				return err
			}
			if err := r.describe(body); err != nil {
				return err
			}
			seenFormat = true
		case "ds64":
			body, err := r.body(size)
			if err != nil {
				return err
			}
			if len(body) >= 16 {
				wide = int64(binary.LittleEndian.Uint64(body[8:]) & math.MaxInt64)
			}
		case "data":
			if !seenFormat {
				return fmt.Errorf("data before fmt: %w", ErrFormat)
			}
			r.left = size
			if size == math.MaxUint32 && wide > 0 {
				r.left = wide
			} else if size == 0 || size >= unknownSize {
				// A recorder that streams, or that died before it could say.
				r.left = -1
			}
			return nil
		default:
			if _, err := io.CopyN(io.Discard, r.in, size); err != nil {
				return fmt.Errorf("no data chunk: %w: %w", err, ErrFormat)
			}
		}
		if size%2 == 1 {
			// Chunks are padded to even lengths, but some writers forget. No chunk name begins with
			// a zero, so the octet itself tells.
			if b, err := r.in.Peek(1); err == nil && b[0] == 0 {
				_, _ = r.in.Discard(1)
			}
		}
	}
}

func (r *Reader) body(size int64) ([]byte, error) {
	if size > 4096 {
		return nil, fmt.Errorf("chunk of %d octets, at most 4096: %w", size, ErrFormat)
	}
	b := make([]byte, size)
	if _, err := io.ReadFull(r.in, b); err != nil {
		return nil, fmt.Errorf("chunk cut off: %w: %w", err, ErrFormat)
	}
	return b, nil
}

// describe reads the fmt chunk. Block alignment and byte rate are derived, because they are the
// fields that recorders get wrong.
func (r *Reader) describe(b []byte) error {
	if len(b) < 16 {
		return fmt.Errorf("fmt chunk of %d octets, want 16: %w", len(b), ErrFormat)
	}
	f := Format{
		Encoding:   Encoding(binary.LittleEndian.Uint16(b)),
		Channels:   int(binary.LittleEndian.Uint16(b[2:])),
		SampleRate: int(binary.LittleEndian.Uint32(b[4:])),
		Bits:       int(binary.LittleEndian.Uint16(b[14:])),
	}
	if f.Encoding == extensible && len(b) >= 26 {
		f.Encoding = Encoding(binary.LittleEndian.Uint16(b[24:]))
	}
	if f.Encoding == ALaw || f.Encoding == ULaw {
		f.Bits = 8 // some writers say 16, meaning the samples after expansion
	}
	r.format = f
	return f.validate()
}

// Format describes the file.
func (r *Reader) Format() Format { return r.format }

// Truncated reports, at the end, whether the file held less than its header promised.
func (r *Reader) Truncated() bool { return r.truncated }

// Read fills dst with interleaved samples, whole groups of one sample per channel only, and gives
// their number. It is io.EOF at the end; a file cut off within a group ends at the group before.
func (r *Reader) Read(dst []int16) (int, error) {
	width := r.format.Bits / 8
	group := width * r.format.Channels
	want := int64(len(dst) / r.format.Channels * group)
	if r.left >= 0 {
		want = min(want, r.left/int64(group)*int64(group))
	}
	if want == 0 {
		if len(dst) < r.format.Channels {
			return 0, fmt.Errorf("wav read: room for %d samples, want %d: %w", len(dst), r.format.Channels, io.ErrShortBuffer)
		}
		return 0, io.EOF
	}
	if int64(cap(r.raw)) < want {
		r.raw = make([]byte, want)
	}
	raw := r.raw[:want]
	n, err := io.ReadFull(r.in, raw)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return 0, fmt.Errorf("wav read: %w", err)
	}
	if r.left >= 0 {
		r.left -= int64(n)
		r.truncated = r.truncated || err != nil
	}
	n -= n % group
	if n == 0 {
		return 0, io.EOF
	}
	return r.expand(dst[:0], raw[:n]), nil
}

// expand turns octets into 16-bit samples.
func (r *Reader) expand(dst []int16, raw []byte) int {
	switch r.format.Encoding {
	case ULaw:
		return len(codec.AppendLinearULaw(dst, raw))
	case ALaw:
		return len(codec.AppendLinearALaw(dst, raw))
	case Float:
		return len(appendFloat(dst, raw, r.format.Bits/8))
	}
	width := r.format.Bits / 8
	for i := 0; i+width <= len(raw); i += width {
		if width == 1 {
			dst = append(dst, int16(raw[i]^0x80)<<8) // 8-bit samples alone are unsigned
			continue
		}
		// The most significant 16 bits come last.
		dst = append(dst, int16(binary.LittleEndian.Uint16(raw[i+width-2:])))
	}
	return len(dst)
}

func appendFloat(dst []int16, raw []byte, width int) []int16 {
	for i := 0; i+width <= len(raw); i += width {
		var v float64
		if width == 4 {
			v = float64(math.Float32frombits(binary.LittleEndian.Uint32(raw[i:])))
		} else {
			v = math.Float64frombits(binary.LittleEndian.Uint64(raw[i:]))
		}
		if math.IsNaN(v) {
			v = 0
		}
		dst = append(dst, int16(math.Round(min(max(v*32768, -32768), 32767))))
	}
	return dst
}
