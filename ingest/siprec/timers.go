package siprec

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/emiago/sipgo"
	"github.com/emiago/sipgo/sip"

	"throughline/ingest/calls"
)

// sessionTimer is what was agreed on refreshing a session (RFC 4028). The zero
// value is no timer.
type sessionTimer struct {
	interval time.Duration
	ours     bool // we refresh
	asked    bool // the peer knows timers, so it is told what holds
}

// sessionTimer reads what the peer wants.
func (s *Server) sessionTimer(r *request) (sessionTimer, *refusal) {
	known := has(r.tokens("Supported", "k"), "timer") || has(r.tokens("Require"), "timer")
	v := r.value("Session-Expires", "x")
	if v == "" {
		if !known {
			return sessionTimer{}, nil
		}
		return sessionTimer{interval: max(s.cfg.Session, seconds(r.value("Min-SE"))), asked: true}, nil
	}
	number, params, _ := strings.Cut(v, ";")
	interval := seconds(number)
	if interval < minSE {
		return sessionTimer{}, refuse(422, "Session Interval Too Small", header("Min-SE", strconv.Itoa(int(minSE.Seconds()))))
	}
	return sessionTimer{interval: interval, ours: strings.Contains(strings.ToLower(params), "refresher=uas"), asked: known}, nil
}

func seconds(s string) time.Duration {
	number, _, _ := strings.Cut(s, ";")
	n, err := strconv.Atoi(strings.TrimSpace(number))
	if err != nil || n < 0 || n > 7*24*3600 {
		return 0
	}
	return time.Duration(n) * time.Second
}

// headers are those of the answer.
func (t sessionTimer) headers() []sip.Header {
	if t.interval == 0 {
		return nil
	}
	refresher := "uac"
	if t.ours {
		refresher = "uas"
	}
	all := []sip.Header{header("Session-Expires", strconv.Itoa(int(t.interval.Seconds()))+";refresher="+refresher)}
	if t.asked && !t.ours {
		all = append(all, header("Require", "timer"))
	}
	return all
}

// refreshed notes that the peer was heard of. The caller holds mu.
func (d *dialog) refreshed(t sessionTimer) {
	d.touched = time.Now()
	d.timer = t
}

// watch looks for dialogs that are over although nobody said so.
func (s *Server) watch(now time.Time) {
	s.mu.Lock()
	all := make([]*dialog, 0, len(s.dialogs))
	for _, d := range s.dialogs {
		all = append(all, d)
	}
	s.mu.Unlock()
	for _, d := range all {
		d.watch(now)
	}
}

// flowing is the silence up to which audio shows that the peer is alive although
// it forgot the session timer.
const flowing = 30 * time.Second

// tryAgain is the pause between two tries to refresh a session. One that nobody
// answers takes 32 s to fail.
const tryAgain = 40 * time.Second

func (d *dialog) watch(now time.Time) {
	d.mu.Lock()
	t, silent, held := d.timer, now.Sub(d.touched), d.held
	refresh := t.ours && silent >= t.interval/2 && now.Sub(d.tried) >= tryAgain
	if refresh {
		d.tried = now
	}
	ask := !d.finished && d.snapshotDue(now)
	d.mu.Unlock()
	if ask {
		go d.askForSnapshot()
	}
	if refresh {
		go d.refresh(t)
		return
	}
	select {
	case <-d.call.Done():
		d.orphan("call ended elsewhere")
		return
	default:
	}
	quiet := d.call.Quiet(now)
	limit := d.server.cfg.OrphanAfter
	if held {
		limit = d.server.cfg.HoldLimit
	}
	why := ""
	switch {
	case t.interval > 0 && silent >= t.interval && quiet >= flowing:
		why = "session timer expired"
	case t.interval == 0 && quiet >= limit && silent >= limit:
		why = "neither audio nor signalling"
	default:
		return
	}
	d.orphan(why)
}

// orphan gives a dialog up. The peer is told, which may take a while.
func (d *dialog) orphan(why string) {
	d.server.metrics.orphans.WithLabelValues(why).Inc()
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), goodbyeWithin)
		defer cancel()
		d.hangUp(ctx, "orphaned: "+why)
	}()
}

// refresh is ours to send: UPDATE without a body, which every peer that lets us
// refresh knows (RFC 4028 §7.4). A peer that answers is alive; nobody else is.
func (d *dialog) refresh(t sessionTimer) {
	ctx, cancel := context.WithTimeout(context.Background(), 32*time.Second)
	defer cancel()
	req := d.request(sip.UPDATE)
	req.AppendHeader(header("Session-Expires", strconv.Itoa(int(t.interval.Seconds()))+";refresher=uac"))
	req.AppendHeader(header("Supported", "timer"))
	res, err := d.server.send(ctx, req)
	if err != nil {
		d.server.log.Warn("session was not refreshed", "interaction_id", d.call.Interaction(), "error", err)
		return
	}
	if res.IsSuccess() {
		d.mu.Lock()
		d.touched = time.Now()
		d.mu.Unlock()
	}
	if res.StatusCode == sip.StatusCallTransactionDoesNotExists || res.StatusCode == sip.StatusRequestTimeout {
		d.finish(func(c *calls.Call) { c.Fail("orphaned: the peer does not know the call") })
	}
}

