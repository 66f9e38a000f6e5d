// Package bus is the only road between stages: Kafka, by segmentio/kafka-go.
//
// Enters: events of package event, and declared Stages. Leaves: the same events
// on their topics, in the order of their key, at least once.
// Nobody else may import kafka-go, and bus knows no stage.
package bus
