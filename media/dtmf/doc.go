// Package dtmf observes that a caller pressed keys, and nothing more.
//
// In: telephone-event payloads (RFC 4733) with their RTP timestamps.
// Out: how many key presses there were, and that one has just begun.
// Which keys were pressed is never decoded, returned or stored: during a payment they are card
// data. It imports the standard library only.
package dtmf
