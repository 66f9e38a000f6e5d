package siprec

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"throughline/event"
	"throughline/ingest/calls"
	"throughline/ingest/ingesttest"
)

// TestKilledMidCall kills the server in the middle of two calls. The controller
// records one of them again at the next server, where it goes on; the other ends
// as failed, and says why.
func TestKilledMidCall(t *testing.T) {
	if addr := os.Getenv("SIPREC_TEST_BROKER"); addr != "" {
		b := ingesttest.Dial(t, addr)
		l := newLabOn(t, b, b, Config{}, calls.Config{Node: "recorder"})
		fmt.Println("listening", l.server.Addr("udp"))
		select {} // it is killed
	}
	addr := ingesttest.Broker(t)
	b := ingesttest.Dial(t, addr)
	if err := b.Ensure(ingesttest.Deadline(t), event.All()...); err != nil {
		t.Fatal(err)
	}
	child := exec.Command(os.Args[0], "-test.run", "^TestKilledMidCall$", "-test.timeout", "5m")
	child.Env = append(os.Environ(), "SIPREC_TEST_BROKER="+addr)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	server, ok := strings.CutPrefix(strings.TrimSpace(line), "listening ")
	if err != nil || !ok {
		t.Fatalf("the child says %q, %v", line, err)
	}
	const back, lost = "0123456789abcdef-back", "0123456789abcdef-lost"
	body := func(session string) string {
		return multipartOf(sdpOf("sendonly", "sendonly"), metadataOf("complete", session, "2001", "12"))
	}
	for _, session := range []string{back, lost} {
		conn, err := net.Dial("udp4", server)
		if err != nil {
			t.Fatal(err)
		}
		for i, port := range peerOn(t, conn, "UDP").taken(multipartType, body(session)).ports() {
			speak(t, port, uint32(i+1), 0, 50, make([]byte, 160))
		}
	}
	stored := &lab{bus: b}
	stored.heard(t, 4*45) // of 50 each; what is buffered is lost with the process
	for _, session := range []string{back, lost} {
		id := event.ID("i", "default", "siprec", session)
		stored.await(t, "the beginning of "+session, func(i event.Interaction) bool { return i.Interaction == id && i.Change == event.Started })
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait() // it was killed

	l := newLabOn(t, b, b, Config{}, calls.Config{Node: "recorder", ResumeWithin: 6 * time.Second})
	recovered := make(chan error, 1)
	go func() { recovered <- l.door.Recover(context.Background(), b) }()
	time.Sleep(time.Second)
	p := newPeer(t, l)
	for i, port := range p.taken(multipartType, body(back)).ports() {
		speak(t, port, uint32(i+1), 0, 50, make([]byte, 160))
	}
	l.heard(t, 6*45)
	if err := <-recovered; err != nil {
		t.Fatal(err)
	}
	p.do("BYE", "", "")
	for session, want := range map[string]event.Change{back: event.Ended, lost: event.Failed} {
		id := event.ID("i", "default", "siprec", session)
		end := l.await(t, "the end of "+session, func(i event.Interaction) bool { return i.Interaction == id && i.Change.Terminal() })
		if end.Change != want || want == event.Failed && end.Reason != calls.ReasonProcessEnded {
			t.Errorf("%s: %s, %q", session, end.Change, end.Reason)
		}
		resumed := strings.Contains(kinds(l.changes(t, id)), "resumed("+calls.ReasonProcessBack+")")
		if resumed != (session == back) {
			t.Errorf("%s: %s", session, kinds(l.changes(t, id)))
		}
	}
}
