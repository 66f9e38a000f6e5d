// Package siprec is a recording server (RFC 7866): it answers the calls that
// session border controllers copy to it, before anything else is done with them.
//
// Enters: SIP over UDP, TCP and TLS; rs-metadata of any dialect. Leaves: calls,
// their legs with roles, and the RTP of the legs through ingest/rtp.
// It may not touch: Kafka, audio; nothing it waits for may stand before the answer.
package siprec
