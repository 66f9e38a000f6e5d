package quality

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/pion/rtcp"
)

// ErrRTCP says that octets are not a compound RTCP packet.
var ErrRTCP = errors.New("rtcp malformed")

// IsRTCP tells RTCP from RTP where both share a port (RFC 5761 §4): the second octet of RTCP is
// 192 to 223.
func IsRTCP(packet []byte) bool {
	return len(packet) >= 2 && packet[0]>>6 == 2 && packet[1] >= 192 && packet[1] <= 223
}

// SenderClock is what a sender report says: this RTP timestamp was sent at that wall-clock time.
type SenderClock struct {
	SSRC      uint32
	NTP       uint64 // as sent, for the report back
	Timestamp uint32
	Arrival   time.Time
}

// Wall is the sender's own time of the report. Session border controllers that fork calls often
// send a clock that means nothing; compare with Arrival before trusting it.
func (c SenderClock) Wall() time.Time {
	return ntpTime(c.NTP)
}

// Session is the RTCP side of one leg: what the sender reported, and our reports to it. Some
// border controllers tear a call down when nobody reports, even to a receiver (recvonly).
type Session struct {
	SSRC  uint32 // ours
	CNAME string // ours; an opaque name, never a person's

	clock SenderClock
	bye   bool
}

// Receive reads one compound packet. It keeps the newest sender report and notes a BYE. The
// sender's names (SDES) are not kept.
func (s *Session) Receive(packet []byte, arrival time.Time) error {
	if !IsRTCP(packet) {
		return fmt.Errorf("receive rtcp: not version 2 of types 192–223: %w", ErrRTCP)
	}
	parts, err := rtcp.Unmarshal(packet)
	if err != nil {
		return fmt.Errorf("receive rtcp: %w: %w", err, ErrRTCP)
	}
	for _, p := range parts {
		switch p := p.(type) {
		case *rtcp.SenderReport:
			s.clock = SenderClock{SSRC: p.SSRC, NTP: p.NTPTime, Timestamp: p.RTPTime, Arrival: arrival}
		case *rtcp.Goodbye:
			s.bye = true
		}
	}
	return nil
}

// SenderClock is the newest sender report, and whether there was one.
func (s *Session) SenderClock() (SenderClock, bool) {
	return s.clock, !s.clock.Arrival.IsZero()
}

// Ended reports whether the sender said BYE.
func (s *Session) Ended() bool { return s.bye }

// Report builds the compound packet RR + SDES for the stream ssrc. With bye it says goodbye too,
// for the end of a leg.
func (s *Session) Report(source *Source, ssrc uint32, now time.Time, bye bool) ([]byte, error) {
	block := rtcp.ReceptionReport{
		SSRC:               ssrc,
		FractionLost:       source.FractionLost(),
		TotalLost:          uint32(min(max(source.Lost(), -1<<23), 1<<23-1)) & 0xffffff, // signed 24 bits
		LastSequenceNumber: source.Highest(),
		Jitter:             source.JitterTicks(),
	}
	if clock, ok := s.SenderClock(); ok && clock.SSRC == ssrc {
		block.LastSenderReport = uint32(clock.NTP >> 16)
		block.Delay = uint32(max(now.Sub(clock.Arrival), 0).Seconds() * 65536)
	}
	compound := []rtcp.Packet{
		&rtcp.ReceiverReport{SSRC: s.SSRC, Reports: []rtcp.ReceptionReport{block}},
		rtcp.NewCNAMESourceDescription(s.SSRC, s.CNAME),
	}
	if bye {
		compound = append(compound, &rtcp.Goodbye{Sources: []uint32{s.SSRC}})
	}
	b, err := rtcp.Marshal(compound)
	if err != nil {
		return nil, fmt.Errorf("receiver report: %w", err)
	}
	return b, nil
}

// MinReportInterval is the least mean time between reports (RFC 3550 §6.2).
const MinReportInterval = 5 * time.Second

// NextReport draws the time to the next report: half to one and a half of the interval, so that
// a thousand legs do not report in step (RFC 3550 §6.3.1).
func NextReport() time.Duration {
	return MinReportInterval/2 + rand.N(MinReportInterval)
}

// ntpTime converts a 64-bit NTP timestamp: seconds since 1900 and their binary fraction.
func ntpTime(ntp uint64) time.Time {
	const from1900to1970 = 2208988800
	nanos := (ntp & 0xffffffff) * uint64(time.Second) >> 32
	return time.Unix(int64(ntp>>32)-from1900to1970, int64(nanos)).UTC()
}
