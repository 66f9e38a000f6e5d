// Package corpus gives the tests of this folder models and recorded speech.
//
// What enters: the native parts and the development data, where they are on
// this machine. What leaves: loaded engines, samples with their transcripts,
// and what a telephone line does to them. Only tests and benchmarks import it.
package corpus
