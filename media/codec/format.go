package codec

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Codec names an encoding. The numbers are written into audio chunks and never change.
type Codec uint8

// The encodings this package tells apart. Unknown stands for anything it cannot decode; such a
// stream can still be ordered and measured, because its clock is known.
const (
	Unknown        Codec = 0
	PCMU           Codec = 1 // ITU-T G.711 µ-law
	PCMA           Codec = 2 // ITU-T G.711 A-law
	G722           Codec = 3 // ITU-T G.722 at 64 kbit/s
	Opus           Codec = 4 // RFC 6716
	L16            Codec = 5 // RFC 3551 §4.5.11: signed 16-bit, network byte order
	ComfortNoise   Codec = 6 // RFC 3389
	TelephoneEvent Codec = 7 // RFC 4733
)

// ErrUnsupported says that a format cannot be decoded here.
var ErrUnsupported = errors.New("codec unsupported")

// ErrPayload says that a payload cannot belong to its format.
var ErrPayload = errors.New("payload malformed")

// String gives the name that SDP uses (RFC 3551 §6).
func (c Codec) String() string {
	switch c {
	case PCMU:
		return "PCMU"
	case PCMA:
		return "PCMA"
	case G722:
		return "G722"
	case Opus:
		return "opus"
	case L16:
		return "L16"
	case ComfortNoise:
		return "CN"
	case TelephoneEvent:
		return "telephone-event"
	}
	return "unknown"
}

// Audio reports whether payloads of c carry sound that this package can decode.
func (c Codec) Audio() bool {
	return c >= PCMU && c <= L16
}

// Format is what an SDP rtpmap says about a payload type.
type Format struct {
	Codec     Codec
	ClockRate int // RTP timestamp ticks in one second; 8000 for G.722 although its audio is 16 kHz
	Channels  int // interleaved channels in a payload; 0 counts as 1
}

// MaxClockRate bounds the clock a peer may announce, so that tick arithmetic cannot overflow.
const MaxClockRate = 192000

// Validate says whether the format is usable for timing: a sane clock and channel count.
func (f Format) Validate() error {
	if f.ClockRate <= 0 || f.ClockRate > MaxClockRate {
		return fmt.Errorf("clock rate: %d is not within 1..%d: %w", f.ClockRate, MaxClockRate, ErrUnsupported)
	}
	if f.Channels < 0 || f.Channels > 8 {
		return fmt.Errorf("channel count: %d is not within 0..8: %w", f.Channels, ErrUnsupported)
	}
	return nil
}

// String writes the format as an rtpmap does: "PCMU/8000", "opus/48000/2".
func (f Format) String() string {
	s := f.Codec.String() + "/" + strconv.Itoa(f.ClockRate)
	if f.Channels > 1 {
		s += "/" + strconv.Itoa(f.Channels)
	}
	return s
}

func (f Format) channels() int {
	return max(f.Channels, 1)
}

// Ticks gives the duration of a payload in ticks of the format's clock. The duration comes from
// the payload itself, never from an assumed packet time: gateways use 10 to 60 ms as they please.
func (f Format) Ticks(payload []byte) (int, error) {
	switch f.Codec {
	case PCMU, PCMA, G722:
		// G.722 sends one octet for two samples of 16 kHz audio, and its RTP clock counts octets:
		// the 8 kHz clock is a historical error frozen in RFC 3551 §4.5.2.
		return len(payload) / f.channels(), nil
	case L16:
		frame := 2 * f.channels()
		if len(payload)%frame != 0 {
			return 0, fmt.Errorf("l16 payload: %d octets do not divide into %d: %w", len(payload), frame, ErrPayload)
		}
		return len(payload) / frame, nil
	case Opus:
		return opusTicks(payload, f.ClockRate)
	case ComfortNoise, TelephoneEvent:
		return 0, nil
	}
	return 0, fmt.Errorf("payload duration: %w", ErrUnsupported)
}

// ParseRTPMap reads the encoding part of an SDP rtpmap: name/clock[/channels] (RFC 8866 §6.6).
// A name that cannot be decoded here gives Unknown with its clock, and no error: the stream can
// still be ordered and measured.
func ParseRTPMap(s string) (Format, error) {
	parts := strings.Split(strings.TrimSpace(s), "/")
	if len(parts) < 2 || len(parts) > 3 {
		return Format{}, fmt.Errorf("rtpmap: want name/clock[/channels], have %d parts: %w", len(parts), ErrPayload)
	}
	clock, err := strconv.Atoi(parts[1])
	if err != nil {
		return Format{}, fmt.Errorf("rtpmap clock: not a number: %w", ErrPayload)
	}
	f := Format{Codec: byName(parts[0]), ClockRate: clock, Channels: 1}
	if len(parts) == 3 {
		if f.Channels, err = strconv.Atoi(parts[2]); err != nil {
			return Format{}, fmt.Errorf("rtpmap channels: not a number: %w", ErrPayload)
		}
	}
	if err := f.Validate(); err != nil {
		return Format{}, fmt.Errorf("rtpmap: %w", err)
	}
	return f, nil
}

func byName(name string) Codec {
	for c := PCMU; c <= TelephoneEvent; c++ {
		if strings.EqualFold(c.String(), name) {
			return c
		}
	}
	return Unknown
}

// PayloadTypes maps the 7-bit RTP payload type to its format. The zero Format means unmapped.
type PayloadTypes [128]Format

// StaticPayloadTypes gives the assignments of RFC 3551 §6 that telephony uses. Dynamic types
// (96–127) are empty: only the SDP says what they are.
func StaticPayloadTypes() PayloadTypes {
	var p PayloadTypes
	p[0] = Format{PCMU, 8000, 1}
	p[8] = Format{PCMA, 8000, 1}
	p[9] = Format{G722, 8000, 1}
	p[10] = Format{L16, 44100, 2}
	p[11] = Format{L16, 44100, 1}
	p[13] = Format{ComfortNoise, 8000, 1}
	p[19] = Format{ComfortNoise, 8000, 1} // reserved by RFC 3551, sent by old Cisco gateways
	// GSM, G.723, G.728 and G.729 are not decoded here, only ordered and measured.
	for _, pt := range []int{3, 4, 15, 18} {
		p[pt] = Format{Unknown, 8000, 1}
	}
	return p
}

// Set maps a payload type, as an SDP answer did. A type above 127 or an unusable format is an error.
func (p *PayloadTypes) Set(pt uint8, f Format) error {
	if pt > 127 {
		return fmt.Errorf("payload type: %d is above 127: %w", pt, ErrPayload)
	}
	if err := f.Validate(); err != nil {
		return fmt.Errorf("payload type: %w", err)
	}
	p[pt] = f
	return nil
}
