package rtpstream

import (
	"errors"
	"fmt"
	"time"

	"github.com/pion/rtp"

	"throughline/media"
	"throughline/media/codec"
	"throughline/media/dtmf"
	"throughline/media/quality"
)

// ErrPacket says that octets are not an RTP packet that a leg can use.
var ErrPacket = errors.New("rtp malformed")

// The waiting time for a missing packet. Transcripts need order, not playout: packets that come in
// order are released at once, and only a hole makes the rest wait.
const (
	DefaultMinWait = 60 * time.Millisecond
	DefaultMaxWait = 200 * time.Millisecond
)

// MaxPayload bounds the payload of a packet, and so the memory a forged stream can hold.
const MaxPayload = 8192

// retiredQuiet is how long the current SSRC must be silent before the one it replaced may return:
// two senders on one port would otherwise take turns.
const retiredQuiet = 500 * time.Millisecond

// Config of a receiver. The zero value works for static payload types.
type Config struct {
	// Formats maps payload types, as the SDP answer did. When no type is mapped, the static types
	// of RFC 3551 stand.
	Formats codec.PayloadTypes
	// MinWait and MaxWait bound how long packets behind a hole wait for it to be filled; between
	// them it follows the jitter. Zero means the defaults.
	MinWait, MaxWait time.Duration
}

// Stats is what a receiver has seen of its leg, all SSRCs together.
type Stats struct {
	Packets    int64 // accepted RTP packets, repetitions included
	Octets     int64 // of their payloads
	Expected   int64 // packets that the sequence numbers promise (RFC 3550 A.3)
	Lost       int64 // Expected − Packets; repetitions can make it negative (RFC 3550 §6.4.1)
	Missing    int64 // packets that were given up on, so that their time is a gap
	Late       int64 // of those, the ones that came afterwards and were dropped
	Repeated   int64 // packets that came twice
	Reordered  int64 // packets that came after a later one, yet in time
	Doubtful   int64 // packets far from the sequence, dropped unless the next one confirmed them
	Foreign    int64 // packets of another SSRC that did not become the leg's source
	Malformed  int64 // datagrams that are no RTP, or whose payload does not fit its codec
	Undecoded  int64 // packets of a format that cannot be decoded here
	Noise      int64 // comfort noise packets (RFC 3389)
	Keys       int   // key presses observed (RFC 4733); which keys is never known
	Sources    int   // SSRCs that the leg has had
	Jumps      int   // times the timeline was set to the arrival clock
	Overlaps   int   // frames whose timestamp lay before the end of the frame before
	Frames     int64 // frames written
	Jitter     time.Duration
	MaxJitter  time.Duration
	Skew       time.Duration // see media.Frame
	Wait       time.Duration // how long a hole is waited for now
	Heard      time.Duration // media time with a payload
	LostTime   time.Duration // media time lost
	SilentTime time.Duration // media time the sender chose not to send
	OtherGaps  time.Duration // holds, events, formats not decoded
	End        time.Duration // media time of the leg's end: the four above together
}

// Receiver follows one leg. It is for one goroutine. In steady state it allocates nothing.
type Receiver struct {
	cfg  Config
	next media.FrameWriter

	started   bool
	start     time.Time
	lastHeard time.Duration // arrival of the newest accepted packet
	ssrc      uint32
	retired   uint32 // the SSRC before
	source    quality.Source
	probation packet // a packet that may begin a new source or sequence

	order    reorder
	timeline timeline
	keys     dtmf.Counter

	header rtp.Header
	frame  media.Frame
	stats  Stats
}

// packet is a parsed packet; arrival counts from the leg's start.
type packet struct {
	held      bool // in use, where packets are kept
	ssrc      uint32
	seq       uint16
	timestamp uint32
	format    codec.Format
	arrival   time.Duration
	payload   []byte
}

