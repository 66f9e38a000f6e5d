package transcribe

import (
	"errors"
	"fmt"
	"io"

	"github.com/mewkiz/flac"

	"throughline/media"
	"throughline/media/resample"
)

// readFLAC reads a FLAC file (RFC 9639) as mono samples; several channels are
// mixed, and samples of other widths brought to 16 bits.
func readFLAC(in io.Reader, sink media.PCMWriter) error {
	stream, err := flac.New(in)
	if err != nil {
		return fmt.Errorf("flac header: %w", err)
	}
	bits, channels := int(stream.Info.BitsPerSample), int(stream.Info.NChannels)
	if bits < 4 || bits > 32 || channels < 1 {
		return fmt.Errorf("flac header: %d bits on %d channels", bits, channels)
	}
	link, err := resample.NewWriter(int(stream.Info.SampleRate), sink)
	if err != nil {
		return err
	}
	at := int64(0)
	for {
		frame, err := stream.ParseNext()
		if errors.Is(err, io.EOF) {
			return link.Flush()
		}
		if err != nil {
			return fmt.Errorf("flac frame: %w", err)
		}
		mono := make([]int16, frame.BlockSize)
		for _, sub := range frame.Subframes {
			if len(sub.Samples) < len(mono) {
				return errors.New("flac frame: a channel is shorter than the frame")
			}
		}
		for i := range mono {
			sum := int64(0)
			for _, sub := range frame.Subframes {
				sum += int64(sub.Samples[i])
			}
			sum /= int64(len(frame.Subframes))
			if bits > 16 {
				sum >>= bits - 16
			} else {
				sum <<= 16 - bits
			}
			mono[i] = int16(sum)
		}
		block := media.Block{Offset: media.TicksDuration(at, int(stream.Info.SampleRate)), Samples: mono}
		if err := link.WritePCM(block); err != nil {
			return err
		}
		at += int64(len(mono))
	}
}
