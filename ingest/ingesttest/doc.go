// Package ingesttest gives tests of the channels a real intake: the embedded
// broker, the gate, and what was stored, read back from Kafka.
//
// Enters: a test. Leaves: an Intake and the events that it published.
// It is for tests only.
package ingesttest
