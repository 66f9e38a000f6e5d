package siprec

import (
	"net"
	"strings"
	"testing"
	"time"

	"throughline/event"
	"throughline/ingest/calls"
	"throughline/ingest/ingesttest"
)

func TestTurn(t *testing.T) {
	turns := newTurn(1)
	if !turns.enter(2) {
		t.Fatal("the next one has no turn")
	}
	later := make(chan bool)
	go func() { later <- turns.enter(3) }()
	select {
	case <-later:
		t.Fatal("two at a time")
	case <-time.After(2 * overtaken): // patience does not make it its turn
	}
	turns.leave()
	if !<-later {
		t.Fatal("whoever waited has no turn")
	}
	turns.leave()
	if turns.enter(2) {
		t.Error("an earlier one has a turn")
	}
	for _, seq := range []uint32{3, 7} { // a number may come again, as one that is refused does, or be left out
		if !turns.enter(seq) {
			t.Errorf("%d has no turn", seq)
		}
		turns.leave()
	}
}

// TestBurstAndRepetition: a BYE on the heels of a re-INVITE does not overtake it,
// and the re-INVITE that comes again after the BYE is no new request.
func TestBurstAndRepetition(t *testing.T) {
	for _, transport := range []string{"udp", "tcp"} {
		t.Run(transport, func(t *testing.T) {
			l := newLab(t, Config{}, calls.Config{})
			const session, n = "0123456789abcdef-burst", 10
			overtook := 0
			for range n {
				conn, err := net.Dial(transport, l.server.Addr(transport))
				if err != nil {
					t.Fatal(err)
				}
				p := peerOn(t, conn, strings.ToUpper(transport))
				p.taken(multipartType, multipartOf(sdpOf("sendonly", "sendonly"), metadataOf("complete", session, "2001", "12")))
				branch := "z9hG4bK-" + p.callID + "-"
				p.cseq++
				change := p.request("INVITE", branch+"change", multipartType, multipartOf(sdpOf("sendonly", "sendonly"), metadataOf("complete", session, "2002", "12")))
				ack := p.request("ACK", branch+"ack", "", "")
				p.cseq++
				for _, m := range []string{change, ack, p.request("BYE", branch+"bye", "", "")} {
					p.write(m)
				}
				first := map[string]int{}
				for first["2 INVITE"] == 0 || first["3 BYE"] == 0 {
					if m := p.read(); m.status() >= 200 {
						first[m.header("cseq")] = m.status()
					}
				}
				if first["3 BYE"] != 200 {
					t.Errorf("the BYE is answered %d", first["3 BYE"])
				}
				if first["2 INVITE"] != 200 {
					overtook++ // the machine stood still longer than a BYE waits
				}
				p.write(change)
				for m, err := p.tryRead(200 * time.Millisecond); err == nil; m, err = p.tryRead(200 * time.Millisecond) {
					if m.header("cseq") == "2 INVITE" && m.status() >= 200 && m.status() != first["2 INVITE"] {
						t.Errorf("answered %d, and %d when it came again", first["2 INVITE"], m.status())
					}
				}
			}
			if overtook > n/3 {
				t.Errorf("%d of %d BYEs overtook the re-INVITE before them", overtook, n)
			}
			changes := map[event.Change]int{}
			ingesttest.Await(t, "the end of every call", func() bool {
				clear(changes)
				for _, i := range l.changes(t, "") {
					changes[i.Change]++
				}
				return changes[event.Ended] == n
			})
			if changes[event.Transferred] != n-overtook {
				t.Errorf("%d transfers of %d that came before the BYE", changes[event.Transferred], n-overtook)
			}
		})
	}
}
