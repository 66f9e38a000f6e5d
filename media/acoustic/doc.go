// Package acoustic describes how a turn was spoken, compared with how its speaker speaks.
//
// In: one speaker's samples at 8 kHz or a multiple. Out: pitch, level, speech rate and pauses of
// each turn, and how far they lie from the speaker's own running baseline.
// The labels say only what can be observed: louder, faster, higher. They never name an emotion, and
// audio that nobody spoke (bridged losses, filled gaps) is left out. It keeps no audio.
package acoustic
