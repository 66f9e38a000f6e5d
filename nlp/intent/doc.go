// Package intent finds what a customer wants, among intents that the user owns.
//
// Enters: a taxonomy (names, descriptions, examples), and texts as vectors of
// any model. Leaves: the intents of a text with calibrated probabilities, or
// that it is out of scope. It knows no model of language and no event.
package intent
