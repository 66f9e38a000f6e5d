package demo

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strconv"
	"time"

	"github.com/emiago/sipgo"
	"github.com/emiago/sipgo/sip"
)

// controller is the centre's session border controller: it copies its calls to a
// recording server, as a session recording client does (RFC 7866). It speaks SIP
// over TCP, because metadata makes requests longer than a datagram should be
// (RFC 3261 §18.1.1).
type controller struct {
	server  netip.AddrPort
	local   netip.Addr // by which the server reaches us
	dialogs *sipgo.DialogClientCache
	close   func() // every call has ended by then
}

// How long the controller waits.
const (
	answerWithin  = 10 * time.Second
	goodbyeWithin = 3 * time.Second
)

// newController opens the address on which the controller is called back.
func newController(server string) (*controller, error) {
	at, err := netip.ParseAddrPort(server)
	if err != nil {
		return nil, errors.New("demo target: SIP must be of the form 127.0.0.1:5060")
	}
	if at.Addr().IsUnspecified() {
		at = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), at.Port())
	}
	local, err := localTo(at)
	if err != nil {
		return nil, err
	}
	// The library's log quotes whole messages, which hold people's numbers.
	silent := slog.New(slog.DiscardHandler)
	agent, err := sipgo.NewUA(sipgo.WithUserAgent("larkfield-sbc"),
		sipgo.WithUserAgentTransportLayerOptions(sip.WithTransportLayerLogger(silent)),
		sipgo.WithUserAgentTransactionLayerOptions(sip.WithTransactionLayerLogger(silent)))
	if err != nil {
		return nil, fmt.Errorf("sip agent: %w", err)
	}
	client, err := sipgo.NewClient(agent, sipgo.WithClientLogger(silent), sipgo.WithClientHostname(local.String()))
	if err != nil {
		return nil, fmt.Errorf("sip client: %w", err)
	}
	called, err := sipgo.NewServer(agent, sipgo.WithServerLogger(silent))
	if err != nil {
		return nil, fmt.Errorf("sip listener: %w", err)
	}
	listener, err := net.Listen("tcp", netip.AddrPortFrom(local, 0).String())
	if err != nil {
		return nil, fmt.Errorf("sip listener: %w", err)
	}
	c := &controller{server: at, local: local}
	contact := sip.ContactHeader{Address: sip.Uri{Scheme: "sip", User: "sbc", Host: local.String(), Port: listener.Addr().(*net.TCPAddr).Port, UriParams: sip.NewParams()}, Params: sip.NewParams()}
	contact.Address.UriParams.Add("transport", "tcp")
	contact.Params.Add("+sip.src", "") // RFC 7866 §6.1.1
	c.dialogs = sipgo.NewDialogClientCache(client, contact)
	called.OnBye(func(req *sip.Request, tx sip.ServerTransaction) {
		if c.dialogs.ReadBye(req, tx) != nil {
			_ = tx.Respond(sip.NewResponseFromRequest(req, sip.StatusCallTransactionDoesNotExists, "Call Does Not Exist", nil))
		}
	})
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = called.ServeTCP(listener) // it ends when the listener is closed
	}()
	c.close = func() {
		_ = listener.Close()
		_ = agent.Close()
		<-served
	}
	return c, nil
}

// localTo is our address on the way to a server. No packet is sent: the system
// says which of ours it would use.
func localTo(server netip.AddrPort) (netip.Addr, error) {
	probe, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(server))
	if err != nil {
		return netip.Addr{}, fmt.Errorf("reach recording server: %w", err)
	}
	defer probe.Close()
	return probe.LocalAddr().(*net.UDPAddr).AddrPort().Addr().Unmap(), nil
}

// recording is a call as it is copied to the recording server.
type recording struct {
	session  string // of the communication session, at least 8 characters
	number   string // the caller's
	line     string // ours, that was called
	agent    string
	customer []byte // µ-law, 8 kHz; as long as heard
	heard    []byte // what the agent says
}

// errHungUp is the end of a call by the other side.
var errHungUp = errors.New("the recording server hung up")

// record copies a call from its first word to its last, in real time. It hangs
// up also when ctx ends.
func (c *controller) record(ctx context.Context, r recording) (err error) {
	streams, err := c.sockets(len(sides()))
	if err != nil {
		return err
	}
	defer func() {
		for _, s := range streams {
			_ = s.Close()
		}
	}()
	body, contentType := r.offer(c.local, streams)
	answering, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	to := sip.Uri{Scheme: "sip", User: "srs", Host: c.server.Addr().String(), Port: int(c.server.Port()), UriParams: sip.NewParams()}
	to.UriParams.Add("transport", "tcp")
	from := &sip.FromHeader{Address: sip.Uri{Scheme: "sip", User: r.number, Host: c.local.String()}, Params: sip.NewParams()}
	from.Params.Add("tag", sip.GenerateTagN(16))
	d, err := c.dialogs.Invite(answering, to, body, from, sip.NewHeader("Content-Type", contentType), sip.NewHeader("Require", "siprec"), sip.NewHeader("Accept", "application/sdp"))
	if err != nil {
		return fmt.Errorf("invite: %w", err)
	}
	defer d.Close()
	if err := d.WaitAnswer(answering, sipgo.AnswerOptions{}); err != nil {
		if refused, ok := errors.AsType[*sipgo.ErrDialogResponse](err); ok {
			return fmt.Errorf("invite: answered %d %s", refused.Res.StatusCode, refused.Res.Reason)
		}
		return fmt.Errorf("invite: %w", err)
	}
	if err := d.Ack(answering); err != nil {
		return fmt.Errorf("ack: %w", err)
	}
	sinks, err := answered(d.InviteResponse.Body())
	if err == nil {
		err = c.speak(ctx, d.Context(), streams, sinks, r)
	}
	if errors.Is(err, errHungUp) {
		return err
	}
	// The call is over whether or not somebody still waits for us.
	leaving, cancelBye := context.WithTimeout(context.WithoutCancel(ctx), goodbyeWithin)
	defer cancelBye()
	if bye := d.Bye(leaving); bye != nil {
		return errors.Join(err, fmt.Errorf("bye: %w", bye))
	}
	return err
}

