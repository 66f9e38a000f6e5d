package calls

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"throughline/media"
	"throughline/media/codec"
	mediaquality "throughline/media/quality"
	"throughline/media/rtpstream"
)

// errLegClosed says that audio came after the end of its leg.
var errLegClosed = errors.New("leg has ended")

// RTPLeg is a leg that comes as RTP packets. It is safe for concurrent use.
type RTPLeg struct {
	leg
	rtcp mediaquality.Session
}

// RTPLeg adds a leg whose payload types are formats.
func (c *Call) RTPLeg(o LegOptions, formats codec.PayloadTypes) (*RTPLeg, error) {
	l := &RTPLeg{}
	initLeg(&l.leg, c, o)
	l.receiver = rtpstream.NewReceiver(rtpstream.Config{Formats: formats}, &l.leg)
	// The name is opaque: RTCP goes to strangers (RFC 7022).
	l.rtcp = mediaquality.Session{SSRC: rand.Uint32(), CNAME: l.id}
	if err := c.addLeg(&l.leg); err != nil {
		return nil, err
	}
	return l, nil
}

// Receive takes one datagram with the time it arrived. It is not kept. An error
// means that the datagram was no use; it has been counted.
func (l *RTPLeg) Receive(datagram []byte, arrival time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return errLegClosed
	}
	frames := l.frames
	err := l.receiver.Receive(datagram, arrival)
	if l.start.IsZero() {
		l.start = l.receiver.Start()
	}
	if err == nil {
		l.arrived(arrival, l.frames != frames)
	}
	return err
}

// ReceiveRTCP takes what the sender reports.
func (l *RTPLeg) ReceiveRTCP(packet []byte, arrival time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return errLegClosed
	}
	return l.rtcp.Receive(packet, arrival)
}

// Report is the receiver report that is due to the sender, with bye the last one;
// nil before the first packet. Some border controllers tear down a call whose
// receiver does not report.
func (l *RTPLeg) Report(now time.Time, bye bool) ([]byte, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.receiver.Start().IsZero() {
		return nil, nil
	}
	return l.rtcp.Report(l.receiver.Source(), l.receiver.SSRC(), now, bye)
}

// SetFormats takes the payload types of a new SDP answer.
func (l *RTPLeg) SetFormats(formats codec.PayloadTypes) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.receiver.SetFormats(formats)
}

// Stats are the receiver's counts so far.
func (l *RTPLeg) Stats() rtpstream.Stats {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.receiver.Stats()
}

// StreamLeg is a leg whose codec payloads come in order over a reliable stream: a
// WebSocket, a recording. It is safe for concurrent use.
type StreamLeg struct {
	leg
	feed *media.Feed
}

// StreamLeg adds a leg of one format.
func (c *Call) StreamLeg(o LegOptions, format codec.Format) (*StreamLeg, error) {
	l := &StreamLeg{}
	initLeg(&l.leg, c, o)
	feed, err := media.NewFeed(format, &l.leg)
	if err != nil {
		return nil, fmt.Errorf("add leg: %w", err)
	}
	l.feed = feed
	if err := c.addLeg(&l.leg); err != nil {
		return nil, err
	}
	return l, nil
}

// Write adds a payload right after what came before.
func (l *StreamLeg) Write(payload []byte, arrival time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return errLegClosed
	}
	position := l.feed.Position()
	if err := l.feed.Write(payload); err != nil {
		return err
	}
	if l.start.IsZero() {
		// A payload arrives once its last sample was spoken.
		l.start = arrival.Add(-l.feed.Position())
	}
	l.arrived(arrival, l.feed.Position() > position)
	return nil
}

// SkipTo leaves a gap up to the media time at, where the source counts time itself.
func (l *StreamLeg) SkipTo(at time.Duration, kind media.GapKind) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.feed.SkipTo(at, kind)
}

// Position is the media time at the end of what was written or skipped.
func (l *StreamLeg) Position() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.feed.Position()
}

// WaitRoom waits until the buffer is at most half full, for a source that can
// wait: a recording is read faster than it was spoken.
func (l *StreamLeg) WaitRoom(done <-chan struct{}) error {
	for {
		l.mu.Lock()
		free := l.queued <= l.call.door.cfg.Buffer/2
		l.mu.Unlock()
		if free {
			return nil
		}
		select {
		case <-l.room:
		case <-l.call.done:
			return errLegClosed
		case <-done:
			return errors.New("wait for room: given up")
		}
	}
}