// hangUp tells the peer that the session is over, and ends the call as failed.
func (d *dialog) hangUp(ctx context.Context, reason string) {
	req := d.request(sip.BYE)
	d.finish(func(c *calls.Call) { c.Fail(reason) })
	if _, err := d.server.send(ctx, req); err != nil {
		d.server.log.Debug("goodbye was not answered", "error", err)
	}
}

// request builds a request of ours within the dialog (RFC 3261 §12.2.1.1).
func (d *dialog) request(method sip.RequestMethod) *sip.Request {
	d.mu.Lock()
	d.localSeq++
	seq := d.localSeq
	d.mu.Unlock()
	return d.requestAs(method, seq)
}

// requestAs builds one with a number that was given before, as an ACK has.
func (d *dialog) requestAs(method sip.RequestMethod, seq uint32) *sip.Request {
	inv := d.invite
	req := sip.NewRequest(method, d.peer)
	to := inv.To()
	from := sip.FromHeader{DisplayName: to.DisplayName, Address: to.Address, Params: sip.HeaderParams{}}
	from.Params.Add("tag", d.localTag)
	f := inv.From()
	back := sip.ToHeader{DisplayName: f.DisplayName, Address: f.Address, Params: f.Params.Clone()}
	req.AppendHeader(&from)
	req.AppendHeader(&back)
	req.AppendHeader(sip.HeaderClone(inv.CallID()))
	req.AppendHeader(&sip.CSeqHeader{SeqNo: seq, MethodName: method})
	hops := sip.MaxForwardsHeader(70)
	req.AppendHeader(&hops)
	if method == sip.INVITE || method == sip.UPDATE { // they refresh the target (RFC 3311 §5.1)
		contact := d.server.contact(inv.Transport(), d.from)
		req.AppendHeader(&contact)
	}
	routes := inv.GetHeaders("Record-Route")
	for _, rr := range routes {
		req.AppendHeader(header("Route", rr.Value()))
	}
	req.SetTransport(inv.Transport())
	switch route := req.Route(); {
	case route != nil:
		req.SetDestination(route.Address.HostPort())
	case sip.IsReliable(inv.Transport()):
		req.SetDestination(inv.Source()) // the connection that is there
	}
	req.SetBody(nil)
	return req
}

// send is one transaction of ours.
func (s *Server) send(ctx context.Context, req *sip.Request) (*sip.Response, error) {
	tx, err := s.client.TransactionRequest(ctx, req, sipgo.ClientRequestAddVia)
	if err != nil {
		return nil, err
	}
	defer tx.Terminate()
	for {
		select {
		case res := <-tx.Responses():
			if !res.IsProvisional() {
				return res, nil
			}
		case <-tx.Done():
			return nil, tx.Err()
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// expectAck notes that the answer to r is to be acknowledged.
func (d *dialog) expectAck(r *request) <-chan struct{} {
	c := make(chan struct{})
	d.mu.Lock()
	defer d.mu.Unlock()
	d.awaiting[r.CSeq().SeqNo] = c
	return c
}

func (d *dialog) acked(seq uint32) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if c := d.awaiting[seq]; c != nil {
		delete(d.awaiting, seq)
		close(c)
	}
}

// untilAcked repeats an answer until it is acknowledged (RFC 3261 §13.3.1.4), on
// all transports. A peer that never does is told goodbye.
func (d *dialog) untilAcked(r *request, res *sip.Response, acked <-chan struct{}) {
	const t1, t2 = 500 * time.Millisecond, 4 * time.Second
	pause := t1
	again := time.NewTimer(pause)
	defer again.Stop()
	giveUp := time.NewTimer(64 * t1)
	defer giveUp.Stop()
	for {
		select {
		case <-acked:
			return
		case <-r.tx.Acks(): // some peers give the ACK the branch of the INVITE
			d.acked(r.CSeq().SeqNo)
			return
		case <-d.done:
			return
		case <-again.C:
			_ = r.tx.Respond(res) // the next repetition is the remedy
			pause = min(2*pause, t2)
			again.Reset(pause)
		case <-giveUp.C:
			d.server.metrics.orphans.WithLabelValues("no ACK").Inc()
			ctx, cancel := context.WithTimeout(context.Background(), goodbyeWithin)
			defer cancel()
			d.hangUp(ctx, "orphaned: the answer was never acknowledged")
			return
		}
	}
}
