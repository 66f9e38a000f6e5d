// Package codec turns the payloads of telephony codecs into linear audio.
//
// In: payload bytes and the [Format] an SDP or a container announced for them.
// Out: mono 16-bit samples at the decoder's own rate, or payload durations in clock ticks.
// It knows G.711 µ-law and A-law (both directions), G.722, Opus and L16.
// It may not touch time, order, files or the network: see media/rtpstream and media/decode.
package codec
