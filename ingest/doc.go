// Package ingest is the one door by which messages enter: it finds the customer
// and the interaction, has the gate clear the words, and answers only for what
// Kafka has stored. Each channel is a sub-package.
//
// Enters: arrivals of a channel, and interactions and turns read back from Kafka.
// Leaves: identities, interactions, consents and cleared turns, in one publish.
// It may not touch: other stages, a store of its own, a person's words in a log.
package ingest
