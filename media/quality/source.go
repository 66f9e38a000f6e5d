package quality

import "time"

// The constants of RFC 3550 appendix A.1.
const (
	maxDropout  = 3000 // a forward jump up to here is loss, above it a restart
	maxMisorder = 100  // a backward jump up to here is reordering
	seqMod      = 1 << 16
)

// Verdict is what a sequence number means to the source.
type Verdict uint8

const (
	InOrder   Verdict = iota // the next packet, or a later one after loss
	Misplaced                // an earlier packet: reordered or repeated
	Doubtful                 // far from the sequence: one more in line with it and it is a restart
	Restarted                // the sender began a new sequence
)

// Source keeps the RFC 3550 receiver state of one SSRC. The zero value is ready for the first
// packet.
type Source struct {
	started  bool
	base     int64 // extended number of the first packet of this sequence
	top      int64 // highest extended number
	badSeq   int32 // the number that would confirm a restart; −1 for none
	received int64 // in this sequence

	earlierReceived int64 // in the sequences before a restart
	earlierExpected int64
	reportedPackets int64 // at the last report, for the fraction lost
	reportedTotal   int64

	timed     bool
	clock     int
	timestamp uint32
	mediaTime time.Duration // of the last packet since the first, by its timestamp
	transit   time.Duration
	jitter    float64 // seconds
	worst     float64
}

// Sequence runs algorithm A.1 on one sequence number. For all but Doubtful it gives the extended
// number, which does not wrap; after a restart it continues above all that came before.
func (s *Source) Sequence(seq uint16) (extended int64, v Verdict) {
	if !s.started {
		s.started = true
		s.begin(int64(seq))
		return s.top, InOrder
	}
	switch delta := seq - uint16(s.top); {
	case delta > 0 && delta < maxDropout:
		s.top += int64(delta)
		s.badSeq = -1
		s.received++
		return s.top, InOrder
	case delta == 0 || delta > seqMod-maxMisorder:
		s.received++
		return s.top + int64(int16(delta)), Misplaced
	case int32(seq) == s.badSeq:
		// Two packets in line: the sender restarted without telling.
		s.earlierReceived += s.received
		s.earlierExpected += s.top - s.base + 1
		s.received = 0
		// Two cycles up is above anything that the old sequence may still deliver.
		s.begin((s.top/seqMod+2)*seqMod + int64(seq))
		return s.top, Restarted
	}
	s.badSeq = int32(seq + 1)
	return 0, Doubtful
}

func (s *Source) begin(extended int64) {
	s.base, s.top = extended, extended
	s.badSeq = -1
	s.received++
}

// Timing runs algorithm A.8 on one packet: the difference of relative transit times, smoothed by
// 1/16. Arrival counts from any fixed moment. A change of clock rate skips one comparison, because
// the timestamps do not share a unit.
func (s *Source) Timing(timestamp uint32, clock int, arrival time.Duration) {
	if clock <= 0 {
		return
	}
	step := int64(int32(timestamp - s.timestamp))
	s.timestamp = timestamp
	if !s.timed || clock != s.clock {
		s.timed, s.clock = true, clock
		s.mediaTime, s.transit = 0, arrival
		return
	}
	s.mediaTime += time.Duration(step * int64(time.Second) / int64(clock))
	transit := arrival - s.mediaTime
	d := (transit - s.transit).Seconds()
	s.transit = transit
	s.jitter += (max(d, -d) - s.jitter) / 16
	s.worst = max(s.worst, s.jitter)
}

// Retime forgets the last timestamp, after a jump that says nothing about the network: a new
// SSRC, a hold. The jitter stays.
func (s *Source) Retime() { s.timed = false }

// Received counts packets, repetitions included, as RFC 3550 does.
func (s *Source) Received() int64 { return s.earlierReceived + s.received }

// Expected counts the packets that the sequence numbers promise.
func (s *Source) Expected() int64 {
	if !s.started {
		return 0
	}
	return s.earlierExpected + s.top - s.base + 1
}

// Lost is expected less received (A.3); repetitions can make it negative.
func (s *Source) Lost() int64 { return s.Expected() - s.Received() }

// Highest is the extended highest sequence number of RFC 3550 §6.4.1: wraps in the upper half.
func (s *Source) Highest() uint32 { return uint32(s.top) }

// Jitter is the interarrival jitter now.
func (s *Source) Jitter() time.Duration { return time.Duration(s.jitter * float64(time.Second)) }

// MaxJitter is the highest it has been.
func (s *Source) MaxJitter() time.Duration { return time.Duration(s.worst * float64(time.Second)) }

// JitterTicks is the jitter in the unit of the stream's clock, as a report carries it.
func (s *Source) JitterTicks() uint32 { return uint32(s.jitter * float64(s.clock)) }

// FractionLost gives the share lost since it was last asked, in 256ths (RFC 3550 §6.4.1, A.3).
func (s *Source) FractionLost() uint8 {
	expected, received := s.Expected(), s.Received()
	newExpected, newReceived := expected-s.reportedTotal, received-s.reportedPackets
	s.reportedTotal, s.reportedPackets = expected, received
	if newExpected <= 0 || newReceived >= newExpected {
		return 0
	}
	return uint8(min((newExpected-newReceived)*256/newExpected, 255))
}
