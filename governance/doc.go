// Package governance decides what may be kept of what people say.
//
// Enters: raw turns and interactions, and what people allow and refuse. Leaves:
// Cleared turns, the only values that turn topics accept; opt-outs; audit
// entries. It knows no Kafka, keeps consent and unfinished numbers in memory
// only, and puts nobody's words into a log, an error or an audit entry.
package governance
