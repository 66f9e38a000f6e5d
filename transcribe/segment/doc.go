// Package segment turns streams of audio into utterances while people speak.
//
// What enters: the audio of many legs, a recogniser and a voice-activity
// detector. What leaves: for each leg, in order, where speech began and ended,
// partial transcripts with a stable prefix, and finals. It may not decode
// codecs, know of topics, or keep more of a leg than its open utterance.
package segment
