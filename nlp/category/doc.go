// Package category puts turns into the user's categories by rules in CEL, the
// same for every channel, live and over history.
//
// Enters: a file of rules, and turns with what was understood of them. Leaves:
// the names of the rules that hold. A rule sees one turn and nothing else: no
// clock, no store, no other turn, so a back-test gives what live gave.
package category
