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
	"throughline/media/flac"
	"throughline/media/ogg"
	"throughline/media/resample"
	"throughline/media/wav"
	"throughline/problem"
)

// sound reads a file piece by piece, each channel for itself.
type sound struct {
	format   codec.Format // of every channel
	channels int
	// next fills one payload a channel with what comes next; io.EOF at the end.
	// The payloads are valid until the next call.
	next func(payloads [][]byte) error
	// cut tells, at the end, whether there was less than the file promised.
	cut func() bool
}

// pieceIn is the part of a second that is read at once.
const pieceIn = 10

// open finds out what f holds: by its first octets, or else by its media type.
// Mixed says that one channel with all voices is wanted of a file of two that are
// coded together.
func open(f io.ReadSeeker, mediaType string, mixed bool) (*sound, error) {
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
	case "fLaC":
		s, err = openFLAC(f)
	case "OggS":
		s, err = openOgg(f, mixed)
	case ".snd": // else its header would be heard as audio/basic, which it is called
		return nil, unsupported("Audio files of Sun and NeXT (.au, .snd) are not read: send WAV, FLAC or Ogg/Opus.", nil)
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
	s.next = func(payloads [][]byte) error {
		n, err := r.Read(group)
		if err != nil {
			return err
		}
		part(payloads, group[:n], encode)
		return nil
	}
	return s, nil
}

func openFLAC(f io.Reader) (*sound, error) {
	r, err := flac.NewReader(f)
	if err != nil {
		return nil, unsupported("The FLAC file cannot be read: send it with its header whole.", err)
	}
	s := &sound{channels: r.Channels(), cut: r.Truncated, format: codec.Format{Codec: codec.L16, ClockRate: r.Rate(), Channels: 1}}
	group := make([]int16, max(r.Rate()/pieceIn, 1)*s.channels)
	s.next = func(payloads [][]byte) error {
		n, err := r.Read(group)
		if err != nil {
			return err
		}
		part(payloads, group[:n], codec.AppendL16)
		return nil
	}
	return s, nil
}

// part fills a payload with the samples of each channel.
func part(payloads [][]byte, group []int16, encode func([]byte, []int16) []byte) {
	one := make([]int16, len(group)/len(payloads))
	for c := range payloads {
		for i := range one {
			one[i] = group[i*len(payloads)+c]
		}
		payloads[c] = encode(payloads[c][:0], one)
	}
}

// The rates at which the two channels of Opus are kept: what a telephone was
// recorded from holds no more than the first.
const (
	narrowRate = 8000
	wideRate   = 16000
)

// openOgg gives the packets as they are where one channel is wanted. The two
// channels of a packet are coded together (RFC 6716 §4.2.8, §4.3.4), so to part
// them they are decoded, and kept as samples.
func openOgg(f io.Reader, mixed bool) (*sound, error) {
	r, err := ogg.NewReader(f)
	if err != nil {
		return nil, unsupported("The Ogg file cannot be read: send Opus, mono or stereo (RFC 7845).", err)
	}
	cut := func() bool { return r.Damaged() > 0 }
	if mixed || r.Head().Channels == 1 {
		return &sound{format: ogg.Format(), channels: 1, cut: cut, next: func(payloads [][]byte) error {
			p, _, err := r.Next()
			payloads[0] = append(payloads[0][:0], p...)
			return err
		}}, nil
	}
	rate := wideRate
	if in := r.Head().InputRate; in > 0 && in <= narrowRate {
		rate = narrowRate
	}
	samples, err := ogg.NewSamples(r, rate, 2)
	if err != nil {
		return nil, err
	}
	return &sound{format: codec.Format{Codec: codec.L16, ClockRate: rate, Channels: 1}, channels: 2, cut: cut, next: func(payloads [][]byte) error {
		group, err := samples.Next()
		if err != nil {
			return err
		}
		part(payloads, group, codec.AppendL16)
		return nil
	}}, nil
}

// bareTypes says in words what openBare reads.
const bareTypes = "audio/basic, audio/PCMU, audio/PCMA, audio/G722 or audio/L16;rate=8000;channels=2"

// openBare reads octets without a header, as their media type says (RFC 4856,
// RFC 2046 §4.3, RFC 2586).
func openBare(f io.Reader, mediaType string) (*sound, error) {
	kind, params, err := mime.ParseMediaType(mediaType)
	if err != nil {
		return nil, unsupported("The file is neither WAV, FLAC nor Ogg; bare audio needs its Content-Type: "+bareTypes+".", err)
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
		return nil, unsupported("The file is neither WAV, FLAC nor Ogg, and its Content-Type is none of "+bareTypes+".", nil)
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