// NewReceiver gives a receiver that writes to next.
func NewReceiver(cfg Config, next media.FrameWriter) *Receiver {
	if cfg.Formats == (codec.PayloadTypes{}) {
		cfg.Formats = codec.StaticPayloadTypes()
	}
	if cfg.MinWait <= 0 {
		cfg.MinWait = DefaultMinWait
	}
	if cfg.MaxWait <= 0 {
		cfg.MaxWait = DefaultMaxWait
	}
	cfg.MaxWait = max(cfg.MinWait, cfg.MaxWait)
	r := &Receiver{cfg: cfg, next: next}
	r.order.wait = cfg.MinWait
	return r
}

// String prints the chain from here on.
func (r *Receiver) String() string {
	return fmt.Sprintf("rtp, holes waited for %v–%v → %v", r.cfg.MinWait, r.cfg.MaxWait, r.next)
}

// SetFormats takes the payload types of a new SDP answer, for the packets from now on.
func (r *Receiver) SetFormats(formats codec.PayloadTypes) { r.cfg.Formats = formats }

// Start is the arrival of the leg's first packet: media time zero. It is zero before.
func (r *Receiver) Start() time.Time { return r.start }

// SSRC is the leg's current source.
func (r *Receiver) SSRC() uint32 { return r.ssrc }

// Quiet is how long no packet of the leg has come; 0 before the first.
func (r *Receiver) Quiet(now time.Time) time.Duration {
	if !r.started {
		return 0
	}
	return now.Sub(r.start) - r.lastHeard
}

// Source is the RFC 3550 state of the current SSRC, for receiver reports.
func (r *Receiver) Source() *quality.Source { return &r.source }

// Receive takes one datagram. It is not kept. ErrPacket means that it was no RTP or no use and has
// been counted; any other error comes from the next writer.
func (r *Receiver) Receive(datagram []byte, arrival time.Time) error {
	p, err := r.parse(datagram)
	if err != nil {
		r.stats.Malformed++
		return err
	}
	if !r.started {
		r.started = true
		r.start = arrival
		r.ssrc = p.ssrc
		r.stats.Sources = 1
	}
	p.arrival = arrival.Sub(r.start)
	if p.ssrc != r.ssrc {
		return r.foreign(&p)
	}
	return r.accept(&p)
}

func (r *Receiver) parse(datagram []byte) (packet, error) {
	h := &r.header
	n, err := h.Unmarshal(datagram)
	if err != nil {
		return packet{}, fmt.Errorf("rtp header: %w: %w", err, ErrPacket)
	}
	if h.Version != 2 || quality.IsRTCP(datagram) {
		return packet{}, fmt.Errorf("rtp header: version %d, type %d: %w", h.Version, h.PayloadType, ErrPacket)
	}
	payload := datagram[n:]
	if h.Padding {
		// The last octet counts the padding, itself included (RFC 3550 §5.1).
		if len(payload) == 0 || payload[len(payload)-1] == 0 || int(payload[len(payload)-1]) > len(payload) {
			return packet{}, fmt.Errorf("rtp padding: longer than the payload: %w", ErrPacket)
		}
		payload = payload[:len(payload)-int(payload[len(payload)-1])]
	}
	if len(payload) > MaxPayload {
		return packet{}, fmt.Errorf("rtp payload: %d octets, at most %d: %w", len(payload), MaxPayload, ErrPacket)
	}
	return packet{
		ssrc: h.SSRC, seq: h.SequenceNumber, timestamp: h.Timestamp,
		format: r.cfg.Formats[h.PayloadType&127], payload: payload,
	}, nil
}

// foreign handles a packet of another SSRC. Two in sequence (MIN_SEQUENTIAL of RFC 3550 A.1) make
// it the leg's source: transfers, music on hold and the failover of a border controller all change
// the SSRC without notice.
func (r *Receiver) foreign(p *packet) error {
	mayTake := p.ssrc != r.retired || p.arrival-r.lastHeard >= retiredQuiet
	if !mayTake || !r.probation.held || r.probation.ssrc != p.ssrc || p.seq != r.probation.seq+1 {
		r.stats.Foreign++
		if mayTake {
			r.hold(p)
		}
		return nil
	}
	if err := r.drain(); err != nil {
		return err
	}
	r.bankSource()
	r.retired, r.ssrc = r.ssrc, p.ssrc
	r.source = quality.Source{}
	r.order.restart()
	r.keys.Restart()
	r.timeline.restart()
	r.stats.Sources++
	r.stats.Foreign-- // the one on probation belongs to the leg after all
	r.probation.held = false
	if err := r.accept(&r.probation); err != nil {
		return err
	}
	return r.accept(p)
}

