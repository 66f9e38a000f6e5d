// Package speech is the vocabulary that every recogniser of this project shares.
//
// What enters: nothing; it holds types only. What leaves: Recogniser, the one
// interface an engine implements; Result and Word, what an engine returns; and
// Event, what a stream of speech becomes. It may not touch an engine, a
// network, or any other package of ours.
package speech
