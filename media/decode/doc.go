// Package decode turns a leg's audio chunks into samples.
//
// In: chunks, in order, repeated or missing ones included, with their gaps.
// Out: blocks of mono 16-bit samples at the rate of the next writer, on the leg's media time, short
// losses bridged and marked as such. A payload that cannot be decoded is a loss, never a panic.
// It may not know where chunks come from or what listens.
package decode
