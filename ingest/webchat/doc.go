// Package webchat is a resumable conversation over a WebSocket, for visitors of
// a site and the agents who answer them.
//
// Enters: frames of browsers and agent desktops. Leaves: arrivals for
// ingest.Intake, and acknowledgements once Kafka holds the message.
// It may not number messages itself: their order is the one on the topic.
package webchat
