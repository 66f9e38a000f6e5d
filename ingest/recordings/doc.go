// Package recordings takes calls that are over: files sent to POST /v1/recordings
// or read by throughline import, one party a channel or all in one.
//
// Enters: WAV, Ogg/Opus and bare telephone audio with what is known of the call.
// Leaves: calls of the past by the door, answered when Kafka has all their audio.
// It may not touch: Kafka, decoded audio of compressed files, names of files.
package recordings