// hold keeps a copy of a packet that may turn out to begin something new.
func (r *Receiver) hold(p *packet) {
	kept := append(r.probation.payload[:0], p.payload...)
	r.probation = *p
	r.probation.payload = kept
	r.probation.held = true
}

// bankSource adds the closing SSRC's counts to the leg's.
func (r *Receiver) bankSource() {
	r.stats.Packets += r.source.Received()
	r.stats.Expected += r.source.Expected()
	r.stats.MaxJitter = max(r.stats.MaxJitter, r.source.MaxJitter())
}

// accept takes a packet of the leg's source.
func (r *Receiver) accept(p *packet) error {
	extended, verdict := r.source.Sequence(p.seq)
	if verdict == quality.Doubtful {
		r.stats.Doubtful++
		r.hold(p)
		return nil
	}
	r.lastHeard = max(r.lastHeard, p.arrival)
	r.stats.Octets += int64(len(p.payload))
	if p.format.Codec != codec.TelephoneEvent {
		// The packets of one key press share a timestamp, which says nothing about the network.
		clock := p.format.ClockRate
		if clock == 0 {
			clock = r.timeline.clock
		}
		r.source.Timing(p.timestamp, clock, p.arrival)
	}
	if verdict == quality.Restarted {
		if err := r.drain(); err != nil {
			return err
		}
		r.order.restart()
		r.keys.Restart()
		// The packet that announced the restart was kept; it comes right before this one.
		if r.probation.held && r.probation.ssrc == p.ssrc && r.probation.seq+1 == p.seq {
			r.probation.held = false
			r.stats.Doubtful--
			if err := r.place(extended-1, &r.probation, false); err != nil {
				return err
			}
		}
	}
	if err := r.place(extended, p, verdict == quality.Misplaced); err != nil {
		return err
	}
	return r.Advance(r.start.Add(p.arrival))
}

// Advance says that time has passed: packets that waited long enough for a hole to be filled are
// written. Receive does it too; a leg that has gone quiet needs a call now and then.
func (r *Receiver) Advance(now time.Time) error {
	if r.order.waiting == 0 {
		return nil
	}
	at := now.Sub(r.start)
	r.order.wait = min(max(2*r.timeline.ptime(), 4*r.source.Jitter(), r.cfg.MinWait), r.cfg.MaxWait)
	for r.order.waiting > 0 && at-r.order.oldest() >= r.order.wait {
		if err := r.skipHole(); err != nil {
			return err
		}
	}
	return nil
}

// Flush writes everything that still waits: the leg has ended.
func (r *Receiver) Flush() error { return r.drain() }

// Stats gives the counts so far.
func (r *Receiver) Stats() Stats {
	s := r.stats
	s.Packets += r.source.Received()
	s.Expected += r.source.Expected()
	s.Lost = s.Expected - s.Packets
	s.Keys = r.keys.Count()
	s.Jitter = r.source.Jitter()
	s.MaxJitter = max(s.MaxJitter, r.source.MaxJitter())
	s.Skew = r.timeline.skew.Value()
	s.Wait = r.order.wait
	s.End = r.timeline.end()
	return s
}

// Score estimates how the leg sounded, from the packets that were not there in time. The network
// delay cannot be seen by a receiver; delay is what to assume for it. It reports false before the
// first packet.
func (r *Receiver) Score(delay time.Duration) (quality.Score, bool) {
	s := r.Stats()
	if s.Expected == 0 {
		return quality.Score{}, false
	}
	share := float64(s.Missing) / float64(s.Expected)
	return quality.EstimateMOS(r.timeline.format.Codec, share, r.order.burst(share), delay+s.Wait), true
}
