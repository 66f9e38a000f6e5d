// Package transcribe is the stage that turns the audio of calls into turns.
//
// Enters: audio chunks of legs, and the gate that clears words. Leaves: growing
// partial turns, final turns with times and acoustics, and the call's measures
// as they grow. Its engines are in the packages below it.
// It imports event, bus, media and governance, and no other stage.
package transcribe
