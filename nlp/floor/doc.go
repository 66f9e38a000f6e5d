// Package floor reads texts with linear models over hashed words and letters:
// microseconds a turn, a few megabytes, any language it was shown. It is what
// stands where the encoder cannot run.
//
// Enters: the text of a turn. Leaves: sentiment, emotions, the language, and the
// vector that intent heads are fitted on. It does no input or output: the models
// travel inside the binary (model/MODEL_CARD.md says what they were trained on).
package floor
