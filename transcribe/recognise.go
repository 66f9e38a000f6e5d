package transcribe

import (
	"context"
	"fmt"
	"hash/fnv"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"throughline/media"
	"throughline/media/decode"
	"throughline/media/flac"
	"throughline/media/ogg"
	"throughline/media/resample"
	"throughline/media/wav"
	"throughline/transcribe/internal/line"
	"throughline/transcribe/segment"
	"throughline/transcribe/speech"
)

// Line is how a recording is sent: how it is coded, and what is lost of it.
type Line = line.Line

// longestFile bounds what RecogniseFile reads.
const longestFile = 2 * time.Hour

// RecogniseFile transcribes a WAV, FLAC or Ogg Opus file as if it came as a leg
// over a line: in packets, of which the same ones are lost each time, through the
// decoder and the segmenter. Run must be working.
func (t *Transcriber) RecogniseFile(ctx context.Context, path string, over Line) (string, error) {
	pcm, err := readFile(path, over.Format().ClockRate)
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
	if err := over.Send(pcm, seed(path), d); err != nil {
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
