// Package vocabulary puts names and products right in a transcript.
//
// What enters: a list of terms, and the words of a recogniser that knows none
// of them. What leaves: the same words with what sounds like a term replaced
// by it. It compares sounds, not meaning; it may not touch audio or engines.
package vocabulary
