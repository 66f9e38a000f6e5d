// Package journey follows each customer across channels: what is open, how it
// feels, and what came before.
//
// Enters: features (turns with their analysis) and interactions. Leaves: the
// state of the customer's journey after each change, on a compacted topic that
// is also this stage's only memory.
// It imports event and bus, and no other stage.
package journey
