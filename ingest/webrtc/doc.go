// Package webrtc takes calls from browsers and other WebRTC publishers by WHIP
// (RFC 9725), all of them on one UDP port, and answers offers that come by
// another signalling.
//
// Enters: HTTP requests with session descriptions, encrypted RTP. Leaves: RTP
// packets into the legs of calls, by the door. It may not touch: Kafka, decoded
// audio, video.
package webrtc
