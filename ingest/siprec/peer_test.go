package siprec

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"throughline/ingest/ingesttest"
)

// peer is a session border controller that writes its own bytes.
type peer struct {
	t         testing.TB
	conn      net.Conn
	in        *bufio.Reader // of a stream
	transport string
	callID    string
	branch    int
	cseq      int
	toTag     string
}

// message is a SIP message as it came.
type message struct {
	start   string
	headers map[string][]string // lower-case names
	body    string
}

func (m message) status() int {
	w := strings.Fields(m.start)
	if len(w) < 2 {
		return 0
	}
	n, _ := strconv.Atoi(w[1])
	return n
}

func (m message) header(name string) string { return strings.Join(m.headers[name], ", ") }

// ports are the RTP ports of an answer, 0 where a stream was declined.
func (m message) ports() (all []int) {
	for line := range strings.Lines(m.body) {
		if strings.HasPrefix(line, "m=") {
			n, _ := strconv.Atoi(strings.Fields(line)[1])
			all = append(all, n)
		}
	}
	return all
}

func newPeer(t testing.TB, l *lab) *peer {
	t.Helper()
	conn, err := net.Dial("udp4", l.server.Addr("udp"))
	if err != nil {
		t.Fatal(err)
	}
	return peerOn(t, conn, "UDP")
}

func peerOn(t testing.TB, conn net.Conn, transport string) *peer {
	t.Cleanup(func() { conn.Close() })
	p := &peer{t: t, conn: conn, transport: transport, callID: fmt.Sprintf("%d-%s@peer.example", time.Now().UnixNano(), conn.LocalAddr())}
	if transport != "UDP" {
		p.in = bufio.NewReader(conn)
	}
	return p
}

// send writes a request. Extra are header lines; the CSeq goes up by itself.
func (p *peer) send(method, contentType, body string, extra ...string) {
	p.t.Helper()
	if method != "ACK" && method != "CANCEL" {
		p.cseq++
		p.branch++
	}
	branch := fmt.Sprintf("z9hG4bK-%s-%d", strings.ReplaceAll(p.callID, "@", "-"), p.branch)
	if method == "ACK" {
		branch += "a"
	}
	p.write(p.request(method, branch, contentType, body, extra...))
}

func (p *peer) request(method, branch, contentType, body string, extra ...string) string {
	local := p.conn.LocalAddr().String()
	var b strings.Builder
	fmt.Fprintf(&b, "%s sip:srs@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/%s %s;branch=%s\r\n", method, p.transport, local, branch)
	fmt.Fprintf(&b, "From: <sip:+15551230001@sbc.example>;tag=peer\r\nTo: <sip:srs@127.0.0.1>%s\r\n", p.toTag)
	fmt.Fprintf(&b, "Call-ID: %s\r\nCSeq: %d %s\r\nMax-Forwards: 70\r\n", p.callID, p.cseq, method)
	if method != "ACK" && method != "CANCEL" {
		fmt.Fprintf(&b, "Contact: <sip:sbc@%s>;+sip.src\r\n", local)
	}
	for _, e := range extra {
		b.WriteString(e + "\r\n")
	}
	if contentType != "" {
		fmt.Fprintf(&b, "Content-Type: %s\r\n", contentType)
	}
	fmt.Fprintf(&b, "Content-Length: %d\r\n\r\n%s", len(body), body)
	return b.String()
}

func (p *peer) write(s string) {
	p.t.Helper()
	if _, err := io.WriteString(p.conn, s); err != nil {
		p.t.Fatal(err)
	}
}

// read takes the next message.
func (p *peer) read() message {
	p.t.Helper()
	m, err := p.tryRead(ingesttest.Patience)
	if err != nil {
		p.t.Fatalf("no message: %v", err)
	}
	return m
}

func (p *peer) tryRead(within time.Duration) (message, error) {
	if err := p.conn.SetReadDeadline(time.Now().Add(within)); err != nil {
		return message{}, err
	}
	r := p.in
	if r == nil {
		buf := make([]byte, 65536)
		n, err := p.conn.Read(buf)
		if err != nil {
			return message{}, err
		}
		r = bufio.NewReader(bytes.NewReader(buf[:n]))
	}
	m := message{headers: map[string][]string{}}
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return m, err
		}
		line = strings.TrimRight(line, "\r\n")
		switch {
		case line == "" && m.start == "":
		case line == "":
			n, _ := strconv.Atoi(m.header("content-length"))
			body := make([]byte, n)
			if _, err := io.ReadFull(r, body); err != nil {
				return m, err
			}
			m.body = string(body)
			return m, nil
		case m.start == "":
			m.start = line
		default:
			k, v, _ := strings.Cut(line, ":")
			k = strings.ToLower(k)
			m.headers[k] = append(m.headers[k], strings.TrimSpace(v))
		}
	}
}

