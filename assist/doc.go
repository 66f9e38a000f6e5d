// Package assist decides what supervisors and agents are told.
//
// Enters: journeys after each change. Leaves: alerts and suggestions, each with
// the rule, its version and the evidence.
// Rules live in one policy file, in CEL, and act alike on every channel. It
// imports event and bus, and no other stage.
package assist
