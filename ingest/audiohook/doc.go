// Package audiohook takes calls from Genesys Cloud by the AudioHook protocol,
// version 2: signed WebSockets with stereo audio, pauses that keep card data out,
// probes, and transcripts on their way back.
//
// Enters: WebSockets, and turns to be shown in Genesys. Leaves: calls by the door.
// It may not touch: Kafka, decoded audio, or what is said while a call is paused.
package audiohook
