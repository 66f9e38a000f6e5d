// Package flac reads recordings in FLAC files (RFC 9639).
//
// In: a file or a stream of one, of any width and number of channels. Out: interleaved 16-bit
// samples. It reads forward only, and checks no MD5. It resamples nothing.
package flac
