// Package quality measures how well a leg was received, and speaks RTCP about it.
//
// In: sequence numbers, timestamps and arrival times of RTP packets; RTCP packets of the sender.
// Out: loss and jitter as RFC 3550 counts them, receiver reports, skew between legs, and an
// estimated mean opinion score. It never sees audio and keeps no packet.
// It imports pion/rtcp, and of ours only media/codec for the names of codecs.
package quality
