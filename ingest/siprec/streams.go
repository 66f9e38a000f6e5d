package siprec

import (
	"cmp"
	"strconv"
	"strings"

	"github.com/emiago/sipgo/sip"

	"throughline/event"
	"throughline/ingest/calls"
	"throughline/ingest/rtp"
)

// stream is one m-line.
type stream struct {
	offer  offered
	types  []uint8 // answered with; nil: declined
	socket *rtp.Socket
	leg    *calls.RTPLeg
	vault  *vault
	mine   *crypto
	theirs *crypto
	party  party
}

// plan decides on each m-line of the first offer.
func (d *dialog) plan(o offer) {
	for i := range o.streams {
		st := &stream{offer: o.streams[i]}
		st.types = d.decide(st)
		d.streams = append(d.streams, st)
	}
	d.declineMix()
	d.assign()
}

// declineMix does without the stream that repeats all voices, where each also has
// its own: whatever is said would be heard twice.
func (d *dialog) declineMix() {
	single := 0
	for i, st := range d.streams {
		if st.types != nil && !d.meta.mixed[d.label(i)] {
			single++
		}
	}
	for i, st := range d.streams {
		if single >= 2 && d.meta.mixed[d.label(i)] {
			st.types = nil
		}
	}
}

// decide picks the payload types to answer with; nil declines.
func (d *dialog) decide(st *stream) []uint8 {
	o := &st.offer
	if o.kind != "audio" || o.port == 0 || !strings.HasPrefix(o.proto, "RTP/") {
		return nil
	}
	st.theirs = nil
	if o.secure() {
		if len(o.crypto) == 0 {
			return nil // DTLS is not spoken on SIP
		}
		st.theirs = &o.crypto[0]
	} else if d.server.cfg.RequireSRTP {
		return nil
	}
	return o.choose(d.server.cfg.codecs)
}

// labels are those of the audio streams that were taken, and their places.
func (d *dialog) labels() (labels []string, at []int) {
	for i, st := range d.streams {
		if st.types != nil {
			labels = append(labels, d.label(i))
			at = append(at, i)
		}
	}
	return labels, at
}

// label is an m-line's label, or its number where it has none.
func (d *dialog) label(i int) string {
	return cmp.Or(d.streams[i].offer.label, strconv.Itoa(i))
}

// connect gives a stream its leg and socket.
func (d *dialog) connect(st *stream, socket *rtp.Socket) error {
	i := 0
	for at, have := range d.streams {
		if have == st {
			i = at
		}
	}
	label := d.label(i)
	role := st.party.role
	if labels, _ := d.labels(); len(labels) == 1 {
		role = event.UnknownRole // both voices: no role may be claimed for either
	}
	leg, err := d.call.RTPLeg(calls.LegOptions{Name: label, Key: key(d.invite.CallID().Value(), d.localTag, label), Role: role,
		Agent: agentOf(st.party), Attrs: map[string]string{"role_by": st.party.by, "codec": st.offer.formats()[st.types[0]].String()}}, st.offer.formats())
	if err != nil {
		return err
	}
	st.leg = leg
	var sink rtp.Sink = leg
	if st.theirs != nil {
		mine, err := st.theirs.own()
		if err != nil {
			return err
		}
		st.mine = &mine
		if st.vault, err = newVault(leg, *st.theirs, mine, d.server.metrics.srtp.Inc); err != nil {
			return err
		}
		sink = st.vault
	}
	st.socket = socket
	socket.Start(sink, st.offer.mux)
	return nil
}

func agentOf(p party) string {
	if p.role == event.Agent {
		return user(p.aor)
	}
	return ""
}

// reoffer applies a new offer. The caller holds mu. Streams are matched by their
// place, which a new offer may not change (RFC 3264 §8).
func (d *dialog) reoffer(o offer) *refusal {
	for i := range o.streams {
		if i == len(d.streams) {
			d.streams = append(d.streams, &stream{})
		}
		st := d.streams[i]
		before := st.theirs
		st.offer = o.streams[i]
		types := d.decide(st)
		if st.socket == nil && d.meta.mixed[d.label(i)] && i >= 2 {
			types = nil // as in declineMix
		}
		switch {
		case types == nil && st.socket != nil:
			d.disconnect(st, "stream was removed")
		case types != nil && st.socket == nil:
			st.types = types
			d.assign()
			if no := d.addStream(st); no != nil {
				return no
			}
		case types != nil:
			st.leg.SetFormats(st.offer.formats())
			st.socket.Relatch()
			if st.theirs != nil && st.vault != nil && (before == nil || !st.theirs.same(*before)) {
				if err := st.vault.rekey(*st.theirs, *st.mine); err != nil {
					return notAcceptable("the new key cannot be used")
				}
			}
		}
		st.types = types
	}
	d.assign()
	d.correct()
	d.holdAsTold()
	return nil
}

func (d *dialog) addStream(st *stream) *refusal {
	sockets, err := d.server.ports.Open(1)
	if err != nil {
		return refuse(sip.StatusServiceUnavailable, "No RTP Port", header("Retry-After", retryAfter))
	}
	if err := d.connect(st, sockets[0]); err != nil {
		closeAll(sockets)
		return refuse(sip.StatusServiceUnavailable, "Too Many Streams", header("Retry-After", retryAfter))
	}
	return nil
}

func (d *dialog) disconnect(st *stream, reason string) {
	st.socket.Close()
	st.leg.Close(reason)
	st.socket, st.leg, st.vault, st.mine = nil, nil, nil, nil
}

// describeMedia is our side of the session as it stands.
func (d *dialog) describeMedia() []byte {
	d.version++
	out := description{session: d.session, version: d.version, address: d.server.ports.Advertise(d.server.address(d.from))}
	for _, st := range d.streams {
		a := answered{offer: &st.offer, types: st.types, direction: "inactive", crypto: st.mine}
		if st.socket != nil {
			a.port = st.socket.Port()
		}
		if st.offer.sends() {
			a.direction = "recvonly"
		}
		out.streams = append(out.streams, a)
	}
	return out.bytes()
}
