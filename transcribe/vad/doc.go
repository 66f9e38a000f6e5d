// Package vad tells speech from everything else with Silero's network.
//
// What enters: frames of audio of one or many legs, and the path of the
// network. What leaves: the probability of speech in each frame. Legs are
// computed together because thirty-two cost a third of thirty-two alone. It
// may not decide where an utterance begins or ends.
package vad
