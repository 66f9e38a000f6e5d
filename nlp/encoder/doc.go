// Package encoder reads texts with one small sentence encoder: a single pass
// gives the meaning, the sentiment and the emotions of a turn.
//
// Enters: text, a session of a neural-network runtime, and a reader for the
// languages the encoder was not taught. Leaves: readings. It loads no library
// and fetches nothing; model/MODEL_CARD.md says what the network was trained on.
package encoder
