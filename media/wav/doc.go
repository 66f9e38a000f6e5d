// Package wav reads and writes recordings in RIFF/WAVE files.
//
// In: a file or a stream of one: PCM of 8 to 32 bits, floating point, µ-law or A-law, any number
// of channels, with headers as broken as recorders leave them. Out: interleaved 16-bit samples.
// Writing goes the other way: 16-bit PCM, µ-law or A-law, to a file or to a stream.
// It reads forward only and bounds what a header can make it allocate. It resamples nothing.
package wav
