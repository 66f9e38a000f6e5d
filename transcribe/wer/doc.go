// Package wer scores transcripts against references by word error rate.
//
// What enters: a reference and a transcript as text. What leaves: counts of
// substituted, deleted and inserted words after a normalisation that is the
// same for both. It may not touch audio, engines, or any other package.
package wer
