package pcap

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"time"
)

// StreamKey names one RTP stream of a capture.
type StreamKey struct {
	Src, Dst netip.AddrPort
	SSRC     uint32
}

// RTP is one captured RTP packet, whole.
type RTP struct {
	Time time.Time
	Data []byte
}

// Stream is the RTP of one key in capture order.
type Stream struct {
	Key     StreamKey
	Packets []RTP
}

// Streams reads a capture to its end and gives the RTP streams in it, by the order of their first
// packets. Without signalling, RTP is guessed: version 2, no RTCP type, and at least minPackets
// of one key with plausible sequence numbers. A capture that is cut off gives what was whole, and
// the error.
func Streams(r *Reader, minPackets int) ([]Stream, error) {
	index := map[StreamKey]int{}
	var all []Stream
	var failure error
	for {
		p, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			failure = fmt.Errorf("read streams: %w", err)
			break
		}
		d, ok := p.UDP()
		if !ok || !looksLikeRTP(d) {
			continue
		}
		key := StreamKey{Src: d.Src, Dst: d.Dst, SSRC: binary.BigEndian.Uint32(d.Payload[8:])}
		i, known := index[key]
		if !known {
			i = len(all)
			index[key] = i
			all = append(all, Stream{Key: key})
		}
		all[i].Packets = append(all[i].Packets, RTP{Time: p.Time, Data: append([]byte(nil), d.Payload...)})
	}
	kept := all[:0]
	for _, s := range all {
		if len(s.Packets) >= minPackets && plausible(s.Packets) {
			kept = append(kept, s)
		}
	}
	return kept, failure
}

// looksLikeRTP also excludes the well-known ports, which media never uses: name services happen to
// set the same bits.
func looksLikeRTP(d Datagram) bool {
	b := d.Payload
	return len(b) >= 12 && b[0]>>6 == 2 && (b[1] < 192 || b[1] > 223) && d.Src.Port() >= 1024 && d.Dst.Port() >= 1024
}

// plausible says whether sequence numbers mostly go forward by less than MAX_DROPOUT of RFC 3550
// A.1, which random octets do not.
func plausible(packets []RTP) bool {
	forward := 0
	for i := 1; i < len(packets); i++ {
		step := binary.BigEndian.Uint16(packets[i].Data[2:]) - binary.BigEndian.Uint16(packets[i-1].Data[2:])
		if step < 3000 {
			forward++
		}
	}
	return forward*4 >= (len(packets)-1)*3
}
