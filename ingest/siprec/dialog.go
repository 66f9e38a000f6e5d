package siprec

import (
	"cmp"
	"crypto/rand"
	"encoding/binary"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"

	"throughline/event"
	"throughline/ingest/calls"
)

// dialog is one recording session: what was agreed with the peer, and the call
// that it brings.
type dialog struct {
	server   *Server
	key      string
	origin   string
	localTag string
	invite   *sip.Request
	peer     sip.Uri // where the peer wants requests
	from     netip.Addr
	headers  headers
	call     *calls.Call

	snapshots bool // the peer tells its metadata again when asked
	updates   bool // the peer takes UPDATE
	turn      *turn

	mu       sync.Mutex
	finished bool
	done     chan struct{}
	localSeq uint32
	awaiting map[uint32]chan struct{} // by CSeq of the INVITE: closed by its ACK
	timer    sessionTimer
	touched  time.Time // when the peer was last heard of in signalling
	tried    time.Time // when we last tried to refresh the session
	meta     metadata
	asks     int       // for snapshots
	asked    time.Time // for the last
	streams  []*stream
	session  uint64
	version  uint64
	held     bool
}

func newDialog(s *Server, r *request, origin string, t sessionTimer) *dialog {
	d := &dialog{server: s, origin: origin, localTag: rand.Text(), invite: r.Request, peer: r.Contact().Address, from: r.peer.Addr(), headers: r.addresses(),
		snapshots: has(r.tokens("Accept"), typeSnapshot), updates: has(r.tokens("Allow"), "update") || len(r.tokens("Allow")) == 0,
		done: make(chan struct{}), turn: newTurn(r.CSeq().SeqNo), awaiting: map[uint32]chan struct{}{}, timer: t, touched: time.Now()}
	d.key = key(r.CallID().Value(), d.localTag, tag(r.From().Params))
	var id [8]byte
	_, _ = rand.Read(id[:])                         // crypto/rand never fails
	d.session = binary.BigEndian.Uint64(id[:]) >> 2 // RFC 8866 §5.2 has it fit a signed 64-bit number
	return d
}

// learn reads metadata. A call without, or with some that cannot be read, is
// taken all the same.
func (d *dialog) learn(b []byte) bool {
	if len(b) == 0 {
		return false
	}
	if err := d.meta.apply(b); err != nil {
		d.meta.holes = true
		d.server.metrics.metadata.WithLabelValues("malformed").Inc()
		d.server.log.Warn("recording metadata cannot be read", "error", err)
		return false
	}
	d.server.metrics.metadata.WithLabelValues("read").Inc()
	return true
}

// assign finds out who speaks on which stream.
func (d *dialog) assign() {
	labels, at := d.labels()
	for n, p := range d.server.cfg.Roles.assign(&d.meta, d.headers, labels) {
		d.streams[at[n]].party = p
	}
}

// user is the part of an address before the domain.
func user(aor string) string {
	u, _, _ := strings.Cut(aor, "@")
	return u
}

// customer is the customer's address as far as is known.
func (d *dialog) customer() (event.Handle, bool) {
	for _, st := range d.streams {
		if st.party.role == event.Customer && st.party.aor != "" {
			return handle(st.party.aor)
		}
	}
	for _, p := range d.meta.participants {
		if role, _ := d.server.cfg.Roles.byAddress(p.aor); role == event.Customer {
			return handle(p.aor)
		}
	}
	calling, called := cmp.Or(d.meta.from, d.headers.calling), cmp.Or(d.meta.to, d.headers.called)
	if d.direction() == "outbound" {
		calling = called
	}
	if role, _ := d.server.cfg.Roles.byAddress(calling); role != event.Agent {
		if h, ok := handle(calling); ok && h.Kind == event.Phone {
			return h, true // an address of another kind may be the controller's own
		}
	}
	return event.Handle{}, false
}

func (d *dialog) agent() string {
	for _, st := range d.streams {
		if st.party.role == event.Agent && st.party.aor != "" {
			return user(st.party.aor)
		}
	}
	return ""
}

func (d *dialog) direction() string {
	switch {
	case d.meta.direction == "inbound" || d.meta.direction == "outbound":
		return d.meta.direction
	case d.server.cfg.Roles.Direction == "outbound":
		return "outbound"
	}
	caller, _ := d.server.cfg.Roles.byAddress(cmp.Or(d.meta.from, d.headers.calling))
	called, _ := d.server.cfg.Roles.byAddress(cmp.Or(d.meta.to, d.headers.called))
	if caller == event.Agent && called != event.Agent {
		return "outbound"
	}
	return "inbound"
}

