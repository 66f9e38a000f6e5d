// Package moment is what a rule may see of one change of a journey: the turn,
// the interaction, the journey, the customer and the time, as flat named values.
//
// Enters: a journey after a change. Leaves: a Moment, the same whether it is
// decided on live or read back from the store years later; so times are whole
// milliseconds, what is unknown has a value, and every list is bounded.
// It imports event only, and does nothing but look.
package moment
