// Package redact finds personal data in what people write and say, and puts
// typed placeholders where it stood.
//
// Enters: the text of a turn, with what was said just before it. Leaves: the
// text with placeholders, and where they stand. It knows no Kafka and no event,
// writes nothing anywhere, and never puts a person's words into an error.
package redact
