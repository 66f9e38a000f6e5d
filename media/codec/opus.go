package codec

import (
	"fmt"

	"github.com/pion/opus"
)

// maxOpusSamples is 120 ms at 48 kHz, the longest packet of RFC 6716 §3.2.5 (R5).
const maxOpusSamples = 5760

// opusTicks reads the duration of a packet from its table of contents (RFC 6716 §3.1, §3.2).
func opusTicks(packet []byte, clock int) (int, error) {
	if len(packet) == 0 {
		return 0, fmt.Errorf("opus packet: empty: %w", ErrPayload)
	}
	frames := 0
	switch packet[0] & 3 {
	case 0:
		frames = 1
	case 1, 2:
		frames = 2
	default:
		if len(packet) < 2 {
			return 0, fmt.Errorf("opus packet: no frame count: %w", ErrPayload)
		}
		frames = int(packet[1] & 0x3f)
	}
	// Frame sizes in units of 2.5 ms, by configuration number (RFC 6716 table 2).
	unit := 0
	switch config := packet[0] >> 3; {
	case config < 12:
		unit = [4]int{4, 8, 16, 24}[config&3]
	case config < 16:
		unit = [2]int{4, 8}[config&1]
	default:
		unit = [4]int{1, 2, 4, 8}[config&3]
	}
	n := frames * unit
	if n == 0 || n > 48 {
		return 0, fmt.Errorf("opus packet: %d frames make more than 120 ms or none: %w", frames, ErrPayload)
	}
	return n * clock / 400, nil
}

type opusDecoder struct {
	inner    opus.Decoder
	rate     int
	channels int
	buf      []int16
}

// NewOpus gives a decoder of Opus at one of its own rates: with one channel, what is stereo is mixed
// down; with two, Decode appends samples of left and right in turn, and what is mono is on both.
func NewOpus(rate, channels int) (Decoder, error) {
	inner, err := opus.NewDecoderWithOutput(rate, channels)
	if err != nil {
		return nil, fmt.Errorf("opus decoder: rate %d, %d channels: %w", rate, channels, err)
	}
	return &opusDecoder{inner: inner, rate: rate, channels: channels, buf: make([]int16, channels*maxOpusSamples)}, nil
}

func (o *opusDecoder) Rate() int { return o.rate }

func (*opusDecoder) String() string { return "opus" }

// Decode appends one packet's samples. A packet that carries no coded frame (discontinuous
// transmission, RFC 6716 §3.1) gives silence of the announced length, because the decoder underneath
// has no concealment of its own.
func (o *opusDecoder) Decode(dst []int16, payload []byte) ([]int16, error) {
	n, err := opusTicks(payload, o.rate)
	if err != nil {
		return dst, err
	}
	if len(payload) <= 2 {
		return append(dst, make([]int16, n*o.channels)...), nil
	}
	got, err := o.inner.DecodeToInt16(payload, o.buf)
	if err != nil {
		return dst, fmt.Errorf("opus packet: %w: %w", err, ErrPayload)
	}
	return append(dst, o.buf[:got*o.channels]...), nil
}
