// Package rtpstream gives one leg's RTP packets order and time.
//
// In: raw packets with their arrival times, as the network delivered them, and the payload types
// of the SDP. Out: frames in media order, gaps marked, and what was lost on the way.
// It follows changes of SSRC, sequence restarts and timestamp jumps, and never blocks or waits on
// its own: time passes only when a caller says so. It may not decode audio or touch sockets.
package rtpstream
