package siprec

import (
	"bytes"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/emiago/sipgo/sip"

	"throughline/event"
	"throughline/ingest/calls"
)

// crlf gives a text file the line ends of SIP.
func crlf(b []byte) string {
	return strings.ReplaceAll(strings.ReplaceAll(string(b), "\r\n", "\n"), "\n", "\r\n")
}

func vendorBody(t testing.TB, name string) (kind, body string) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "vendors", name+".txt"))
	if err != nil {
		t.Fatal(err)
	}
	body = crlf(b)
	if boundary, ok := strings.CutPrefix(body, "--"); ok {
		boundary, _, _ = strings.Cut(boundary, "\r\n")
		return "multipart/mixed;boundary=" + boundary, body
	}
	return typeSDP, body
}

// TestVendors sends the INVITE of every dialect to the server, and finds the roles
// of its streams and the customer on Kafka.
func TestVendors(t *testing.T) {
	phone := func(n string) event.Handle { return event.Handle{Kind: event.Phone, Value: n} }
	caller := phone("+15551230001") // the From of the test's peer
	for _, tt := range []struct {
		vendor   string
		roles    Roles
		want     []event.Role
		by       string
		customer event.Handle // zero: unknown
		agent    string
		codec    string
		mixed    bool
		declined int
	}{
		{vendor: "oracle", want: []event.Role{event.Customer, event.Agent}, by: "who called", customer: event.Handle{Kind: event.Visitor, Value: "sip:someone@far.example"}, agent: "clerk.one"},
		{vendor: "oracle", roles: Roles{Direction: "outbound"}, want: []event.Role{event.Agent, event.Customer}, by: "who called", customer: event.Handle{Kind: event.Visitor, Value: "sip:clerk.one@host.example"}, agent: "someone"},
		{vendor: "cube", want: []event.Role{event.Customer, event.Agent}, by: "public number", customer: phone("+12125550100"), agent: "2001"},
		{vendor: "nbr", want: []event.Role{event.UnknownRole, event.UnknownRole}, by: "nothing tells", customer: caller, codec: "PCMU/8000"},
		{vendor: "nbr", roles: Roles{FirstStream: "caller"}, want: []event.Role{event.Customer, event.Agent}, by: "first stream", customer: caller},
		{vendor: "nbr", roles: Roles{FirstStream: "called"}, want: []event.Role{event.Agent, event.Customer}, by: "first stream", customer: caller},
		{vendor: "sonus", roles: Roles{Direction: "outbound"}, want: []event.Role{event.Agent, event.Customer}, by: "who called", customer: event.Handle{Kind: event.Visitor, Value: "sip:guest@far.example"}, agent: "front.desk", codec: "PCMA/8000"},
		{vendor: "sonus", roles: Roles{AgentDomains: []string{"tenant.example"}}, want: []event.Role{event.Agent, event.Customer}, by: "agent domain", customer: event.Handle{Kind: event.Visitor, Value: "sip:guest@far.example"}, agent: "front.desk"},
		{vendor: "opensips", want: []event.Role{event.Customer, event.Agent}, by: "public number", customer: phone("+40215550100"), agent: "agent", codec: "PCMU/8000"},
		{vendor: "sems", want: []event.Role{event.Agent, event.Customer}, by: "extension", customer: phone("+49301234567"), agent: "1001"},
		{vendor: "broadworks", want: []event.Role{event.UnknownRole}, mixed: true, by: "nothing tells"},
		{vendor: "netsapiens", want: []event.Role{event.Customer, event.Agent}, declined: 1, by: "who called", agent: "reception"},
	} {
		t.Run(tt.vendor, func(t *testing.T) {
			l := newLab(t, Config{Roles: tt.roles}, calls.Config{})
			kind, body := vendorBody(t, tt.vendor)
			p := newPeer(t, l)
			m := p.taken(kind, body)
			if len(m.ports()) != len(tt.want)+tt.declined || tt.declined == 1 && m.ports()[len(tt.want)] != 0 {
				t.Fatalf("answer\n%s", m.body)
			}
			p.do("BYE", "", "")
			l.await(t, "the end", terminal)
			var got []event.Role
			for _, i := range l.changes(t, "") {
				switch i.Change {
				case event.Joined:
					if len(got) == 0 && i.Attrs["role_by"] != tt.by {
						t.Errorf("role by %q", i.Attrs["role_by"])
					}
					if tt.codec != "" && i.Attrs["codec"] != tt.codec {
						t.Errorf("codec %q", i.Attrs["codec"])
					}
					got = append(got, i.Role)
				case event.Started:
					if tt.customer.Value != "" && i.Customer != event.CustomerID("default", tt.customer) {
						t.Errorf("customer %s (%s)", i.Customer, i.Handle)
					}
					if i.Agent != tt.agent || (i.Attrs["mixed"] == "true") != tt.mixed {
						t.Errorf("agent %q, attributes %v", i.Agent, i.Attrs)
					}
				case event.Held:
					if tt.vendor != "cube" {
						t.Error("on hold")
					}
				}
			}
			if len(got) != len(tt.want) {
				t.Fatalf("roles %q", got)
			}
			for i := range got {
				if got[i] != tt.want[i] {
					t.Errorf("roles %q, want %q", got, tt.want)
					break
				}
			}
		})
	}
}

