// Package summary tells what a conversation was about, in sentences of its own.
//
// Enters: the cleared turns of an interaction, or of a whole journey, with what
// was understood of them. Leaves: a few sentences, each with the turn that proves
// it. A language model may word them where one is configured; what it says that
// stands in no turn is refused. It imports event and problem, and no stage.
package summary