// trusted is the least length of a session id that is believed to be unique: the
// standard's is a UUID, yet some write "1".
const trusted = 16

func (d *dialog) describe(r *request) calls.Description {
	desc := calls.Description{Tenant: d.server.cfg.Tenant, Source: "siprec", ID: r.CallID().Value(), Holds: true, Direction: d.direction(), Agent: d.agent(),
		Attrs: map[string]string{"sip_call_id": r.CallID().Value()}}
	if len(d.meta.session) >= trusted {
		// The session's id outlives the recording session: the controller may begin
		// another after a failure, or one for each leg.
		desc.ID = d.meta.session
	}
	add := func(k, v string) {
		if v != "" {
			desc.Attrs[k] = clip(v)
		}
	}
	add("session", d.meta.session)
	add("group", d.meta.group)
	add("reason", d.meta.reason)
	if labels, _ := d.labels(); len(labels) == 1 {
		desc.Attrs["mixed"] = "true" // one stream holds both voices
	}
	desc.Customer, _ = d.customer()
	if to := user(cmp.Or(d.meta.to, d.headers.called)); d.direction() == "inbound" && to != "" {
		desc.Account = to
	}
	return desc
}

// update applies metadata that came after the first. The caller holds mu.
func (d *dialog) update(b []byte) {
	session, agent := d.meta.session, d.agent()
	if !d.learn(b) {
		return
	}
	d.assign()
	if now := d.agent(); agent != "" && now != "" && now != agent {
		d.call.Transfer(now, "", cmp.Or(d.meta.reason, "another agent joined"))
	}
	d.correct()
	if d.meta.session != session && session != "" {
		d.call.Note("communication session changed", map[string]string{"session": clip(d.meta.session), "group": clip(d.meta.group)})
	}
	if h, ok := d.customer(); ok {
		d.call.Identify(h)
	}
	d.holdAsTold()
}

// correct tells the legs who speaks on them now. A role that was known is not
// taken back by metadata that says nothing.
func (d *dialog) correct() {
	labels, at := d.labels()
	if len(labels) == 1 {
		return
	}
	for _, i := range at {
		st := d.streams[i]
		if st.leg != nil && st.party.role != event.UnknownRole {
			st.leg.SetRole(st.party.role, agentOf(st.party), st.party.by)
		}
	}
}

// holdAsTold puts the call on hold or resumes it: no stream is sent, or somebody
// sends theirs no more (RFC 8068 §3.5).
func (d *dialog) holdAsTold() {
	sending := false
	for _, st := range d.streams {
		sends := st.types != nil && st.offer.sends()
		sending = sending || sends
		if st.leg != nil {
			st.leg.Expect(sends)
		}
	}
	held := !sending || d.meta.onHold()
	if held == d.held {
		return
	}
	d.held = held
	if held {
		d.call.Hold(event.UnknownRole, "told by signalling")
	} else {
		d.call.Resume(event.UnknownRole, "told by signalling")
	}
}

// accept is the 200 for r. An INVITE gets a description always: it is the answer
// to an offer, or an offer where none was made. An UPDATE without SDP gets none.
func (d *dialog) accept(r *request) *sip.Response {
	d.mu.Lock()
	defer d.mu.Unlock()
	var body []byte
	if c, err := r.content(); r.Method == sip.INVITE || err == nil && c.sdp != nil {
		d.from = r.peer.Addr()
		body = d.describeMedia()
	}
	res := r.within(d, sip.StatusOK, "OK", body)
	for _, h := range d.timer.headers() {
		res.AppendHeader(h)
	}
	return res
}

// finish ends the dialog and tells the call how, once.
func (d *dialog) finish(how func(*calls.Call)) {
	d.mu.Lock()
	if d.finished {
		d.mu.Unlock()
		return
	}
	d.finished = true
	close(d.done)
	streams := d.streams
	d.mu.Unlock()
	d.server.forget(d)
	for _, st := range streams {
		if st.socket != nil {
			st.socket.Close()
			st.leg.Close("call ended")
		}
	}
	how(d.call)
}

// forget takes the dialog out of the server's sight.
func (s *Server) forget(d *dialog) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.dialogs, d.key)
	if s.origins[d.origin] == d {
		delete(s.origins, d.origin)
	}
}
