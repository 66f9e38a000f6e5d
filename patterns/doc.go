// Package patterns finds what has changed over many customers: intents that
// rise or fall, sentiment that shifts by queue, product or channel, and themes
// that nobody has named yet.
//
// Enters: counts and cleared texts that a History holds, which is ClickHouse.
// Leaves: a Report over HTTP and Pattern events, whose every line has a test
// behind it, a time, a size and examples. docs/patterns.md has the formulas.
// It imports event and problem; how a text becomes a vector is given from outside.
package patterns
