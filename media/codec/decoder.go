package codec

import (
	"fmt"
)

// Decoder turns payloads into samples, mono unless it was made for more. It keeps the codec's state, so one decoder belongs to
// one stream, and packets go in media order.
type Decoder interface {
	// Decode appends the samples of one payload to dst. On error dst comes back unchanged.
	Decode(dst []int16, payload []byte) ([]int16, error)
	// Rate is the sample rate of what Decode appends.
	Rate() int
	// String names the codec, for printing a chain.
	String() string
}

// NewDecoder gives a decoder for f. Opus decodes straight to the wanted rate when it is one of its
// own (8, 12, 16, 24, 48 kHz), else to 48 kHz; the other codecs have one rate each. Payloads of
// several channels are mixed to mono, because a leg is one person.
func NewDecoder(f Format, want int) (Decoder, error) {
	if err := f.Validate(); err != nil {
		return nil, fmt.Errorf("new decoder: %w", err)
	}
	switch f.Codec {
	case PCMU:
		return &expander{"PCMU", f.ClockRate, f.channels(), AppendLinearULaw}, nil
	case PCMA:
		return &expander{"PCMA", f.ClockRate, f.channels(), AppendLinearALaw}, nil
	case L16:
		return &expander{"L16", f.ClockRate, f.channels(), AppendLinearL16}, nil
	case G722:
		if f.channels() > 1 {
			return nil, fmt.Errorf("new decoder: %s: only one channel: %w", f, ErrUnsupported)
		}
		return newG722Decoder(), nil
	case Opus:
		switch want {
		case 8000, 12000, 16000, 24000, 48000:
		default:
			want = 48000
		}
		return NewOpus(want, 1)
	}
	return nil, fmt.Errorf("new decoder: %s: %w", f, ErrUnsupported)
}

// expander decodes the codecs that have no memory: each sample stands alone.
type expander struct {
	name     string
	rate     int
	channels int
	expand   func([]int16, []byte) []int16
}

func (e *expander) Rate() int { return e.rate }

func (e *expander) String() string { return e.name }

func (e *expander) Decode(dst []int16, payload []byte) ([]int16, error) {
	start := len(dst)
	dst = e.expand(dst, payload)
	if e.channels == 1 {
		return dst, nil
	}
	return dst[:start+mixDown(dst[start:], e.channels)], nil
}

// mixDown averages interleaved channels in place and gives the number of mono samples. A last,
// incomplete group of samples is dropped.
func mixDown(samples []int16, channels int) int {
	n := len(samples) / channels
	for i := range n {
		sum := 0
		for c := range channels {
			sum += int(samples[i*channels+c])
		}
		samples[i] = int16(sum / channels)
	}
	return n
}

// AppendLinearL16 reads samples in network byte order. A last odd octet is dropped.
func AppendLinearL16(dst []int16, payload []byte) []int16 {
	for i := 0; i+1 < len(payload); i += 2 {
		dst = append(dst, int16(payload[i])<<8|int16(payload[i+1]))
	}
	return dst
}

// AppendL16 writes samples in network byte order.
func AppendL16(dst []byte, samples []int16) []byte {
	for _, s := range samples {
		dst = append(dst, byte(s>>8), byte(s))
	}
	return dst
}

// SwapL16 exchanges the octets of every sample in place. WebSocket media streams send
// little-endian samples; L16 on the wire and in chunks is big-endian.
func SwapL16(payload []byte) {
	for i := 0; i+1 < len(payload); i += 2 {
		payload[i], payload[i+1] = payload[i+1], payload[i]
	}
}

// Deinterleave appends every channel of an interleaved payload to its own slice, width octets a
// sample. It gives the number of whole sample groups taken; trailing octets stay untouched.
func Deinterleave(dst [][]byte, payload []byte, width int) int {
	if len(dst) == 0 || width <= 0 {
		return 0
	}
	group := width * len(dst)
	n := len(payload) / group
	for i := range n {
		for c := range dst {
			at := i*group + c*width
			dst[c] = append(dst[c], payload[at:at+width]...)
		}
	}
	return n
}
