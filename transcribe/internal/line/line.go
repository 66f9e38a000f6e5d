package line

import (
	"math/rand/v2"
	"time"

	"throughline/media"
	"throughline/media/codec"
	"throughline/media/decode"
	"throughline/transcribe/speech"
)

// Line is how speech comes here. The zero value changes nothing about it.
type Line struct {
	Telephone bool    // 8 kHz, µ-law (ITU-T G.711); otherwise linear at speech.Rate
	Loss      float64 // share of the packets that are lost, from 0 to 1
	Burst     float64 // how many packets in a row are lost on average; 0 and 1: each by itself
}

// packet is the media time of one packet of a telephone.
const packet = 20 * time.Millisecond

// Format is what the line carries.
func (l Line) Format() codec.Format {
	if l.Telephone {
		return codec.Format{Codec: codec.PCMU, ClockRate: 8000, Channels: 1}
	}
	return codec.Format{Codec: codec.L16, ClockRate: speech.Rate, Channels: 1}
}

// Send cuts samples of the line's rate into packets, loses some, and writes
// chunks of the rest to d, which it closes. Seed says which are lost.
func (l Line) Send(pcm []int16, seed uint64, d *decode.Decoder) error {
	format := l.Format()
	encode := codec.AppendL16
	if format.Codec == codec.PCMU {
		encode = codec.AppendULaw
	}
	drop := l.dropper(seed)
	chunker := media.NewChunker(0, chunks{d})
	size := int(media.DurationTicks(packet, format.ClockRate))
	var payload []byte
	gap := int64(0)
	for at := 0; at < len(pcm); at += size {
		part := pcm[at:min(at+size, len(pcm))]
		if drop() {
			gap += int64(len(part))
			continue
		}
		payload = encode(payload[:0], part)
		frame := media.Frame{Offset: media.TicksDuration(int64(at), format.ClockRate), Ticks: len(part), Format: format, Payload: payload}
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

// dropper tells of each packet whether it is lost, by the two states of Gilbert
// (1960): a loss goes on or ends with the same chance each time.
func (l Line) dropper(seed uint64) func() bool {
	dice := rand.New(rand.NewPCG(seed, 1))
	burst := max(l.Burst, 1)
	lost := false
	return func() bool {
		switch {
		case l.Loss <= 0:
		case l.Loss >= 1:
			lost = true
		case lost && burst > 1:
			lost = dice.Float64() >= 1/burst
		case burst > 1:
			lost = dice.Float64() < l.Loss/(1-l.Loss)/burst
		default:
			lost = dice.Float64() < l.Loss
		}
		return lost
	}
}

// chunks makes a decoder the end of a chain of chunks.
type chunks struct{ *decode.Decoder }
