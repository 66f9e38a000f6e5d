// Package pcap reads packet captures, so that real calls can be replayed packet for packet.
//
// In: a capture file, classic pcap or pcapng, of Ethernet, Linux cooked, loopback or raw IP.
// Out: UDP datagrams with their capture times, and the RTP streams among them.
// It reads forward only, bounds every length, and may not write or open anything.
package pcap
