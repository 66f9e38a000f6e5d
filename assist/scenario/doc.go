// Package scenario plays what a customer goes through over every channel, and
// compares what a policy decides: inheritance between channels is shown, not
// claimed.
//
// Enters: scenarios in YAML, a policy, and the parts of the product that make
// journeys of turns. Leaves: what was decided at each step on each channel.
// It imports assist and event; the parts come from outside.
package scenario
