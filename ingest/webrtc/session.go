package webrtc

import (
	"errors"
	"fmt"
	"sync"
	"time"

	pion "github.com/pion/webrtc/v4"

	"throughline/event"
	"throughline/ingest/calls"
	"throughline/media/codec"
)

// The reasons that a session gives for its end.
const (
	ReasonRequest      = "ended by request"
	ReasonLeft         = "publisher closed the connection"
	ReasonLost         = "connection lost"
	ReasonNotConnected = "never connected"
)

// Session is one connection: a leg or two of a call. It is safe for concurrent use.
type Session struct {
	server *Server
	id     string
	tenant string
	call   *calls.Call
	pc     *pion.PeerConnection
	began  time.Time

	connected, lost, left, over chan struct{}
	once                        struct{ connected, lost, left, over sync.Once }
	busy                        sync.WaitGroup // readers and writers of tracks

	mu    sync.Mutex
	legs  map[string]*calls.RTPLeg // by mid
	offer *offer
	etag  string
}

func newSession(s *Server, id, tenant string, pc *pion.PeerConnection, o *offer) *Session {
	c := &Session{server: s, id: id, tenant: tenant, pc: pc, began: time.Now(), offer: o, etag: newTag(), legs: map[string]*calls.RTPLeg{},
		connected: make(chan struct{}), lost: make(chan struct{}), left: make(chan struct{}), over: make(chan struct{})}
	pc.OnConnectionStateChange(c.changed)
	pc.OnTrack(func(t *pion.TrackRemote, r *pion.RTPReceiver) { c.hear(t, r) })
	return c
}

// changed notes what the connection has come to; it is pion's callback and may
// not close the connection itself.
func (c *Session) changed(state pion.PeerConnectionState) {
	switch state {
	case pion.PeerConnectionStateConnected:
		c.once.connected.Do(func() {
			c.server.metrics.connected.Observe(time.Since(c.began).Seconds())
			close(c.connected)
		})
	case pion.PeerConnectionStateFailed:
		c.once.lost.Do(func() { close(c.lost) })
	case pion.PeerConnectionStateClosed:
		c.once.left.Do(func() { close(c.left) })
	}
}

// Interaction is the id of the session's call.
func (c *Session) Interaction() string { return c.call.Interaction() }

// Done is closed when the session is over.
func (c *Session) Done() <-chan struct{} { return c.over }

// join makes the legs of a call of the audio that is sent, in the order of the
// m-lines; who speaks on each is said by legs.
func (c *Session) join(call *calls.Call, formats map[string]codec.PayloadTypes, legs []calls.LegOptions) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.call = call
	for n, mid := range c.offer.audio {
		pts, ok := formats[mid]
		if !ok {
			return unacceptable("An m=audio line offers no codec that is known here: offer opus, PCMU, PCMA or G722.")
		}
		var o calls.LegOptions
		if n < len(legs) {
			o = legs[n]
		}
		o.Name, o.Key = fmt.Sprintf("audio %d", n), fmt.Sprintf("%s/%d", c.id, n)
		leg, err := call.RTPLeg(o, pts)
		if err != nil {
			return fmt.Errorf("add leg: %w", err)
		}
		c.legs[mid] = leg
	}
	return nil
}

// watch brings the session to its end, however that comes.
func (c *Session) watch() {
	defer c.server.running.Done()
	t := time.NewTimer(c.server.cfg.ConnectWithin)
	defer t.Stop()
	select {
	case <-c.connected:
	case <-t.C:
		c.finish(event.Abandoned, ReasonNotConnected)
	case <-c.lost:
		c.finish(event.Abandoned, ReasonNotConnected)
	case <-c.left:
		c.finish(event.Abandoned, ReasonNotConnected)
	case <-c.call.Done():
		c.finish(event.Ended, "")
	case <-c.over:
	}
	select {
	case <-c.lost:
		c.finish(event.Failed, ReasonLost)
	case <-c.left:
		c.finish(event.Ended, ReasonLeft)
	case <-c.call.Done():
		c.finish(event.Ended, "")
	case <-c.over:
	}
	c.busy.Wait()
}

// End ends the session; the last one ends its call.
func (c *Session) End(reason string) { c.finish(event.Ended, reason) }

func (c *Session) finish(how event.Change, reason string) {
	c.once.over.Do(func() {
		c.mu.Lock()
		close(c.over) // from now on nobody listens in
		c.mu.Unlock()
		_ = c.pc.Close() // it is of no more use, whatever is wrong with it
		c.mu.Lock()
		for _, leg := range c.legs {
			leg.Close(reason)
		}
		c.mu.Unlock()
		switch how {
		case event.Failed:
			c.call.Fail(reason)
		case event.Abandoned:
			c.call.Abandon(reason)
		default:
			c.call.End(reason)
		}
		c.server.forget(c)
		c.server.metrics.finished.WithLabelValues(string(how)).Inc()
	})
}

// maxDatagram is the most that one UDP datagram of a network's usual size holds.
const maxDatagram = 1600

// hear gives a track's packets to its leg until the connection closes.
func (c *Session) hear(track *pion.TrackRemote, receiver *pion.RTPReceiver) {
	leg := c.legOf(receiver)
	if leg == nil || !c.listen() {
		return
	}
	defer c.busy.Done()
	go c.hearReports(receiver, leg)
	buf := make([]byte, maxDatagram)
	for {
		n, _, err := track.Read(buf)
		switch {
		case err == nil:
			_ = leg.Receive(buf[:n], c.server.cfg.Now()) // what is no use has been counted
		case errors.Is(err, pion.ErrCodecNotFound): // a payload type that was not agreed on
		default:
			return
		}
	}
}

// hearReports takes what the publisher reports, until the connection closes.
func (c *Session) hearReports(receiver *pion.RTPReceiver, leg *calls.RTPLeg) {
	buf := make([]byte, maxDatagram)
	for {
		n, _, err := receiver.Read(buf)
		if err != nil {
			return
		}
		_ = leg.ReceiveRTCP(buf[:n], c.server.cfg.Now()) // reports are an aid only
	}
}

// listen counts a reader or writer in, unless the session is over.
func (c *Session) listen() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case <-c.over:
		return false
	default:
		c.busy.Add(1)
		return true
	}
}

func (c *Session) legOf(receiver *pion.RTPReceiver) *calls.RTPLeg {
	for _, t := range c.pc.GetTransceivers() {
		if t.Receiver() == receiver {
			c.mu.Lock()
			defer c.mu.Unlock()
			return c.legs[t.Mid()]
		}
	}
	return nil
}
