// Package dashboards shows what the pipeline knows, live: the supervisors'
// screen, the stream for agents' desktops (SSE and WebSocket), and REST.
//
// Enters: the topics of event, read on all partitions, and a Store for what is
// older. Leaves: HTTP responses, streams, and feedback on its topic.
// It may not touch: other stages, ClickHouse or Kafka but through those two.
package dashboards
