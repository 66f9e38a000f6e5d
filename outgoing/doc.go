// Package outgoing tells other systems what was decided: telephony and
// messaging platforms that shall route or escalate, and chats where people look.
//
// Enters: alerts, and suggestions where a target asks for them. Leaves: signed
// HTTP requests, in the order of each customer, at least once; what a target
// refuses goes to the dead-letter topic with the reason.
// Kafka is the only memory. It imports event and bus, and no other stage.
package outgoing
