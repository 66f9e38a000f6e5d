package openai

import (
	"encoding/binary"
	"math"

	"throughline/transcribe/speech"
)

// wav wraps samples as 16-bit mono PCM, the one form that every server reads
// without ffmpeg.
func wav(pcm []float32) []byte {
	const header = 44
	b := make([]byte, 0, header+2*len(pcm))
	b = append(b, "RIFF"...)
	b = binary.LittleEndian.AppendUint32(b, uint32(header-8+2*len(pcm)))
	b = append(b, "WAVEfmt "...)
	b = binary.LittleEndian.AppendUint32(b, 16)
	b = binary.LittleEndian.AppendUint16(b, 1) // PCM
	b = binary.LittleEndian.AppendUint16(b, 1) // mono
	b = binary.LittleEndian.AppendUint32(b, speech.Rate)
	b = binary.LittleEndian.AppendUint32(b, 2*speech.Rate)
	b = binary.LittleEndian.AppendUint16(b, 2)
	b = binary.LittleEndian.AppendUint16(b, 16)
	b = append(b, "data"...)
	b = binary.LittleEndian.AppendUint32(b, uint32(2*len(pcm)))
	for _, v := range pcm {
		x := math.Round(float64(v) * 32768)
		b = binary.LittleEndian.AppendUint16(b, uint16(int16(max(-32768, min(32767, x)))))
	}
	return b
}