// asked reads up to a request other than those before. Answers are passed over:
// the one to an INVITE comes again where our ACK is read late (RFC 3261 §13.3.1.4).
func (p *peer) asked(before ...message) message {
	p.t.Helper()
	for {
		m := p.read()
		again := slices.ContainsFunc(before, func(b message) bool { return b.start == m.start && b.header("cseq") == m.header("cseq") })
		if m.status() == 0 && !again {
			return m
		}
	}
}

// final reads up to a final answer to the latest request.
func (p *peer) final() message {
	p.t.Helper()
	for {
		m := p.read()
		if s := m.status(); s >= 200 && strings.HasPrefix(m.header("cseq"), strconv.Itoa(p.cseq)+" ") {
			return m
		}
	}
}

// do is a request and its final answer; an INVITE that is taken is acknowledged.
func (p *peer) do(method, contentType, body string, extra ...string) message {
	p.t.Helper()
	p.send(method, contentType, body, extra...)
	m := p.final()
	if method == "INVITE" {
		if m.status() < 300 && p.toTag == "" {
			_, tag, _ := strings.Cut(m.header("to"), ";tag=")
			p.toTag = ";tag=" + tag
		}
		p.send("ACK", "", "")
	}
	return m
}

// taken is an INVITE that must be taken.
func (p *peer) taken(contentType, body string, extra ...string) message {
	p.t.Helper()
	m := p.do("INVITE", contentType, body, extra...)
	if m.status() != 200 {
		p.t.Fatalf("answered %q", m.start)
	}
	return m
}

// speak sends n packets of 20 ms to a port, fast.
func speak(t testing.TB, port int, ssrc uint32, first, n int, payload []byte) {
	t.Helper()
	c, err := net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), uint16(port))))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for i := first; i < first+n; i++ {
		if _, err := c.Write(packet(uint16(i), uint32(i*160), ssrc, payload)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Millisecond)
	}
}

// sdpOf is an offer of streams with the given directions, labels 1, 2, ….
func sdpOf(directions ...string) string {
	var b strings.Builder
	b.WriteString("v=0\r\no=SBC 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n")
	for i, d := range directions {
		fmt.Fprintf(&b, "m=audio %d RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\na=%s\r\na=label:%d\r\n", 9000+2*i, d, i+1)
	}
	return b.String()
}

const multipartType = "multipart/mixed;boundary=ub1"

func multipartOf(sdp, metadata string) string {
	return "--ub1\r\nContent-Type: application/sdp\r\n\r\n" + sdp + "\r\n--ub1\r\nContent-Type: application/rs-metadata+xml\r\nContent-Disposition: recording-session\r\n\r\n" +
		metadata + "\r\n--ub1--\r\n"
}

// metadataOf is standard metadata: caller on stream 1, agent on stream 2. Sends
// says whose voice is heard: "12", "1", "".
func metadataOf(mode, session, agent, sends string) string {
	assoc := func(p, s string) string {
		if !strings.Contains(sends, s) {
			return fmt.Sprintf(`<participantstreamassoc participant_id="%s"></participantstreamassoc>`, p)
		}
		return fmt.Sprintf(`<participantstreamassoc participant_id="%s"><send>s%s</send></participantstreamassoc>`, p, s)
	}
	return `<?xml version="1.0"?><recording xmlns="urn:ietf:params:xml:ns:recording:1"><datamode>` + mode + `</datamode>` +
		`<session session_id="` + session + `"/><participant participant_id="pc"><nameID aor="sip:+15551230001@trunk.example"/></participant>` +
		`<participant participant_id="p` + agent + `"><nameID aor="sip:` + agent + `@pbx.example"/></participant>` +
		`<stream stream_id="s1"><label>1</label></stream><stream stream_id="s2"><label>2</label></stream>` +
		assoc("pc", "1") + assoc("p"+agent, "2") + `</recording>`
}
