// Package embedded is the Kafka broker that lives inside the process, so that
// Throughline runs with nothing else installed. It speaks the Kafka protocol
// on a loopback port and keeps its log in a directory: what it acknowledged
// survives kill -9, and survives power loss when [Config.Sync] is set.
//
// What enters: any Kafka client's requests, from this host only.
// What leaves: the log files under [Config.Dir].
// What it may not touch: no package of ours; it knows no topic by name.
//
// The protocol and the log are franz-go's kfake, which was written for tests.
// This package adds what a service needs around it: one process a directory
// (lock.go), refusal of what is not Kafka before it can do harm (frame.go),
// retention and crash-safe compaction (upkeep.go, compact.go) that waits for
// readers (readers.go), offsets that never run backwards (floor.go), and errors
// instead of acks when the disk runs full (upkeep.go).
package embedded