// TestSharedInvites sends every INVITE of the shared data set as it is, but for
// the length that its line ends make.
func TestSharedInvites(t *testing.T) {
	d := dataDir(t)
	if d == "" {
		t.Skip("no ../shared/data beside the repository; set THROUGHLINE_DATA")
	}
	files, err := filepath.Glob(filepath.Join(d, "siprec", "*.txt"))
	if err != nil || len(files) == 0 {
		t.Skip("no siprec data set")
	}
	l := newLab(t, Config{}, calls.Config{})
	length := regexp.MustCompile(`(?i)Content-Length:\s*\d+`)
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		text := crlf(b)
		p := newPeer(t, l)
		if strings.HasPrefix(text, "--") {
			boundary, _, _ := strings.Cut(text[2:], "\r\n")
			if m := p.taken("multipart/mixed;boundary="+boundary, text); m.ports()[0] == 0 {
				t.Errorf("%s: %s", filepath.Base(file), m.body)
			}
			continue
		}
		head, body, _ := strings.Cut(text, "\r\n\r\n")
		head = length.ReplaceAllString(head, "Content-Length: "+itoa(len(body)))
		// Answers go to the port in the Via unless it asks for the one of the packet (RFC 3581).
		head = regexp.MustCompile(`Via: SIP/2.0/\w+ ([^\r;]+)`).ReplaceAllString(head, "Via: SIP/2.0/UDP ${1};rport")
		p.write(head + "\r\n\r\n" + body)
		m := p.read()
		for m.status() < 200 {
			m = p.read()
		}
		if m.status() != 200 {
			t.Errorf("%s: %q", filepath.Base(file), m.start)
		}
		if strings.HasPrefix(head, "INVITE") && (len(m.ports()) != 1 || m.ports()[0] == 0) {
			t.Errorf("%s:\n%s", filepath.Base(file), m.body)
		}
	}
	if n := l.door.Open(); n < 2 {
		t.Errorf("%d calls", n)
	}
}

func itoa(n int) string {
	const digits = "0123456789"
	if n < 10 {
		return digits[n : n+1]
	}
	return itoa(n/10) + digits[n%10:n%10+1]
}

// TestTruncated: no prefix of a body does harm, and none is taken for metadata
// that is whole.
func TestTruncated(t *testing.T) {
	for _, vendor := range []string{"oracle", "cube", "sonus", "sems", "broadworks"} {
		kind, body := vendorBody(t, vendor)
		for n := range len(body) - 8 {
			c, err := parseBody(kind, []byte(body[:n]))
			if err != nil && !errors.Is(err, errBody) && !errors.Is(err, errMediaType) {
				t.Fatalf("%s cut at %d: %v", vendor, n, err)
			}
			if c.metadata != nil {
				var m metadata
				if err := m.apply(c.metadata); err == nil && !bytes.Contains(bytes.ToLower(c.metadata), []byte("recording>")) {
					t.Fatalf("%s cut at %d: taken for whole", vendor, n)
				}
			}
			if c.sdp != nil {
				if _, err := parseSDP(c.sdp); err != nil && !errors.Is(err, errSDP) {
					t.Fatal(err)
				}
			}
		}
	}
}

// TestMetadataErrorsNameNobody: an error may be logged, so it may not quote.
func TestMetadataErrorsNameNobody(t *testing.T) {
	for _, b := range []string{`<recording><name>Secret Person</recording>`, `<recording><name>Secret Person`, `Secret Person`, `<a Secret="Person`, "<recording>" + strings.Repeat("<x>", 40)} {
		var m metadata
		if err := m.apply([]byte(b)); !errors.Is(err, errMetadata) || strings.Contains(err.Error(), "Secret") {
			t.Errorf("%.30s: %v", b, err)
		}
	}
}

func TestHandle(t *testing.T) {
	for _, tt := range []struct {
		aor  string
		want string
	}{
		{"+15551230001@x", "phone +15551230001"}, {"0049301234567@x", "phone +49301234567"}, {"15551230001@x", "phone +15551230001"},
		{"2001@x", "visitor sip:2001@x"}, {"Alice@Example.com", "visitor sip:alice@example.com"}, {"anonymous@anonymous.invalid", ""}, {"", ""}, {"@x", ""},
	} {
		h, ok := handle(tt.aor)
		if got := string(h.Kind) + " " + h.Value; ok != (tt.want != "") || ok && got != tt.want {
			t.Errorf("%q is %q, %v", tt.aor, got, ok)
		}
	}
}

