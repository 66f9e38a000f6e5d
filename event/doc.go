// Package event is the vocabulary of Throughline: every type that crosses a
// Kafka topic, the topics themselves, and how ids are made.
//
// Enters: nothing. Leaves: types that each stage reads and writes.
// It imports the standard library only, so that everybody may import it.
package event
