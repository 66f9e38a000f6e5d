package media

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"throughline/media/codec"
)

// Chunk is a stretch of one leg, in its original encoding: what crosses Kafka. All frames share a
// format; a change of format begins a new chunk.
type Chunk struct {
	Sequence uint64 // counts the leg's chunks from 0, so that a reader sees a missing or repeated one
	Offset   time.Duration
	Skew     time.Duration // at the chunk's first frame; see [Frame.Skew]
	Format   codec.Format
	Parts    []Part
	// Last marks the end of the leg. Such a chunk may hold no part.
	Last bool
}

// Part is one payload of a chunk with the gap before it.
type Part struct {
	Gap     Gap
	Ticks   int // duration of Payload
	Payload []byte
}

// ErrChunk says that octets are not a chunk of a version known here.
var ErrChunk = errors.New("audio chunk malformed")

const (
	chunkVersion = 1
	flagLast     = 1

	// MaxPayload bounds one payload in a chunk; a UDP datagram cannot carry more.
	MaxPayload = 65535
	// MaxGap bounds one gap, so that no sum of offsets overflows. A leg's hold may be long.
	MaxGap = 48 * time.Hour
	// MaxParts bounds a chunk's parts: many times what any packet time needs, and few enough that
	// the longest gaps of all of them still add up to a sane time.
	MaxParts  = 1024
	maxOffset = 10 * 365 * 24 * time.Hour
)

// Ticks is the chunk's duration in its clock, gaps included.
func (c *Chunk) Ticks() int64 {
	var n int64
	for i := range c.Parts {
		n += c.Parts[i].Gap.Ticks + int64(c.Parts[i].Ticks)
	}
	return n
}

// Duration is the chunk's span of media time, gaps included.
func (c *Chunk) Duration() time.Duration {
	return TicksDuration(c.Ticks(), c.Format.ClockRate)
}

// End is the media time at which the chunk ends.
func (c *Chunk) End() time.Duration {
	return c.Offset + c.Duration()
}

// AppendBinary writes the chunk, version 1. Integers are the varints of encoding/binary, unsigned
// unless noted:
//
//	octet   version (1)
//	octet   flags: bit 0 last chunk of the leg
//	octet   codec, the numbers of codec.Codec
//	octet   channels
//	varint  clock rate
//	varint  sequence
//	varint  offset in nanoseconds
//	varint  skew in nanoseconds, signed
//	varint  number of parts, then for each part:
//	  octet   gap kind; if not 0: varint gap in ticks
//	  varint  payload duration in ticks
//	  varint  payload length, then the payload
//
// The error is always nil; the signature is that of encoding.BinaryAppender.
func (c *Chunk) AppendBinary(dst []byte) ([]byte, error) {
	flags := byte(0)
	if c.Last {
		flags = flagLast
	}
	dst = append(dst, chunkVersion, flags, byte(c.Format.Codec), byte(c.Format.Channels))
	dst = binary.AppendUvarint(dst, uint64(c.Format.ClockRate))
	dst = binary.AppendUvarint(dst, c.Sequence)
	dst = binary.AppendUvarint(dst, uint64(c.Offset))
	dst = binary.AppendVarint(dst, int64(c.Skew))
	dst = binary.AppendUvarint(dst, uint64(len(c.Parts)))
	for i := range c.Parts {
		p := &c.Parts[i]
		dst = append(dst, byte(p.Gap.Kind))
		if p.Gap.Kind != NoGap {
			dst = binary.AppendUvarint(dst, uint64(p.Gap.Ticks))
		}
		dst = binary.AppendUvarint(dst, uint64(p.Ticks))
		dst = binary.AppendUvarint(dst, uint64(len(p.Payload)))
		dst = append(dst, p.Payload...)
	}
	return dst, nil
}

// MarshalBinary is AppendBinary into a new slice.
func (c *Chunk) MarshalBinary() ([]byte, error) {
	return c.AppendBinary(nil)
}

// UnmarshalBinary reads a chunk. Payloads alias data. Parts is reused when it has room, so a
// reader that keeps one Chunk allocates nothing. Truncated, trailing or impossible octets are
// ErrChunk.
func (c *Chunk) UnmarshalBinary(data []byte) error {
	if len(data) < 4 {
		return fmt.Errorf("chunk header: %d octets: %w", len(data), ErrChunk)
	}
	if data[0] != chunkVersion {
		return fmt.Errorf("chunk version: %d, this program reads %d: %w", data[0], chunkVersion, ErrChunk)
	}
	if data[1]&^flagLast != 0 {
		return fmt.Errorf("chunk flags: %#x: %w", data[1], ErrChunk)
	}
	r := cursor{data: data[4:]}
	clock := r.uvarint(codec.MaxClockRate)
	sequence := r.uvarint(1<<63 - 1)
	offset := r.uvarint(uint64(maxOffset))
	skew := r.varint()
	// A part takes three octets at least, which bounds the count before anything is allocated.
	count := r.uvarint(min(uint64(len(data))/3, MaxParts))
	if r.failed {
		return fmt.Errorf("chunk header: %w", ErrChunk)
	}
	f := codec.Format{Codec: codec.Codec(data[2]), Channels: int(data[3]), ClockRate: int(clock)}
	if err := f.Validate(); err != nil {
		return fmt.Errorf("chunk format: %w: %w", err, ErrChunk)
	}
	maxGap := uint64(DurationTicks(MaxGap, f.ClockRate))
	parts := c.Parts[:0]
	for range count {
		var p Part
		p.Gap.Kind = GapKind(r.octet())
		if p.Gap.Kind != NoGap {
			p.Gap.Ticks = int64(r.uvarint(maxGap))
		}
		p.Ticks = int(r.uvarint(1 << 20))
		p.Payload = r.take(int(r.uvarint(MaxPayload)))
		if r.failed || p.Gap.Kind > Unknown {
			return fmt.Errorf("chunk part: number %d of %d: %w", len(parts), count, ErrChunk)
		}
		parts = append(parts, p)
	}
	if len(r.data) != 0 {
		return fmt.Errorf("chunk end: %d octets too many: %w", len(r.data), ErrChunk)
	}
	*c = Chunk{
		Sequence: sequence, Offset: time.Duration(offset), Skew: time.Duration(skew),
		Format: f, Parts: parts, Last: data[1]&flagLast != 0,
	}
	return nil
}

// cursor reads forward and remembers the first failure, so that callers check once.
type cursor struct {
	data   []byte
	failed bool
}

func (r *cursor) octet() byte {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *cursor) take(n int) []byte {
	if r.failed || n > len(r.data) {
		r.failed = true
		return nil
	}
	b := r.data[:n:n]
	r.data = r.data[n:]
	return b
}

func (r *cursor) uvarint(limit uint64) uint64 {
	v, n := binary.Uvarint(r.data)
	if r.failed || n <= 0 || v > limit {
		r.failed = true
		return 0
	}
	r.data = r.data[n:]
	return v
}

func (r *cursor) varint() int64 {
	v, n := binary.Varint(r.data)
	if r.failed || n <= 0 {
		r.failed = true
		return 0
	}
	r.data = r.data[n:]
	return v
}
