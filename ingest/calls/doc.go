// Package calls is the one door by which calls enter: it begins them, takes the
// audio of their legs, and brings every one to an end with its reason.
//
// Enters: descriptions of calls, RTP packets or codec payloads of their legs.
// Leaves: identities, interactions and audio chunks, buffered while Kafka is away.
// It may not touch: sockets and signalling (the sources' part), or decoded audio.
package calls
