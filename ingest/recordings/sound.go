package recordings

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"throughline/media/codec"
	"throughline/media/ogg"
	"throughline/media/resample"
	"throughline/media/wav"
	"throughline/problem"
)

// sound reads a file piece by piece, each channel for itself.
type sound struct {
	format   codec.Format // of every channel
	channels int
	mixed    bool // the channels of the file cannot be told apart
	// next fills one payload a channel with what comes next; io.EOF at the end.
	// The payloads are valid until the next call.
	next func(payloads [][]byte) error
	// cut tells, at the end, whether there was less than the file promised.
	cut func() bool
}

// pieceIn is the part of a second that is read at once.
const pieceIn = 10

// open finds out what f holds: by its first octets, or else by its media type.
func open(f io.ReadSeeker, mediaType string) (*sound, error) {
	var magic [4]byte
	n, err := io.ReadFull(f, magic[:])
	if n == 0 {
		return nil, unsupported("The file is empty.", err)
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, fmt.Errorf("read recording: %w", err)
	}
	var s *sound
	switch string(magic[:n]) {
	case "RIFF", "RF64":
		s, err = openWAV(f)
	case "OggS":
		s, err = openOgg(f)
	default:
		s, err = openBare(f, mediaType)
	}
	if err != nil {
		return nil, err
	}
	if rate := s.format.ClockRate; rate < resample.MinRate || rate > resample.MaxRate {
		return nil, unsupported(fmt.Sprintf("The sample rate is %d Hz: send %d to %d Hz.", rate, resample.MinRate, resample.MaxRate), nil)
	}
	return s, nil
}

func unsupported(detail string, cause error) error {
	p := problem.New(http.StatusUnsupportedMediaType, detail)
	p.Cause = cause
	return p
}

func openWAV(f io.Reader) (*sound, error) {
	r, err := wav.NewReader(f)
	if err != nil {
		return nil, unsupported("The WAV file cannot be read: send PCM, float, A-law or µ-law with its header whole.", err)
	}
	w := r.Format()
	s := &sound{channels: w.Channels, cut: r.Truncated, format: codec.Format{Codec: codec.L16, ClockRate: w.SampleRate, Channels: 1}}
	encode := codec.AppendL16
	switch w.Encoding {
	case wav.ULaw:
		s.format.Codec, encode = codec.PCMU, codec.AppendULaw
	case wav.ALaw:
		s.format.Codec, encode = codec.PCMA, codec.AppendALaw
	}
	group := make([]int16, max(w.SampleRate/pieceIn, 1)*w.Channels)
	one := make([]int16, len(group)/w.Channels)
	s.next = func(payloads [][]byte) error {
		n, err := r.Read(group)
		if err != nil {
			return err
		}
		for c := range payloads {
			for i := range n / w.Channels {
				one[i] = group[i*w.Channels+c]
			}
			payloads[c] = encode(payloads[c][:0], one[:n/w.Channels])
		}
		return nil
	}
	return s, nil
}

// openOgg gives the packets as they are. The two channels of a packet are coded
// together, so that they cannot be told apart without decoding.
func openOgg(f io.Reader) (*sound, error) {
	r, err := ogg.NewReader(f)
	if err != nil {
		return nil, unsupported("The Ogg file cannot be read: send Opus, mono or stereo (RFC 7845).", err)
	}
	return &sound{format: ogg.Format(), channels: 1, mixed: r.Head().Channels > 1,
		cut: func() bool { return r.Damaged() > 0 },
		next: func(payloads [][]byte) error {
			p, _, err := r.Next()
			payloads[0] = append(payloads[0][:0], p...)
			return err
		}}, nil
}

// bareTypes says in words what openBare reads.
const bareTypes = "audio/basic, audio/PCMU, audio/PCMA, audio/G722 or audio/L16;rate=8000;channels=2"

// openBare reads octets without a header, as their media type says (RFC 4856,
// RFC 2046 §4.3, RFC 2586).
func openBare(f io.Reader, mediaType string) (*sound, error) {
	kind, params, err := mime.ParseMediaType(mediaType)
	if err != nil {
		return nil, unsupported("The file is neither WAV nor Ogg; bare audio needs its Content-Type: "+bareTypes+".", err)
	}
	number := func(name string, standard, most int) (int, error) {
		if params[name] == "" {
			return standard, nil
		}
		n, err := strconv.Atoi(params[name])
		if err != nil || n < 1 || n > most {
			return 0, unsupported("The parameter "+name+" of Content-Type is not a number from 1 to "+strconv.Itoa(most)+".", err)
		}
		return n, nil
	}
	rate, err := number("rate", 8000, codec.MaxClockRate)
	if err != nil {
		return nil, err
	}
	channels, err := number("channels", 1, maxChannels)
	if err != nil {
		return nil, err
	}
	s := &sound{channels: channels, cut: func() bool { return false }, format: codec.Format{ClockRate: rate, Channels: 1}}
	width := 1
	switch strings.ToLower(kind) {
	case "audio/basic", "audio/pcmu":
		s.format.Codec = codec.PCMU
	case "audio/pcma":
		s.format.Codec = codec.PCMA
	case "audio/g722":
		s.format.Codec = codec.G722
		if channels > 1 || rate != 8000 {
			return nil, unsupported("G.722 is read with one channel and the clock of 8000 Hz that RFC 3551 gives it.", nil)
		}
	case "audio/l16":
		s.format.Codec = codec.L16
		width = 2
	default:
		return nil, unsupported("The file is neither WAV nor Ogg, and its Content-Type is none of "+bareTypes+".", nil)
	}
	piece := make([]byte, max(rate/pieceIn, 1)*width*channels)
	s.next = func(payloads [][]byte) error {
		n, err := io.ReadFull(f, piece)
		n -= n % (width * channels)
		if n == 0 {
			if err == nil || errors.Is(err, io.ErrUnexpectedEOF) {
				err = io.EOF
			}
			return err
		}
		for c := range payloads {
			payloads[c] = payloads[c][:0]
		}
		codec.Deinterleave(payloads, piece[:n], width)
		return nil
	}
	return s, nil
}
