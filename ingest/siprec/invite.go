package siprec

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"

	"throughline/ingest/calls"
	"throughline/ingest/rtp"
)

// refusal is an answer that turns a request down.
type refusal struct {
	status  int
	reason  string
	headers []sip.Header
}

func refuse(status int, reason string, headers ...sip.Header) *refusal {
	return &refusal{status, reason, headers}
}

// invite answers an INVITE: a new recording session, or a change of one.
func (s *Server) invite(r *request) {
	if tag(r.To().Params) != "" {
		s.reinvite(r)
		return
	}
	d, no := s.begin(r)
	if no != nil {
		r.refuse(no.status, no.reason, no.headers...)
		return
	}
	// From here on CANCEL comes too late (RFC 3261 §9.2), but one may have been
	// answered while we worked.
	res := d.accept(r)
	acked := d.expectAck(r)
	r.answer(res)
	if errors.Is(r.tx.Err(), sip.ErrTransactionCanceled) {
		d.finish(func(c *calls.Call) { c.Abandon("cancelled") })
		return
	}
	d.untilAcked(r, res, acked)
}

// begin makes a dialog of an INVITE, or says why not. Nothing in it waits.
func (s *Server) begin(r *request) (*dialog, *refusal) {
	s.mu.Lock()
	draining := s.draining
	origin := key(r.CallID().Value(), tag(r.From().Params), r.CSeq().Value())
	_, merged := s.origins[origin]
	s.mu.Unlock()
	if draining {
		return nil, refuse(sip.StatusServiceUnavailable, "Stopping", header("Retry-After", retryAfter))
	}
	if merged { // the same request on two ways: RFC 3261 §8.2.2.2
		return nil, refuse(sip.StatusLoopDetected, "Loop Detected")
	}
	if no := s.extensions(r); no != nil {
		return nil, no
	}
	if r.Contact() == nil {
		return nil, refuse(sip.StatusBadRequest, "Missing Contact")
	}
	c, err := r.content()
	if err != nil {
		return nil, badBody(err)
	}
	if c.sdp == nil {
		return nil, notAcceptable("an offer is needed")
	}
	o, err := parseSDP(c.sdp)
	if err != nil {
		return nil, refuse(sip.StatusBadRequest, "Bad SDP")
	}
	timer, no := s.sessionTimer(r)
	if no != nil {
		return nil, no
	}
	d := newDialog(s, r, origin, timer)
	if no := d.open(r, o, c); no != nil {
		return nil, no
	}
	s.mu.Lock()
	s.dialogs[d.key] = d
	s.origins[origin] = d
	s.mu.Unlock()
	return d, nil
}

func (s *Server) extensions(r *request) *refusal {
	if missing := r.unsupported(); len(missing) > 0 {
		return refuse(sip.StatusBadExtension, "Bad Extension", header("Unsupported", strings.Join(missing, ", ")))
	}
	if s.cfg.RequireSIPREC && !has(r.tokens("Require"), "siprec") {
		return refuse(sip.StatusExtensionRequired, "Extension Required", header("Require", "siprec"))
	}
	return nil
}

func badBody(err error) *refusal {
	if errors.Is(err, errMediaType) {
		return refuse(sip.StatusUnsupportedMediaType, "Unsupported Media Type", header("Accept", acceptTypes))
	}
	return refuse(sip.StatusBadRequest, "Bad Body")
}

func notAcceptable(why string) *refusal {
	return refuse(sip.StatusNotAcceptableHere, "Not Acceptable Here", header("Warning", `399 throughline "`+why+`"`))
}

// open takes the offer's streams, ports for them, and the call.
func (d *dialog) open(r *request, o offer, c content) *refusal {
	d.learn(c.metadata)
	d.plan(o)
	wanted := 0
	for _, st := range d.streams {
		if st.types != nil {
			wanted++
		}
	}
	if wanted == 0 {
		return notAcceptable("no audio stream with a codec and protection that is taken here")
	}
	sockets, err := d.server.ports.Open(wanted)
	if err != nil {
		return refuse(sip.StatusServiceUnavailable, "No RTP Port", header("Retry-After", retryAfter))
	}
	if no := d.take(r); no != nil {
		closeAll(sockets)
		return no
	}
	next := 0
	for _, st := range d.streams {
		if st.types == nil {
			continue
		}
		if err := d.connect(st, sockets[next]); err != nil {
			d.finish(func(c *calls.Call) { c.Fail("leg was refused") })
			closeAll(sockets[next:])
			d.server.log.Error("leg was refused", "interaction_id", d.call.Interaction(), "error", err)
			return refuse(sip.StatusInternalServerError, "Leg Refused")
		}
		next++
	}
	d.holdAsTold()
	return nil
}

func closeAll(sockets []*rtp.Socket) {
	for _, s := range sockets {
		s.Close()
	}
}

// take begins the call, or joins the one of the same communication session.
func (d *dialog) take(r *request) *refusal {
	desc := d.describe(r)
	call, err := d.server.door.Begin(context.Background(), desc)
	if errors.Is(err, calls.ErrEnded) {
		// The session was recorded to its end before: what comes now is a new call.
		desc.ID += " " + r.CallID().Value()
		call, err = d.server.door.Begin(context.Background(), desc)
	}
	switch {
	case err == nil:
		d.call = call
		return nil
	case errors.Is(err, calls.ErrBusy):
		return refuse(sip.StatusServiceUnavailable, "Too Many Calls", header("Retry-After", retryAfter))
	case errors.Is(err, calls.ErrStopping):
		return refuse(sip.StatusServiceUnavailable, "Stopping", header("Retry-After", retryAfter))
	case errors.Is(err, calls.ErrEnded):
		return refuse(sip.StatusCallTransactionDoesNotExists, "Call Has Ended")
	}
	return refuse(sip.StatusInternalServerError, "Call Refused")
}

