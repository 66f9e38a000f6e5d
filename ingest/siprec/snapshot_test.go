package siprec

import (
	"os"
	"strings"
	"testing"
	"time"

	"throughline/event"
	"throughline/ingest/calls"
)

// TestSippSnapshot is a controller that believes we know the session, as after a
// restart of ours: it is asked for all of its metadata, and the legs get their
// roles by it.
func TestSippSnapshot(t *testing.T) {
	for _, transport := range []string{"udp", "tcp"} {
		t.Run(transport, func(t *testing.T) {
			l := newLab(t, Config{Roles: Roles{AgentDomains: []string{"pbx.example"}}}, calls.Config{})
			scenario, err := os.ReadFile("testdata/snapshot.xml")
			if err != nil {
				t.Fatal(err)
			}
			sipp(t, l, transport, string(scenario), "-m", "1")
			end := l.await(t, "the end", terminal)
			if end.Change != event.Ended {
				t.Errorf("ended as %s, %q", end.Change, end.Reason)
			}
			corrected := map[event.Role]string{}
			for _, i := range l.changes(t, end.Interaction) {
				if i.Reason == calls.ReasonRole {
					corrected[i.Role] = i.Agent
				}
			}
			if _, customer := corrected[event.Customer]; corrected[event.Agent] != "2001" || !customer {
				t.Errorf("roles corrected: %v; changes %s", corrected, kinds(l.changes(t, end.Interaction)))
			}
		})
	}
}

// TestSnapshotByInvite asks a peer that takes no UPDATE, and acknowledges its
// answer; the description offered is the one that holds.
func TestSnapshotByInvite(t *testing.T) {
	l := newLab(t, Config{}, calls.Config{})
	p := newPeer(t, l)
	answer := p.taken(typeSDP, sdpOf("sendonly", "sendonly"), "Allow: INVITE, ACK, BYE", "Accept: application/sdp, application/rs-metadata-request")
	asked := p.asked()
	kind := asked.header("content-type")
	c, err := parseBody(kind, []byte(asked.body))
	if !strings.HasPrefix(asked.start, "INVITE ") || err != nil || !strings.Contains(asked.body, "requestsnapshot") || !strings.Contains(asked.body, typeSnapshot) {
		t.Fatalf("asked by %q of type %s: %v\n%s", asked.start, kind, err, asked.body)
	}
	o, err := parseSDP(c.sdp)
	if err != nil || len(o.streams) != 2 || o.streams[0].port != answer.ports()[0] || strings.Count(string(c.sdp), "a=recvonly") != 2 {
		t.Errorf("offered %v:\n%s", err, c.sdp)
	}
	p.write("SIP/2.0 200 OK\r\nVia: " + asked.header("via") + "\r\nFrom: " + asked.header("from") + "\r\nTo: " + asked.header("to") +
		"\r\nCall-ID: " + asked.header("call-id") + "\r\nCSeq: " + asked.header("cseq") + "\r\nContact: <sip:sbc@" + p.conn.LocalAddr().String() +
		">\r\nContent-Type: application/sdp\r\nContent-Length: " + itoa(len(sdpOf("sendonly", "sendonly"))) + "\r\n\r\n" + sdpOf("sendonly", "sendonly"))
	if ack := p.asked(asked); !strings.HasPrefix(ack.start, "ACK ") || strings.Fields(ack.header("cseq"))[0] != strings.Fields(asked.header("cseq"))[0] {
		t.Errorf("then %q, CSeq %s", ack.start, ack.header("cseq"))
	}
	p.do("BYE", "", "")
}

// TestNobodyIsAskedInVain leaves those alone who told all, or do not know the
// request, or were asked often enough.
func TestNobodyIsAskedInVain(t *testing.T) {
	whole, part := metadata{}, metadata{}
	if err := whole.apply([]byte(metadataOf("complete", "s", "2001", "12"))); err != nil || whole.incomplete() {
		t.Errorf("complete metadata has holes: %v", err)
	}
	if err := part.apply([]byte(metadataOf("partial", "s", "2001", "12"))); err != nil || !part.incomplete() {
		t.Errorf("metadata that begins with an update has none: %v", err)
	}
	if err := whole.apply([]byte(`<recording><datamode>partial</datamode><participantstreamassoc participant_id="who"><send>s1</send></participantstreamassoc></recording>`)); err != nil || !whole.incomplete() {
		t.Errorf("an update about somebody unknown leaves no hole: %v", err)
	}
	if err := whole.apply([]byte(metadataOf("complete", "s", "2001", "12"))); err != nil || whole.incomplete() {
		t.Errorf("a snapshot does not fill the holes: %v", err)
	}
	now := time.Now()
	d := &dialog{snapshots: true}
	asks := 0
	for s := range 600 {
		if d.snapshotDue(now.Add(time.Duration(s) * time.Second)) {
			asks++
		}
	}
	if asks != mostAsks {
		t.Errorf("asked %d times", asks)
	}
	if d := (&dialog{}); d.snapshotDue(now) {
		t.Error("a peer that does not know the request is asked")
	}
}
