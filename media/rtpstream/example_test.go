package rtpstream_test

import (
	"fmt"

	"throughline/media"
	"throughline/media/codec"
	"throughline/media/decode"
	"throughline/media/rtpstream"
	"throughline/media/wav"
)

// A chain from packets to a recording. In the pipeline Kafka stands between the chunks and their
// decoder.
func Example() {
	recording, err := wav.NewWriter(new(discard), wav.Format{Encoding: wav.PCM, SampleRate: 16000, Channels: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	decoder, err := decode.New(decode.Config{}, recording)
	if err != nil {
		fmt.Println(err)
		return
	}
	formats := codec.StaticPayloadTypes()
	if err := formats.Set(111, codec.Format{Codec: codec.Opus, ClockRate: 48000, Channels: 2}); err != nil {
		fmt.Println(err)
		return
	}
	leg := rtpstream.NewReceiver(rtpstream.Config{Formats: formats}, media.NewChunker(0, decoder))
	fmt.Println(leg)
	// Output: rtp, holes waited for 60ms–200ms → chunks of 160ms → decoder → wav at 16000 Hz
}

type discard struct{}

func (discard) Write(b []byte) (int, error) { return len(b), nil }
