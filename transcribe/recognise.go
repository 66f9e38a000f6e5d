package transcribe

import (
	"context"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"throughline/media"
	"throughline/media/codec"
	"throughline/media/decode"
	"throughline/media/flac"
	"throughline/media/ogg"
	"throughline/media/resample"
	"throughline/media/wav"
	"throughline/transcribe/segment"
	"throughline/transcribe/speech"
)

// packet is the media time of one packet of a telephone.
const packet = 20 * time.Millisecond

// longestFile bounds what RecogniseFile reads.
const longestFile = 2 * time.Hour

// RecogniseFile transcribes a WAV, FLAC or Ogg Opus file as if it came as a leg: in
// packets, through the decoder and the segmenter. With telephone it is first
// narrowed to 8 kHz µ-law (ITU-T G.711); of its packets the share loss, from 0 to
// 1, is lost at random, the same ones each time. Run must be working.
func (t *Transcriber) RecogniseFile(ctx context.Context, path string, telephone bool, loss float64) (string, error) {
	format := codec.Format{Codec: codec.L16, ClockRate: speech.Rate, Channels: 1}
	if telephone {
		format = codec.Format{Codec: codec.PCMU, ClockRate: 8000, Channels: 1}
	}
	pcm, err := readFile(path, format.ClockRate)
	if err != nil {
		return "", err
	}
	engine, err := t.ready(ctx)
	if err != nil {
		return "", err
	}
	var mu sync.Mutex
	var said []string
	var failed error
	e := &ear{ctx: ctx, open: engine.Open, before: func(media.Block) {}, cfg: segment.LegConfig{
		Corrector: t.corrector, Hints: t.hints,
		Emit: func(ev speech.Event) {
			if ev.Kind != speech.Final {
				return
			}
			mu.Lock()
			defer mu.Unlock()
			if ev.Err != nil {
				failed = ev.Err
			}
			said = append(said, ev.Text)
		},
	}}
	d, err := decode.New(decode.Config{}, e)
	if err != nil {
		return "", err
	}
	if err := packets(pcm, format, loss, seed(path), d); err != nil {
		return "", err
	}
	if e.leg == nil {
		return "", nil
	}
	if err := e.leg.Close(ctx); err != nil {
		return "", err
	}
	if failed != nil {
		return "", fmt.Errorf("recognise %s: %w", filepath.Base(path), failed)
	}
	return strings.Join(said, " "), nil
}

func seed(path string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(filepath.Base(path))) // a hash cannot fail
	return h.Sum64()
}

// packets sends samples as packets of 20 ms in chunks, less those that are lost.
func packets(pcm []int16, format codec.Format, loss float64, seed uint64, d *decode.Decoder) error {
	dice := rand.New(rand.NewPCG(seed, 1))
	chunker := media.NewChunker(0, chunks{d})
	size := int(media.DurationTicks(packet, format.ClockRate))
	var frame media.Frame
	var payload []byte
	gap := int64(0)
	for at := 0; at < len(pcm); at += size {
		part := pcm[at:min(at+size, len(pcm))]
		if dice.Float64() < loss {
			gap += int64(len(part))
			continue
		}
		if format.Codec == codec.PCMU {
			payload = codec.AppendULaw(payload[:0], part)
		} else {
			payload = codec.AppendL16(payload[:0], part)
		}
		frame = media.Frame{Offset: media.TicksDuration(int64(at), format.ClockRate), Ticks: len(part), Format: format, Payload: payload}
		if gap > 0 {
			frame.Gap = media.Gap{Kind: media.Lost, Ticks: gap}
			gap = 0
		}
		if err := chunker.WriteFrame(&frame); err != nil {
			return err
		}
	}
	if err := chunker.Close(); err != nil {
		return err
	}
	return d.Close()
}

// chunks makes a decoder the end of a chain of chunks.
type chunks struct{ *decode.Decoder }

// readFile reads a file as mono samples at a rate; several channels are mixed.
func readFile(path string, rate int) ([]int16, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read speech: %w", err)
	}
	defer f.Close()
	out := &media.Samples{SampleRate: rate, Limit: longestFile}
	switch strings.ToLower(filepath.Ext(path)) {
	case ".ogg", ".opus":
		_, err = ogg.Decode(f, out)
	case ".wav":
		var r *wav.Reader
		if r, err = wav.NewReader(f); err == nil {
			err = mix(r, r.Format().SampleRate, r.Format().Channels, out)
		}
	case ".flac":
		var r *flac.Reader
		if r, err = flac.NewReader(f); err == nil {
			err = mix(r, r.Rate(), r.Channels(), out)
		}
	default:
		return nil, fmt.Errorf("read speech: %s: want .wav, .flac, .ogg or .opus", filepath.Base(path))
	}
	if err != nil {
		return nil, fmt.Errorf("read speech: %s: %w", filepath.Base(path), err)
	}
	return out.PCM, nil
}

// mix reads interleaved channels as one at the sink's rate.
func mix(in interface{ Read([]int16) (int, error) }, rate, channels int, sink media.PCMWriter) error {
	link, err := resample.NewWriter(rate, sink)
	if err != nil {
		return err
	}
	buf := make([]int16, 4096*channels)
	at := int64(0)
	for {
		n, err := in.Read(buf)
		if err == io.EOF {
			return link.Flush()
		}
		if err != nil {
			return err
		}
		mono := buf[:n/channels]
		for i := range mono {
			sum := 0
			for _, v := range buf[i*channels : (i+1)*channels] {
				sum += int(v)
			}
			mono[i] = int16(sum / channels)
		}
		if err := link.WritePCM(media.Block{Offset: media.TicksDuration(at, rate), Samples: mono}); err != nil {
			return err
		}
		at += int64(len(mono))
	}
}
