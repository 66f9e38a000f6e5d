package siprec

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"throughline/event"
	"throughline/ingest/calls"
	"throughline/ingest/ingesttest"
	"throughline/media"
)

// sippPort is one of sipp's own ports, which it cannot pick by itself. They are
// none of those that the system gives to others.
func sippPort(n int) string { return strconv.Itoa(13000 + os.Getpid()%500*16 + n) }

// sipp runs a scenario against the server, or skips.
func sipp(t *testing.T, l *lab, transport, scenario string, args ...string) {
	t.Helper()
	path, err := exec.LookPath("sipp")
	if err != nil {
		t.Skip("sipp is not installed (Debian: sip-tester)")
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "scenario.xml")
	if err := os.WriteFile(file, []byte(scenario), 0o600); err != nil {
		t.Fatal(err)
	}
	unexpected := filepath.Join(dir, "unexpected.log")
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	mode := map[string]string{"udp": "u1", "tcp": "t1"}[transport]
	// sipp cannot be told to take any free port: where its own is taken it ends
	// before the first call (exit 254), and is given others.
	for try := 0; ; try++ {
		all := append([]string{"-sf", file, "-i", "127.0.0.1", "-mi", "127.0.0.1", "-p", sippPort(20 * try), "-mp", sippPort(20*try + 4),
			"-t", mode, "-nostdin", "-trace_err", "-error_file", unexpected, "-timeout", "150s", "-timeout_error"}, args...)
		cmd := exec.CommandContext(ctx, path, append(all, "127.0.0.1:"+portOf(t, l.server.Addr(transport)))...)
		cmd.Dir = dir
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &out
		err := cmd.Run()
		if err == nil {
			return
		}
		if s := out.String(); strings.Contains(s, "raw") && strings.Contains(s, "socket") || strings.Contains(s, "Operation not permitted") {
			t.Skip("sipp may not open raw sockets here: it needs CAP_NET_RAW to play two streams")
		}
		if try == 3 || cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != 254 {
			what, _ := os.ReadFile(unexpected) // it is there if sipp got as far
			t.Fatalf("sipp: %v\n%s\n%s", err, tail(out.String()), tail(string(what)))
		}
	}
}

func tail(s string) string { return s[max(0, len(s)-3000):] }

// TestSippCall plays both sides of a call by real signalling and real RTP, out of
// one sipp call, and finds every octet of it on Kafka.
func TestSippCall(t *testing.T) {
	for _, transport := range []string{"udp", "tcp"} {
		t.Run(transport, func(t *testing.T) {
			l := newLab(t, Config{}, calls.Config{})
			customer, agent := voices(t, 4*time.Second)
			recording := filepath.Join(t.TempDir(), "two.pcap")
			capture(t, recording, customer, agent)
			scenario, err := os.ReadFile("testdata/session.xml")
			if err != nil {
				t.Fatal(err)
			}
			play := fmt.Sprint(len(customer)/8 + 2000) // sipp plays late where it is given no processor
			sipp(t, l, transport, strings.NewReplacer("MEDIA", recording, "PLAYTIME", play).Replace(string(scenario)), "-m", "1")

			end := l.await(t, "the end", terminal)
			if end.Change != event.Ended || end.Reason != "hung up" {
				t.Errorf("ended as %s, %q", end.Change, end.Reason)
			}
			if end.Measures == nil || end.Measures.LossPercent == nil || *end.Measures.LossPercent != 0 || *end.Measures.MOS < 4 {
				t.Errorf("measures %+v", end.Measures)
			}
			want := []string{"started", "joined", "joined", "held"}
			var got []string
			for _, i := range l.changes(t, end.Interaction) {
				if i.Change != event.Measured && !i.Change.Terminal() {
					got = append(got, string(i.Change))
				}
				if i.Change == event.Started && (i.Customer != event.CustomerID("default", event.Handle{Kind: event.Phone, Value: "+15551230001"}) || i.Agent != "2001") {
					t.Errorf("started for customer %s, agent %q", i.Customer, i.Agent)
				}
			}
			if strings.Join(got, " ") != strings.Join(want, " ") {
				t.Errorf("changes %v, want %v", got, want)
			}
			heard := map[event.Role][]byte{}
			for _, s := range l.over(t) {
				// On a machine that stood still for a second sipp was silent, which media says.
				delete(s.gaps, media.Jump)
				if !s.last || len(s.gaps) > 0 {
					t.Errorf("%s: last %v, gaps %v", s.role, s.last, s.gaps)
				}
				heard[s.role] = s.octets
			}
			for role, said := range map[event.Role][]byte{event.Customer: customer, event.Agent: agent} {
				if !bytes.Equal(heard[role], said) {
					t.Errorf("%s: heard %d octets, %d were said", role, len(heard[role]), len(said))
				}
			}
		})
	}
}

// TestSippStorm: many calls at once, of which every one is answered and reaches
// its end, once.
func TestSippStorm(t *testing.T) {
	l := newLab(t, Config{}, calls.Config{})
	raw, err := os.ReadFile("testdata/session.xml")
	if err != nil {
		t.Fatal(err)
	}
	before, rest, _ := strings.Cut(string(raw), "<nop>")
	_, after, _ := strings.Cut(rest, "</nop>")
	const n = 200
	// An answer that we send again, since its ACK is read late, is taken by sipp for
	// the one to its next INVITE: the calls last until every ACK was read.
	sipp(t, l, "udp", strings.Replace(before+after, "PLAYTIME", "8000", 1), "-m", strconv.Itoa(n), "-r", "100", "-l", strconv.Itoa(n))
	changes := map[event.Change]map[string]int{}
	ingesttest.Await(t, "the end of every call", func() bool {
		clear(changes)
		for _, i := range l.changes(t, "") {
			if changes[i.Change] == nil {
				changes[i.Change] = map[string]int{}
			}
			changes[i.Change][i.Interaction]++
		}
		return len(changes[event.Ended]) == n
	})
	for _, c := range []event.Change{event.Started, event.Held, event.Ended} {
		if len(changes[c]) != n {
			t.Errorf("%d of %d calls %s", len(changes[c]), n, c)
		}
		for id, times := range changes[c] {
			if times != 1 {
				t.Errorf("call %s %s %d times", id, c, times)
			}
		}
	}
	l.idle(t)
}
