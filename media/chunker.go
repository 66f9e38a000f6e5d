package media

import (
	"fmt"
	"time"
)

// DefaultSpan is the media time a chunk holds: eight packets of 20 ms, four of 40 ms. It keeps
// Kafka at about six records a second and leg, and adds little to the delay of a transcript.
const DefaultSpan = 160 * time.Millisecond

// ChunkWriter takes a leg's chunks in order. The chunk and its payloads are valid until WriteChunk
// returns.
type ChunkWriter interface {
	WriteChunk(*Chunk) error
	// String prints the writer and what it writes to.
	String() string
}

// Chunker groups frames into chunks. It copies payloads, holds at most one span, and allocates
// nothing once its buffers have grown. It is for one leg and one goroutine.
type Chunker struct {
	next   ChunkWriter
	span   time.Duration
	chunk  Chunk
	ticks  int64  // of the chunk being filled
	octets []byte // the payloads of the chunk being filled
}

// NewChunker gives a chunker for chunks of about span; 0 means DefaultSpan.
func NewChunker(span time.Duration, next ChunkWriter) *Chunker {
	if span <= 0 {
		span = DefaultSpan
	}
	return &Chunker{next: next, span: span}
}

// String prints the chain from here on.
func (c *Chunker) String() string {
	return fmt.Sprintf("chunks of %v → %v", c.span, c.next)
}

// WriteFrame adds a frame. A change of format, or a gap longer than the span, first closes the
// chunk at hand, so that what was heard before a hold is not kept back until after it.
func (c *Chunker) WriteFrame(f *Frame) error {
	gap := f.Gap
	limit := DurationTicks(MaxGap, f.Format.ClockRate)
	if gap.Ticks > limit {
		gap.Ticks = limit // no call is on hold for two days; the rest would be a forged timestamp
	}
	long := gap.Ticks > DurationTicks(c.span, f.Format.ClockRate)
	if len(c.chunk.Parts) > 0 && (f.Format != c.chunk.Format || long) {
		if err := c.close(false); err != nil {
			return err
		}
	}
	if len(c.chunk.Parts) == 0 {
		c.chunk.Offset = max(f.Offset-TicksDuration(gap.Ticks, f.Format.ClockRate), 0)
		c.chunk.Skew = f.Skew
		c.chunk.Format = f.Format
	}
	at := len(c.octets)
	c.octets = append(c.octets, f.Payload...)
	c.chunk.Parts = append(c.chunk.Parts, Part{Gap: gap, Ticks: f.Ticks, Payload: c.octets[at:len(c.octets):len(c.octets)]})
	c.ticks += gap.Ticks + int64(f.Ticks)
	if TicksDuration(c.ticks, f.Format.ClockRate) >= c.span || len(c.chunk.Parts) == MaxParts {
		return c.close(false)
	}
	return nil
}

// Flush closes the chunk at hand, for a source that has gone quiet: without it, the last words before
// a silence would wait for the first after it.
func (c *Chunker) Flush() error {
	if len(c.chunk.Parts) == 0 {
		return nil
	}
	return c.close(false)
}

// Close closes the leg: the next writer sees a last chunk even when no audio is left.
func (c *Chunker) Close() error {
	return c.close(true)
}

func (c *Chunker) close(last bool) error {
	end := c.chunk.Offset + TicksDuration(c.ticks, c.chunk.Format.ClockRate)
	if c.chunk.Format.ClockRate == 0 {
		c.chunk.Format.ClockRate = 8000 // a leg that ends without a single frame still needs a valid chunk
	}
	c.chunk.Last = last
	err := c.next.WriteChunk(&c.chunk)
	c.chunk.Sequence++
	c.chunk.Offset = end
	c.chunk.Parts = c.chunk.Parts[:0]
	c.octets = c.octets[:0]
	c.ticks = 0
	if err != nil {
		return fmt.Errorf("write chunk: %w", err)
	}
	return nil
}
