// Package resample changes the sample rate of mono audio.
//
// In: 16-bit samples at one rate. Out: the same sound at another, in step with the input: sample 0
// out stands at the time of sample 0 in, and nothing is added or lost at the end.
// A polyphase windowed-sinc filter does it; stopband and ripple are measured in the tests.
// It knows no codecs, no files and no clocks.
package resample
