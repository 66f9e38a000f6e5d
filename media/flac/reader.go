package flac

import (
	"errors"
	"fmt"
	"io"

	"github.com/mewkiz/flac"
	"github.com/mewkiz/flac/frame"
)

// ErrFormat says that a file is not FLAC, or is damaged beyond use.
var ErrFormat = errors.New("not flac")

// Reader reads samples in file order.
type Reader struct {
	stream    *flac.Stream
	frame     *frame.Frame
	at        int // of the frame's samples, what was given
	given     uint64
	truncated bool
}

// NewReader reads the header, up to the first frame.
func NewReader(in io.Reader) (*Reader, error) {
	s, err := flac.New(in)
	if err != nil {
		return nil, fmt.Errorf("flac header: %w: %w", err, ErrFormat)
	}
	if i := s.Info; i.SampleRate == 0 || i.NChannels == 0 || i.BitsPerSample < 4 || i.BitsPerSample > 32 {
		return nil, fmt.Errorf("flac header: %d Hz, %d bits on %d channels: %w", i.SampleRate, i.BitsPerSample, i.NChannels, ErrFormat)
	}
	return &Reader{stream: s}, nil
}

// Rate is the file's sample rate in Hz.
func (r *Reader) Rate() int { return int(r.stream.Info.SampleRate) }

// Channels is how many samples belong together.
func (r *Reader) Channels() int { return int(r.stream.Info.NChannels) }

// Truncated reports, at the end, whether the file held less than its header promised.
func (r *Reader) Truncated() bool { return r.truncated || r.given < r.stream.Info.NSamples }

// Read fills dst with interleaved samples, whole groups of one sample per channel only, and gives
// their number. It is io.EOF at the end; a file cut off within a frame ends at the frame before.
func (r *Reader) Read(dst []int16) (int, error) {
	channels := r.Channels()
	if len(dst) < channels {
		return 0, fmt.Errorf("flac read: room for %d samples, want %d: %w", len(dst), channels, io.ErrShortBuffer)
	}
	if r.frame == nil || r.at == int(r.frame.BlockSize) {
		if err := r.next(); err != nil {
			return 0, err
		}
	}
	n := min(len(dst)/channels, int(r.frame.BlockSize)-r.at)
	bits := int(r.stream.Info.BitsPerSample)
	for c, sub := range r.frame.Subframes {
		for i, v := range sub.Samples[r.at : r.at+n] {
			dst[i*channels+c] = narrow(v, bits)
		}
	}
	r.at += n
	r.given += uint64(n)
	return n * channels, nil
}

// next reads a frame that has samples.
func (r *Reader) next() error {
	f, err := r.stream.ParseNext()
	if errors.Is(err, io.ErrUnexpectedEOF) {
		r.truncated = true
		return io.EOF
	}
	if errors.Is(err, io.EOF) {
		return io.EOF
	}
	if err != nil {
		return fmt.Errorf("flac frame: %w: %w", err, ErrFormat)
	}
	if f.BlockSize == 0 || len(f.Subframes) != r.Channels() {
		return fmt.Errorf("flac frame: %d samples on %d channels: %w", f.BlockSize, len(f.Subframes), ErrFormat)
	}
	for _, sub := range f.Subframes {
		if len(sub.Samples) < int(f.BlockSize) {
			return fmt.Errorf("flac frame: a channel is shorter than the frame: %w", ErrFormat)
		}
	}
	r.frame, r.at = f, 0
	return nil
}

// narrow brings a sample to 16 bits.
func narrow(v int32, bits int) int16 {
	if bits > 16 {
		return int16(v >> (bits - 16))
	}
	return int16(v << (16 - bits))
}