// sockets opens a socket for each stream.
func (c *controller) sockets(n int) ([]*net.UDPConn, error) {
	var all []*net.UDPConn
	for range n {
		s, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(c.local, 0)))
		if err != nil {
			for _, open := range all {
				_ = open.Close()
			}
			return nil, fmt.Errorf("open rtp socket: %w", err)
		}
		all = append(all, s)
	}
	return all, nil
}

// Audio on the wire: µ-law in packets of 20 ms (RFC 3551 §4.2, §4.5.14).
const (
	ptime       = 20 * time.Millisecond
	octets      = bandwidth / 50
	payloadULaw = 0
	silentULaw  = 0xff
)

// speak sends both voices, each packet at its time.
func (c *controller) speak(ctx, dialog context.Context, from []*net.UDPConn, to []netip.AddrPort, r recording) error {
	voices := [][]byte{r.customer, r.heard}
	if len(to) != len(voices) {
		return fmt.Errorf("the recording server took %d of %d streams", len(to), len(voices))
	}
	tick := time.NewTicker(ptime)
	defer tick.Stop()
	var packet []byte
	for n := 0; n*octets < max(len(r.customer), len(r.heard)); n++ {
		for i, voice := range voices {
			packet = appendPacket(packet[:0], n, uint32(i+1)<<16|uint32(from[i].LocalAddr().(*net.UDPAddr).Port), voice)
			_, _ = from[i].WriteToUDPAddrPort(packet, to[i]) // a packet may be lost, as on any network
		}
		select {
		case <-tick.C:
		case <-dialog.Done():
			return errHungUp
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// appendPacket appends the nth RTP packet of a voice (RFC 3550 §5.1). After the
// voice's end it is silent.
func appendPacket(dst []byte, n int, ssrc uint32, voice []byte) []byte {
	marker := byte(0)
	if n == 0 {
		marker = 0x80 // a talkspurt begins (RFC 3551 §4.1)
	}
	dst = append(dst, 0x80, payloadULaw|marker)
	dst = binary.BigEndian.AppendUint16(dst, uint16(n))
	dst = binary.BigEndian.AppendUint32(dst, uint32(n*octets))
	dst = binary.BigEndian.AppendUint32(dst, ssrc)
	said := voice[min(n*octets, len(voice)):min((n+1)*octets, len(voice))]
	dst = append(dst, said...)
	for range octets - len(said) {
		dst = append(dst, silentULaw)
	}
	return dst
}

// offer is the body of the INVITE: the two streams (RFC 4566) and who speaks on
// them (RFC 7865), each in its part (RFC 7866 §7.1.1), and its Content-Type.
func (r recording) offer(local netip.Addr, streams []*net.UDPConn) (body []byte, contentType string) {
	const boundary = "larkfield-session"
	family := "IP4"
	if local.Is6() {
		family = "IP6"
	}
	sdp := fmt.Sprintf("v=0\r\no=larkfield-sbc 1 1 IN %[1]s %[2]s\r\ns=-\r\nc=IN %[1]s %[2]s\r\nt=0 0\r\n", family, local)
	for i, s := range streams {
		sdp += fmt.Sprintf("m=audio %d RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=ptime:20\r\na=sendonly\r\na=label:%d\r\n", s.LocalAddr().(*net.UDPAddr).Port, i+1)
	}
	body = fmt.Appendf(nil, "--%[1]s\r\nContent-Type: application/sdp\r\n\r\n%[2]s\r\n--%[1]s\r\nContent-Type: application/rs-metadata+xml\r\nContent-Disposition: recording-session\r\n\r\n%[3]s\r\n--%[1]s--\r\n",
		boundary, sdp, r.metadata())
	return body, "multipart/mixed;boundary=" + boundary
}

// metadata says who speaks on which stream (RFC 7865 §8).
func (r recording) metadata() string {
	x := `<?xml version="1.0" encoding="UTF-8"?>` + "\r\n" + `<recording xmlns="urn:ietf:params:xml:ns:recording:1"><datamode>complete</datamode>` +
		`<session session_id="` + r.session + `"><sipSessionID>` + r.session + `</sipSessionID></session>`
	for i, aor := range []string{"sip:" + r.number + "@trunk.example", "sip:" + r.agent + "@larkfield.example"} {
		n := strconv.Itoa(i + 1)
		x += `<participant participant_id="p` + n + `"><nameID aor="` + aor + `"/></participant>` +
			`<stream stream_id="s` + n + `" session_id="` + r.session + `"><label>` + n + `</label></stream>` +
			`<participantsessionassoc participant_id="p` + n + `" session_id="` + r.session + `"/>` +
			`<participantstreamassoc participant_id="p` + n + `"><send>s` + n + `</send></participantstreamassoc>`
	}
	return x + `</recording>`
}