// reinvite changes a session.
func (s *Server) reinvite(r *request) {
	d, no := s.inDialog(r)
	if no != nil {
		r.refuse(no.status, no.reason, no.headers...)
		return
	}
	if no := d.change(r); no != nil {
		r.refuse(no.status, no.reason, no.headers...)
		d.turn.leave()
		return
	}
	res := d.accept(r)
	acked := d.expectAck(r)
	r.answer(res)
	d.turn.leave() // the ACK, or a BYE in its place, may take its time
	d.untilAcked(r, res, acked)
}

// update changes or refreshes a session (RFC 3311).
func (s *Server) update(r *request) {
	d, no := s.inDialog(r)
	if no == nil {
		defer d.turn.leave()
		no = d.change(r)
	}
	if no != nil {
		r.refuse(no.status, no.reason, no.headers...)
		return
	}
	r.answer(d.accept(r))
}

// change applies what a request within the dialog brings.
func (d *dialog) change(r *request) *refusal {
	if missing := r.unsupported(); len(missing) > 0 {
		return refuse(sip.StatusBadExtension, "Bad Extension", header("Unsupported", strings.Join(missing, ", ")))
	}
	c, err := r.content()
	if err != nil {
		return badBody(err)
	}
	var o offer
	if c.sdp != nil {
		if o, err = parseSDP(c.sdp); err != nil {
			return refuse(sip.StatusBadRequest, "Bad SDP")
		}
	}
	timer, no := d.server.sessionTimer(r)
	if no != nil {
		return no
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.finished {
		return refuse(sip.StatusCallTransactionDoesNotExists, "Call Does Not Exist")
	}
	d.refreshed(timer)
	if c.sdp != nil {
		if no := d.reoffer(o); no != nil {
			return no
		}
	}
	d.update(c.metadata)
	return nil
}

// inDialog finds the dialog of a request and checks its order (RFC 3261 §12.2.2).
// Without a refusal it is the request's turn, which the caller ends.
func (s *Server) inDialog(r *request) (*dialog, *refusal) {
	s.mu.Lock()
	d := s.dialogs[r.dialogKey()]
	s.mu.Unlock()
	if d == nil {
		return nil, refuse(sip.StatusCallTransactionDoesNotExists, "Call Does Not Exist")
	}
	if !d.turn.enter(r.CSeq().SeqNo) {
		return nil, refuse(sip.StatusInternalServerError, "CSeq Too Low")
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.finished {
		d.turn.leave()
		return nil, refuse(sip.StatusCallTransactionDoesNotExists, "Call Does Not Exist")
	}
	if d.timer.interval == 0 {
		d.touched = time.Now() // with a timer only a refresh counts (RFC 4028 §7.2)
	}
	return d, nil
}

// ack ends the repetition of an answer.
func (s *Server) ack(req *sip.Request, _ sip.ServerTransaction) {
	if req.From() == nil || req.To() == nil || req.CallID() == nil || req.CSeq() == nil {
		return
	}
	r := &request{Request: req, server: s}
	s.mu.Lock()
	d := s.dialogs[r.dialogKey()]
	s.mu.Unlock()
	if d != nil {
		d.acked(req.CSeq().SeqNo)
	}
}

// bye ends a session. Its body may bring the last metadata.
func (s *Server) bye(r *request) {
	d, no := s.inDialog(r)
	if no != nil {
		r.refuse(no.status, no.reason, no.headers...)
		return
	}
	defer d.turn.leave()
	s.forget(d) // what comes after the answer comes too late
	r.answer(r.within(d, sip.StatusOK, "OK", nil))
	if c, err := r.content(); err == nil && c.metadata != nil {
		d.mu.Lock()
		d.update(c.metadata)
		d.mu.Unlock()
	}
	reason := "hung up"
	if v := r.value("Reason"); v != "" {
		reason += ", " + clip(v)
	}
	d.finish(func(c *calls.Call) { c.End(reason) })
}

// clip keeps what is worth keeping of a peer's free text.
func clip(s string) string {
	const most = 120
	if len(s) > most {
		return s[:most]
	}
	return s
}

// options answers the keep-alive of a border controller (RFC 3261 §11). When we
// stop, 503 makes it turn to another server.
//
// Within a dialog it asks whether we still have that (RFC 3261 §12.2.2).
func (s *Server) options(r *request) {
	if tag(r.To().Params) != "" {
		s.info(r)
		return
	}
	s.mu.Lock()
	draining := s.draining
	s.mu.Unlock()
	if draining {
		r.refuse(sip.StatusServiceUnavailable, "Stopping", header("Retry-After", retryAfter))
		return
	}
	contact := s.contact(r.Transport(), r.peer.Addr())
	r.answer(sip.NewResponseFromRequest(r.Request, sip.StatusOK, "OK", nil), &contact,
		header("Allow", allow), header("Accept", acceptTypes), header("Supported", supported))
}

// cancel reaches us only where no INVITE is pending.
func (s *Server) cancel(r *request) {
	r.refuse(sip.StatusCallTransactionDoesNotExists, "Call Does Not Exist")
}

// prack never has anything to acknowledge: we send no reliable provisional answer.
func (s *Server) prack(r *request) {
	r.refuse(sip.StatusCallTransactionDoesNotExists, "Nothing To Acknowledge")
}

// info is acknowledged in a dialog, and its body (a key press) is not looked at.
func (s *Server) info(r *request) {
	d, no := s.inDialog(r)
	if no != nil {
		r.refuse(no.status, no.reason, no.headers...)
		return
	}
	defer d.turn.leave()
	r.answer(r.within(d, sip.StatusOK, "OK", nil))
}
