// Package twilio takes calls as Twilio Media Streams and the streams made in their
// likeness: JSON with base64 audio (Twilio, SignalWire, Telnyx, Exotel, Plivo), or
// one text frame and then bare audio (jambonz, FreeSWITCH, Vonage, Asterisk).
//
// Enters: WebSockets, signed or with a key. Leaves: calls by the door.
// It may not touch: Kafka, decoded audio, digits that a caller presses.
package twilio
