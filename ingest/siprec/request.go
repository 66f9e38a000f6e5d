package siprec

import (
	"cmp"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"
)

const allow = "INVITE, ACK, BYE, CANCEL, OPTIONS, UPDATE, PRACK, INFO"

// supported are the extensions that may be required of us. 100rel costs nothing:
// the answer comes without a provisional one before it.
const supported = "siprec, timer, 100rel, record-aware"

// retryAfter is what a refused peer is told, in seconds.
const retryAfter = "10"

// request is one SIP request on its way to its answer.
type request struct {
	*sip.Request
	server *Server
	tx     sip.ServerTransaction
	began  time.Time
	peer   netip.AddrPort
}

// handle wraps a handler: peers that are not admitted never reach it.
func (s *Server) handle(f func(*request)) func(*sip.Request, sip.ServerTransaction) {
	return func(req *sip.Request, tx sip.ServerTransaction) {
		r := &request{Request: req, server: s, tx: tx, began: time.Now()}
		r.peer, _ = netip.ParseAddrPort(req.Source())
		switch {
		case req.From() == nil || req.To() == nil || req.CallID() == nil || req.CSeq() == nil:
			r.refuse(sip.StatusBadRequest, "Missing Header")
		case !s.cfg.admits(r.peer.Addr()):
			r.refuse(sip.StatusForbidden, "Forbidden")
		default:
			f(r)
		}
		r.linger()
	}
}

// linger keeps the transaction of an INVITE until its last timer (RFC 6026 §7.1),
// so that a repetition is not a new request. Over UDP the library sees to it; over
// a stream it would forget at once, although a stateless proxy passes on by TCP
// what came to it twice by UDP.
func (r *request) linger() {
	if r.IsInvite() && sip.IsReliable(r.Transport()) {
		<-r.tx.Done()
	}
}

func header(name, value string) sip.Header { return sip.NewHeader(name, value) }

// refuse answers without a dialog, or with an error within one.
func (r *request) refuse(status int, reason string, headers ...sip.Header) {
	r.answer(sip.NewResponseFromRequest(r.Request, status, reason, nil), headers...)
}

// answer sends a response, and counts it.
func (r *request) answer(res *sip.Response, headers ...sip.Header) {
	for _, h := range headers {
		res.AppendHeader(h)
	}
	res.AppendHeader(header("Server", "throughline"))
	if err := r.tx.Respond(res); err != nil {
		r.server.log.Debug("answer was not sent", "method", r.Method, "status", res.StatusCode)
	}
	r.server.metrics.answered(string(r.Method), res.StatusCode, time.Since(r.began))
}

// within answers in a dialog: its tag, our Contact.
func (r *request) within(d *dialog, status int, reason string, body []byte) *sip.Response {
	res := sip.NewResponseFromRequest(r.Request, status, reason, body)
	res.To().Params.Add("tag", d.localTag)
	if len(body) > 0 {
		res.AppendHeader(header("Content-Type", typeSDP))
	}
	contact := r.server.contact(r.Transport(), r.peer.Addr())
	res.AppendHeader(&contact)
	res.AppendHeader(header("Allow", allow))
	res.AppendHeader(header("Supported", supported))
	res.AppendHeader(header("Accept", acceptTypes))
	return res
}

// contact is our address for the peer, with the feature tag of RFC 7866 §6.1.2.
func (s *Server) contact(transport string, peer netip.Addr) sip.ContactHeader {
	transport = strings.ToLower(transport)
	c := sip.ContactHeader{Address: sip.Uri{Scheme: "sip", User: "srs", Host: s.address(peer).String()}}
	if a := s.address(peer); a.Is6() {
		c.Address.Host = "[" + a.String() + "]"
	}
	if _, port, err := net.SplitHostPort(s.Addr(transport)); err == nil {
		c.Address.Port, _ = strconv.Atoi(port) // it came from a listener
	}
	if transport != "udp" {
		c.Address.UriParams.Add("transport", transport)
	}
	c.Params.Add("+sip.srs", "")
	return c
}

// tokens are the values of a header that lists words, in its long and short form.
func (r *request) tokens(names ...string) []string {
	var all []string
	for _, n := range names {
		for _, h := range r.GetHeaders(n) {
			for w := range strings.SplitSeq(h.Value(), ",") {
				if w = strings.ToLower(strings.TrimSpace(w)); w != "" {
					all = append(all, w)
				}
			}
		}
	}
	return all
}

// value is the first value of a header, in its long or short form.
func (r *request) value(names ...string) string {
	for _, n := range names {
		if h := r.GetHeader(n); h != nil {
			return strings.TrimSpace(h.Value())
		}
	}
	return ""
}

// unsupported are the extensions that the peer requires and we do not have
// (RFC 3261 §8.2.2.3).
func (r *request) unsupported() []string {
	var all []string
	for _, w := range r.tokens("Require") {
		known := false
		for have := range strings.SplitSeq(supported, ", ") {
			known = known || w == have
		}
		if !known {
			all = append(all, w)
		}
	}
	return all
}

func has(words []string, want string) bool {
	for _, w := range words {
		if w == want {
			return true
		}
	}
	return false
}

func tag(p sip.HeaderParams) string {
	t, _ := p.Get("tag")
	return t
}

// dialogKey names the dialog that the request is in.
func (r *request) dialogKey() string {
	return key(r.CallID().Value(), tag(r.To().Params), tag(r.From().Params))
}

func key(parts ...string) string { return strings.Join(parts, "\x00") }

// content is the body by its type; an error says how to refuse it.
func (r *request) content() (content, error) {
	kind := ""
	if h := r.ContentType(); h != nil {
		kind = h.Value()
	}
	return parseBody(kind, r.Body())
}

// addresses are those on the request that tell who called whom: what the trusted
// network asserts (RFC 3325) before what the caller says of itself.
func (r *request) addresses() headers {
	h := headers{
		calling: uri(cmp.Or(r.value("P-Asserted-Identity"), r.value("P-Calling-Party-ID"))),
		called:  uri(cmp.Or(r.value("P-Called-Party-ID"), r.value("X-Called-Party"))),
	}
	if v := r.value("Remote-Party-ID"); h.calling == "" && strings.Contains(strings.ToLower(v), "party=calling") {
		h.calling = uri(v)
	}
	if h.calling == "" {
		a := r.From().Address
		h.calling = uri(a.String())
	}
	return h
}
