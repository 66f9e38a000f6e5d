// Package moonshine recognises English speech with Moonshine tiny.
//
// What enters: one utterance, mono at 16 kHz, and the paths of the model as
// its publisher ships it. What leaves: text in Latin script, tokens and a
// confidence. Edited networks are written beside the originals once. It may
// not cut speech into utterances, fetch files, or know of calls and topics.
package moonshine
