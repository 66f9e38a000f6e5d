package transcribe_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"throughline/bus"
	"throughline/event"
	"throughline/governance"
	"throughline/media"
	"throughline/transcribe"
	"throughline/transcribe/internal/corpus"
)

// childBroker, where it is set, makes the test binary a process that
// transcribes from the broker at that address until it is killed.
const childBroker = "THROUGHLINE_TRANSCRIBE_CHILD"

func TestMain(m *testing.M) {
	addr := os.Getenv(childBroker)
	if addr == "" {
		os.Exit(m.Run())
	}
	if err := child(addr); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func child(addr string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	// A parent that dies closes the pipe, and the child goes with it.
	go func() { _, _ = os.Stdin.Read(make([]byte, 1)); os.Exit(0) }()
	b, err := bus.Dial(bus.Config{Brokers: []string{addr}, Partitions: 1, SessionTimeout: 6 * time.Second, Logger: quietLog()})
	if err != nil {
		return err
	}
	gate, err := governance.NewGate(governance.Config{}, governance.NewLedger(governance.Config{}))
	if err != nil {
		return err
	}
	tr, err := transcribe.New(transcribe.Config{Partials: true, Speculate: true}, transcribe.Parts{Gate: gate, Logger: quietLog()})
	if err != nil {
		return err
	}
	go func() { _ = tr.Run(ctx) }()
	return b.Run(ctx, tr.Stage())
}

// startChild runs a process that transcribes; kill ends it as a power cut would.
func startChild(t *testing.T, addr string) (kill func()) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childBroker+"="+addr)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return func() {
		_ = cmd.Process.Signal(syscall.SIGKILL)
		_ = cmd.Wait()
		_ = stdin.Close()
	}
}

// monologue speaks for so long with so short pauses that utterances are cut.
func monologue(t testing.TB, interaction string) party {
	var pcm []int16
	for _, name := range []string{"greeting", "complaint", "promise", "complaint", "greeting", "promise", "complaint"} {
		pcm = append(append(pcm, said(t, name)...), silence(100*time.Millisecond)...)
	}
	return party{interaction: interaction, leg: interaction + "/customer", role: event.Customer, pcm: append(pcm, silence(time.Second)...)}
}

// troubled are the calls that processes die over, begun at different times.
func troubled(t testing.TB, name string) []party {
	var out []party
	for i, wait := range []time.Duration{0, 3700 * time.Millisecond, 8300 * time.Millisecond} {
		agent, customer := conversation(t, fmt.Sprintf("%s_%d", name, i))
		agent.pcm = concat(silence(wait), agent.pcm)
		customer.pcm = concat(silence(wait), customer.pcm)
		out = append(out, agent, customer)
	}
	return append(out, monologue(t, name+"_long"))
}

// once keeps the first of each id, in the order of the calls.
func once(turns []event.Turn, prefix string) []event.Turn {
	seen := map[string]bool{}
	var out []event.Turn
	for _, t := range turns {
		if strings.HasPrefix(t.Interaction, prefix) && !seen[t.ID] {
			seen[t.ID] = true
			out = append(out, t)
		}
	}
	slices.SortFunc(out, func(a, b event.Turn) int {
		return strings.Compare(fmt.Sprintf("%s %s %09d", a.Interaction[len(prefix):], a.Role, a.StartMS), fmt.Sprintf("%s %s %09d", b.Interaction[len(prefix):], b.Role, b.StartMS))
	})
	return out
}

func TestKilledProcessLosesAndRepeatsNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a minute: the group notices a dead process after six seconds")
	}
	corpus.Moonshine(t) // fetched here once, or skipped
	h := newHouse(t)

	undisturbed := startChild(t, h.addr)
	h.publish(merged(t, troubled(t, "calm")...)...)
	ended := func(prefix string) func() bool {
		return func() bool {
			over := map[string]bool{}
			for _, s := range h.states {
				if strings.HasPrefix(s.Interaction, prefix) && s.Change == event.Measured && s.Attrs["final"] == "true" {
					over[s.Interaction] = true
				}
			}
			return len(over) == 4
		}
	}
	h.eventually(60*time.Second, "the calm calls' ends", ended("calm"))
	undisturbed() // all turns of a call are stored before its end

	kill := startChild(t, h.addr)
	defer func() { kill() }()
	played := make(chan struct{})
	chunks := merged(t, troubled(t, "wild")...)
	go func() {
		defer close(played)
		h.live(0.8, chunks)
	}()
	for i, after := range []time.Duration{15 * time.Second, 11 * time.Second, 9 * time.Second} {
		time.Sleep(after)
		kill()
		h.mu.Lock()
		t.Logf("killed %d times, %d turns so far", i+1, len(once(h.finals, "wild")))
		h.mu.Unlock()
		kill = startChild(t, h.addr)
	}
	<-played
	over := ended("wild")
	h.eventually(60*time.Second, "the wild calls' ends, and as many turns", func() bool {
		return over() && len(once(h.finals, "wild")) >= len(once(h.finals, "calm"))
	})

	h.mu.Lock()
	defer h.mu.Unlock()
	calm, wild := once(h.finals, "calm"), once(h.finals, "wild")
	t.Logf("%d turns undisturbed, %d with deaths, %d stored", len(calm), len(wild), len(h.finals)-len(calm))
	if len(calm) < 15 {
		t.Fatalf("only %d turns undisturbed:%s", len(calm), texts(calm))
	}
	if len(wild) != len(calm) {
		t.Fatalf("turns undisturbed:%s\nwith deaths:%s", texts(calm), texts(wild))
	}
	for i := range calm {
		if d := calm[i].StartMS - wild[i].StartMS; d > 64 || d < -64 {
			t.Errorf("undisturbed:%s\nwith deaths:%s", texts(calm[i:i+1]), texts(wild[i:i+1]))
		}
	}
}

func TestNumberSaidAcrossTwoProcesses(t *testing.T) {
	h := newHouse(t)
	first := h.start(transcribe.Config{}, transcribe.Parts{})
	// The customer stops for breath in the middle of a card number.
	card, hello := said(t, "card"), said(t, "greeting")
	const breath = 3310 * 8 // samples up to the pause after the second group
	whole := solo(t, "i_1", silence(time.Second), hello, silence(18*time.Second), card[:breath], silence(1500*time.Millisecond), card[breath:], silence(time.Second))
	chunks := chunksOf(t, whole)
	half := int((20*time.Second + time.Duration(len(hello)+breath)*time.Second/8000) / media.DefaultSpan)
	h.publish(chunks[:half]...)
	h.eventually(15*time.Second, "the first half", func() bool { return len(h.finals) == 2 })
	time.Sleep(500 * time.Millisecond) // a commit follows
	first.stop()
	h.start(transcribe.Config{}, transcribe.Parts{})
	h.publish(chunks[half:]...)
	h.eventually(20*time.Second, "the second half, of three turns in all", func() bool {
		_, over := lastMeasures(h.states, "i_1")
		return over && len(once(h.finals, "i_1")) == 3
	})
	h.mu.Lock()
	defer h.mu.Unlock()
	turns := once(h.finals, "i_1")
	if digits(turns[2].Text) {
		t.Errorf("the second half of the number stayed:%s", texts(turns))
	}
	for _, w := range turns[2].Words {
		if digits(w.Text) {
			t.Errorf("the second half stayed in the word %q", w.Text)
		}
	}
}
