// Package nlp turns turns into features: language, sentiment, emotions, intents,
// entities and categories.
//
// Enters: cleared turns. Leaves: event.Features, one for each turn, also for
// turns with nothing to read. It knows no Kafka and no store, calls nobody, and
// reads emotions of the customer only, unless told otherwise.
package nlp