func FuzzSDP(f *testing.F) {
	for _, v := range []string{"nbr", "cube"} {
		_, body := vendorBody(f, v)
		f.Add([]byte(body))
	}
	f.Add([]byte("v=0\nm=audio 1 RTP/SAVP 0\na=crypto:1 AEAD_AES_128_GCM inline:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==\na=rtcp-mux"))
	f.Fuzz(func(t *testing.T, b []byte) {
		o, err := parseSDP(b)
		if err != nil {
			if !errors.Is(err, errSDP) {
				t.Fatal(err)
			}
			return
		}
		c, err := Config{}.check()
		if err != nil {
			t.Fatal(err)
		}
		d := description{session: 1, version: 1}
		for i := range o.streams {
			d.streams = append(d.streams, answered{offer: &o.streams[i], port: 4000 + 2*i, types: o.streams[i].choose(c.codecs), direction: "recvonly"})
		}
		back, err := parseSDP(d.bytes())
		if err != nil || len(back.streams) != len(o.streams) {
			t.Errorf("our own answer: %v", err)
		}
	})
}

func FuzzBody(f *testing.F) {
	for _, v := range []string{"oracle", "cube", "broadworks"} {
		kind, body := vendorBody(f, v)
		f.Add(kind, []byte(body))
	}
	f.Add("multipart/mixed;boundary=a b", []byte("--a b\r\n\r\nv=0\r\n--a b--"))
	f.Fuzz(func(t *testing.T, kind string, body []byte) {
		if c, err := parseBody(kind, body); err == nil && len(c.sdp) > len(body) {
			t.Error("a part is longer than the whole")
		}
	})
}

func FuzzMetadata(f *testing.F) {
	for _, v := range []string{"oracle", "cube", "sonus", "opensips", "sems", "broadworks", "netsapiens"} {
		kind, body := vendorBody(f, v)
		c, err := parseBody(kind, []byte(body))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(c.metadata, []byte(metadataOf("partial", "s", "2001", "1")))
	}
	f.Fuzz(func(t *testing.T, a, b []byte) {
		var m metadata
		for _, doc := range [][]byte{a, b} {
			if err := m.apply(doc); err != nil && !errors.Is(err, errMetadata) {
				t.Fatal(err)
			}
		}
		all := Roles{FirstStream: "caller"}.assign(&m, headers{calling: "+15551230001@x"}, []string{"1", "2"})
		if len(all) != 2 {
			t.Error("a stream has nobody")
		}
		m.onHold()
	})
}

func FuzzCrypto(f *testing.F) {
	f.Add("1 AES_CM_128_HMAC_SHA1_80 inline:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNk|2^31|1:4")
	f.Add("2 AEAD_AES_256_GCM inline:AAAA UNENCRYPTED_SRTP")
	f.Fuzz(func(t *testing.T, s string) {
		c, ok := parseCrypto(s)
		if !ok {
			return
		}
		back, ok := parseCrypto(c.String())
		if !ok || !back.same(c) || back.tag != c.tag {
			t.Errorf("%q becomes %q", s, c.String())
		}
		if _, err := newVault(nil, c, c, nil); err != nil {
			t.Errorf("keys %s: %v", hex.EncodeToString(c.key), err)
		}
	})
}

// FuzzRequest gives our handlers whatever the library takes for a request.
func FuzzRequest(f *testing.F) {
	kind, body := vendorBody(f, "cube")
	f.Add([]byte("INVITE sip:srs@h SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKx\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\nContact: <sip:a@b>\r\n" +
		"Supported: timer\r\nSession-Expires: 1800\r\nRequire: siprec\r\nContent-Type: " + kind + "\r\nContent-Length: " + itoa(len(body)) + "\r\n\r\n" + body))
	parser := sip.NewParser()
	c, err := Config{}.check()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		msg, err := parser.ParseSIP(b)
		req, ok := msg.(*sip.Request)
		if err != nil || !ok || req.From() == nil || req.To() == nil || req.CallID() == nil || req.CSeq() == nil || req.Contact() == nil {
			return
		}
		s := &Server{cfg: c}
		s.metrics = newMetrics(nil, s)
		r := &request{Request: req, server: s}
		timer, _ := s.sessionTimer(r)
		d := newDialog(s, r, "", timer)
		if body, err := r.content(); err == nil {
			if o, err := parseSDP(body.sdp); err == nil {
				_ = d.meta.apply(body.metadata) // malformed metadata refuses nothing
				d.plan(o)
				if desc := d.describe(r); desc.ID == "" && r.CallID().Value() != "" {
					t.Error("a call without an id")
				}
			}
		}
		_ = d.request(sip.BYE).String()
	})
}
