package media

import (
	"errors"
	"fmt"
	"time"
)

// Origin says where samples come from, so that a stage that measures a voice can leave out what
// nobody said.
type Origin uint8

const (
	Heard     Origin = iota // decoded from what the sender sent
	Concealed               // invented to bridge a loss
	Filled                  // zeros in place of a gap
)

// String names the origin.
func (o Origin) String() string {
	switch o {
	case Heard:
		return "heard"
	case Concealed:
		return "concealed"
	}
	return "filled"
}

// Block is a run of mono samples of one origin.
type Block struct {
	// Offset is the media time of the first sample since the leg began. Where it is later than the
	// end of the block before, nothing was sent for so long that no zeros were written either.
	Offset  time.Duration
	Samples []int16
	Origin  Origin
}

// AppendFloat32 appends the samples scaled to [−1, 1), the form that speech models take.
func (b Block) AppendFloat32(dst []float32) []float32 {
	for _, s := range b.Samples {
		dst = append(dst, float32(s)/32768)
	}
	return dst
}

// PCMWriter takes decoded audio in media order. Samples are valid until WritePCM returns.
type PCMWriter interface {
	// Rate is the sample rate that WritePCM takes.
	Rate() int
	WritePCM(Block) error
	// String prints the writer and what it writes to.
	String() string
}

// ErrRate says that two links of a chain, or a chain and its source, disagree on the sample rate.
var ErrRate = errors.New("sample rate mismatch")

// Samples collects a whole stretch of audio in memory, holes filled with zeros: for tests, short
// voice notes and training. Limit bounds it; 0 means ten minutes.
type Samples struct {
	SampleRate int
	Limit      time.Duration
	PCM        []int16
	started    bool
	start      time.Duration
}

// ErrTooLong says that audio exceeds the limit set for it.
var ErrTooLong = errors.New("audio too long")

// Rate is the rate the collector was made for.
func (s *Samples) Rate() int { return s.SampleRate }

// String prints the end of a chain.
func (s *Samples) String() string { return fmt.Sprintf("samples at %d Hz", s.SampleRate) }

// WritePCM appends a block.
func (s *Samples) WritePCM(b Block) error {
	if !s.started {
		s.started, s.start = true, b.Offset
	}
	limit := s.Limit
	if limit <= 0 {
		limit = 10 * time.Minute
	}
	if b.Offset-s.start+TicksDuration(int64(len(b.Samples)), s.SampleRate) > limit {
		return fmt.Errorf("collect samples: over %v: %w", limit, ErrTooLong)
	}
	at := DurationTicks(b.Offset-s.start, s.SampleRate)
	// Offsets are rounded to nanoseconds; only a hole of more than one sample is a hole.
	if missing := at - int64(len(s.PCM)); missing > 1 {
		s.PCM = append(s.PCM, make([]int16, missing)...)
	}
	s.PCM = append(s.PCM, b.Samples...)
	return nil
}
