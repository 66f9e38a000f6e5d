// Package apachekafka runs one real Apache Kafka node for tests, so that what
// passes on the embedded broker is known to pass on the broker it stands for.
//
// What enters: a directory for the node's data. What leaves: an address on
// loopback, with the bounds the embedded broker has. Kafka's jars are fetched
// by Maven, once, into the user's cache; java and mvn must be installed, and
// [ErrUnavailable] says when they are not.
// What it may not touch: anything outside tests and that cache.
package apachekafka
