package calls_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"throughline/bus"
	"throughline/event"
	"throughline/governance"
	"throughline/ingest/calls"
	"throughline/ingest/ingesttest"
	"throughline/media"
	"throughline/media/codec"
)

func ulaw() codec.Format { return codec.Format{Codec: codec.PCMU, ClockRate: 8000, Channels: 1} }

// lab is a door on a broker of its own.
type lab struct {
	*calls.Door
	ledger  *governance.Ledger
	bus     *bus.Bus
	metrics *prometheus.Registry
	stop    func() error
}

func newLab(t testing.TB, cfg calls.Config) *lab {
	b := ingesttest.Dial(t, ingesttest.Broker(t))
	if err := b.Ensure(ingesttest.Deadline(t), event.All()...); err != nil {
		t.Fatal(err)
	}
	return newLabOn(t, b, b, cfg)
}

func newLabOn(t testing.TB, b *bus.Bus, p calls.Publisher, cfg calls.Config) *lab {
	ledger := governance.NewLedger(governance.Config{})
	gate, err := governance.NewGate(governance.Config{}, ledger)
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Node == "" {
		cfg.Node = "one"
	}
	metrics := prometheus.NewRegistry()
	d, err := calls.New(cfg, calls.Parts{Gate: gate, Consents: ledger, Bus: p, Metrics: metrics, Logger: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx) }()
	stop := sync.OnceValue(func() error { cancel(); return <-done })
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Errorf("stop: %v", err)
		}
	})
	return &lab{Door: d, ledger: ledger, bus: b, metrics: metrics, stop: stop}
}

func (l *lab) begin(t testing.TB, id string) *calls.Call {
	t.Helper()
	c, err := l.Begin(context.Background(), calls.Description{Tenant: "acme", Source: "test", ID: id, Direction: "inbound",
		Customer: event.Handle{Kind: event.Phone, Value: "+1 555 123 0001"}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (l *lab) changes(t testing.TB) []event.Interaction {
	return ingesttest.All(t, l.bus, event.Interactions().Source)
}

func (l *lab) await(t testing.TB, what string, ok func(event.Interaction) bool) event.Interaction {
	t.Helper()
	var found event.Interaction
	ingesttest.Await(t, what, func() bool {
		all := l.changes(t)
		at := slices.IndexFunc(all, ok)
		if at >= 0 {
			found = all[at]
		}
		return at >= 0
	})
	return found
}

func because(reason string) func(event.Interaction) bool {
	return func(i event.Interaction) bool { return i.Reason == reason }
}

// chunks are the stored chunks of a leg that was closed, in order. Audio and
// changes are two topics, and neither waits for the other: that a call's end is
// stored says nothing of its last chunk, which is awaited here.
func (l *lab) chunks(t testing.TB, leg string) (all []event.AudioChunk, gaps map[media.GapKind]time.Duration, octets []byte) {
	t.Helper()
	ingesttest.Await(t, "the last chunk of leg "+leg, func() bool {
		all = slices.DeleteFunc(ingesttest.All(t, l.bus, event.Audio().Source), func(a event.AudioChunk) bool { return a.Leg != leg })
		return len(all) > 0 && all[len(all)-1].Last
	})
	gaps = map[media.GapKind]time.Duration{}
	for place, a := range all {
		if a.Seq != uint64(place) {
			t.Errorf("chunk %d stands at place %d", a.Seq, place)
		}
		var c media.Chunk
		if err := c.UnmarshalBinary(a.Payload); err != nil {
			t.Fatal(err)
		}
		for _, p := range c.Parts {
			octets = append(octets, p.Payload...)
			if p.Gap.Kind != media.NoGap {
				gaps[p.Gap.Kind] += media.TicksDuration(p.Gap.Ticks, c.Format.ClockRate)
			}
		}
	}
	return all, gaps, octets
}

func tone(b byte, n int) []byte { return slices.Repeat([]byte{b}, n) }

func stream(t testing.TB, c *calls.Call, name string, role event.Role) *calls.StreamLeg {
	t.Helper()
	leg, err := c.StreamLeg(calls.LegOptions{Name: name, Role: role}, ulaw())
	if err != nil {
		t.Fatal(err)
	}
	return leg
}

func write(t testing.TB, leg *calls.StreamLeg, b byte, ms int) {
	t.Helper()
	for range ms / 20 {
		if err := leg.Write(tone(b, 160), time.Now()); err != nil {
			t.Fatal(err)
		}
	}
}

// TestCallOnKafka follows one call from its beginning to its end.
func TestCallOnKafka(t *testing.T) {
	l := newLab(t, calls.Config{})
	c := l.begin(t, "one")
	caller, agent := stream(t, c, "1", event.Customer), stream(t, c, "2", event.UnknownRole)
	write(t, caller, 1, 1000)
	write(t, agent, 2, 400)
	agent.SetRole(event.Agent, "a7", "cti")
	write(t, agent, 3, 400)
	c.Hold(event.Agent, "consult")
	c.Resume(event.Agent, "back")
	c.Transfer("a8", "second line", "warm")
	c.Identify(event.Handle{Kind: event.CRM, Value: "4711"})
	c.End("hung up")
	c.Fail("too late")
	if err := agent.Write(tone(9, 160), time.Now()); err == nil {
		t.Error("a leg takes audio after the end")
	}
	end := l.await(t, "the end", func(i event.Interaction) bool { return i.Change.Terminal() })
	if end.ID != event.ID("x", c.Interaction(), "ended") || end.Reason != "hung up" || end.Change != event.Ended || end.Measures.Unknown == "" {
		t.Errorf("end %+v", end)
	}
	var got []string
	for _, i := range l.changes(t) {
		got = append(got, string(i.Change))
		if i.Handle != "+15…01" || i.Customer != event.CustomerID("acme", event.Handle{Kind: event.Phone, Value: "+15551230001"}) {
			t.Errorf("%s: handle %q, customer %s", i.Change, i.Handle, i.Customer)
		}
	}
	if want := "started joined joined joined held resumed transferred ended"; strings.Join(got, " ") != want {
		t.Errorf("changes %v, want %s", got, want)
	}
	all, _, octets := l.chunks(t, agent.ID())
	if string(octets) != string(append(tone(2, 3200), tone(3, 3200)...)) {
		t.Errorf("%d octets of the agent", len(octets))
	}
	if first, last := all[0], all[len(all)-1]; first.Role != event.UnknownRole || last.Role != event.Agent || last.Agent != "a7" || !last.Last || last.Reason != "hung up" {
		t.Errorf("first chunk of %q, last %+v", first.Role, last)
	}
	var ids []event.Identity
	ingesttest.Await(t, "three identities", func() bool {
		ids = ingesttest.All(t, l.bus, event.Identities().Source)
		return len(ids) >= 3
	})
	if len(ids) != 3 || ids[2].Into == "" && ids[1].Into == "" && ids[0].Into == "" {
		t.Errorf("identities %+v", ids)
	}
}

// TestPauseAndConsent: what is spoken while recording is paused, or after consent
// was withdrawn, never reaches Kafka; the gap is marked and the call says why.
func TestPauseAndConsent(t *testing.T) {
	l := newLab(t, calls.Config{})
	c := l.begin(t, "pci")
	legs := []*calls.StreamLeg{stream(t, c, "1", event.Customer), stream(t, c, "2", event.Agent)}
	both := func(b byte) {
		for _, leg := range legs {
			write(t, leg, b, 500)
		}
	}
	both(1)
	c.Pause(calls.ByRequest, "card data")
	c.Pause(calls.ByRequest, "again")
	c.Pause("source", "its own")
	c.Unpause("source") // the other pause stands
	both(66)
	c.Unpause(calls.ByRequest)
	both(2)
	consent := event.Consent{ID: "n1", Tenant: "acme", Customer: c.Customer(), Purpose: event.Record, At: time.Now()}
	if err := l.ledger.Apply(consent); err != nil {
		t.Fatal(err)
	}
	withheld := l.await(t, "that audio is withheld", because(calls.ReasonWithheld))
	if withheld.Attrs["why"] != "record: withdrawn" {
		t.Errorf("withheld because %q", withheld.Attrs["why"])
	}
	both(66)
	consent.ID, consent.Allowed, consent.At = "n2", true, time.Now()
	if err := l.ledger.Apply(consent); err != nil {
		t.Fatal(err)
	}
	l.await(t, "that audio is allowed", because(calls.ReasonAllowed))
	both(3)
	c.End("")
	l.await(t, "the end", func(i event.Interaction) bool { return i.Change == event.Ended })
	paused := l.await(t, "the pause", because(calls.ReasonPaused))
	if paused.Attrs["why"] != "card data" {
		t.Errorf("paused because %q", paused.Attrs["why"])
	}
	for _, leg := range legs {
		_, gaps, octets := l.chunks(t, leg.ID())
		if slices.Contains(octets, 66) || len(octets) != 3*4000 || gaps[media.Withheld] != time.Second {
			t.Errorf("%s: %d octets, gaps %v", leg.Role(), len(octets), gaps)
		}
	}
}

// TestConsentBeforeTheCall: not a single octet of somebody who refuses.
func TestConsentBeforeTheCall(t *testing.T) {
	l := newLab(t, calls.Config{})
	who := event.CustomerID("acme", event.Handle{Kind: event.Phone, Value: "+15551230001"})
	if err := l.ledger.Apply(event.Consent{ID: "n", Tenant: "acme", Customer: who, Purpose: event.Transcribe, Channel: event.Voice, At: time.Now()}); err != nil {
		t.Fatal(err)
	}
	c := l.begin(t, "refused")
	leg := stream(t, c, "1", event.Customer)
	write(t, leg, 66, 1000)
	c.End("hung up")
	l.await(t, "the end", func(i event.Interaction) bool { return i.Change == event.Ended })
	l.await(t, "that audio is withheld", because(calls.ReasonWithheld))
	if all, _, octets := l.chunks(t, leg.ID()); len(octets) != 0 || len(all) != 1 {
		t.Errorf("%d octets in %d chunks", len(octets), len(all))
	}
}

// away is a bus whose brokers can be gone for a while.
type away struct {
	*bus.Bus
	mu   sync.Mutex
	gone chan struct{}
}

func (a *away) Publish(ctx context.Context, msgs ...event.Message) error {
	a.mu.Lock()
	gone := a.gone
	a.mu.Unlock()
	select {
	case <-gone:
	case <-ctx.Done():
		return ctx.Err()
	}
	return a.Bus.Publish(ctx, msgs...)
}

// TestKafkaAway: calls are answered and heard while Kafka is away; what its buffer
// cannot hold is one marked gap, and nothing else is missing.
func TestKafkaAway(t *testing.T) {
	b := ingesttest.Dial(t, ingesttest.Broker(t))
	if err := b.Ensure(ingesttest.Deadline(t), event.All()...); err != nil {
		t.Fatal(err)
	}
	a := &away{Bus: b, gone: make(chan struct{})}
	l := newLabOn(t, b, a, calls.Config{Buffer: 2 * time.Second})
	back := time.AfterFunc(ingesttest.Patience, func() { close(a.gone) })
	c := l.begin(t, "away")
	leg := stream(t, c, "1", event.Customer)
	write(t, leg, 1, 5000)
	if !back.Stop() {
		t.Fatal("a call begins, and is heard, only with Kafka")
	}
	close(a.gone)
	if err := leg.WaitRoom(ingesttest.Deadline(t).Done()); err != nil {
		t.Fatal(err)
	}
	write(t, leg, 2, 1000)
	c.End("hung up")
	l.await(t, "the end", func(i event.Interaction) bool { return i.Change == event.Ended })
	all, gaps, octets := l.chunks(t, leg.ID())
	if kept := time.Duration(len(octets)) * time.Second / 8000; kept+gaps[media.Withheld] != 6*time.Second || kept < 2*time.Second || kept > 4*time.Second {
		t.Errorf("kept %v, gaps %v in %d chunks", kept, gaps, len(all))
	}
	if !slices.Equal(octets[len(octets)-8000:], tone(2, 8000)) {
		t.Error("what was said after Kafka came back is not whole")
	}
}

func TestTooManyCalls(t *testing.T) {
	l := newLab(t, calls.Config{MaxCalls: 2, MaxLegs: 1})
	one, two := l.begin(t, "1"), l.begin(t, "2")
	_, err := l.Begin(context.Background(), calls.Description{Tenant: "acme", Source: "test", ID: "3"})
	if !errors.Is(err, calls.ErrBusy) {
		t.Errorf("a third call: %v", err)
	}
	families, err := l.metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	refused := 0.0
	for _, f := range families {
		if f.GetName() == "throughline_calls_refused_total" {
			refused = f.GetMetric()[0].GetCounter().GetValue()
		}
	}
	if refused != 1 {
		t.Errorf("%v refused calls are counted", refused)
	}
	stream(t, one, "1", event.Customer)
	if _, err := one.StreamLeg(calls.LegOptions{Name: "2"}, ulaw()); err == nil {
		t.Error("a second leg was taken")
	}
	two.Abandon("nobody answered")
	l.begin(t, "3").End("")
	if _, err := l.Begin(context.Background(), calls.Description{Tenant: "acme", Source: "test", ID: "3"}); !errors.Is(err, calls.ErrEnded) {
		t.Errorf("a call that has ended begins again: %v", err)
	}
	if got := l.await(t, "the abandoned call", func(i event.Interaction) bool { return i.Change == event.Abandoned }); got.Interaction != two.Interaction() {
		t.Errorf("abandoned %s", got.Interaction)
	}
	again := l.begin(t, "1")
	if again != one {
		t.Error("a second beginning makes a second call")
	}
	again.End("first leg hung up")
	select {
	case <-one.Done():
		t.Error("the call ended with the first of its two holders")
	default:
	}
	one.End("second leg hung up")
	<-one.Done()
}

// near allows for the clock on the wall, which the times of changes are of, being
// set meanwhile by a little.
func near(ms int64, d time.Duration) bool {
	return (time.Duration(ms)*time.Millisecond - d).Abs() < 20*time.Millisecond
}

// TestHoldIsMeasured where the source tells of it, up to an end within a hold.
func TestHoldIsMeasured(t *testing.T) {
	l := newLab(t, calls.Config{})
	mute := l.begin(t, "mute")
	c, err := l.Begin(context.Background(), calls.Description{Tenant: "acme", Source: "test", ID: "holds", Holds: true})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		c.Hold(event.Agent, "told")
		time.Sleep(20 * time.Millisecond) // so that the hold has a length
		c.Resume(event.Agent, "told")
	}
	c.Hold(event.Agent, "told")
	time.Sleep(20 * time.Millisecond)
	c.End("hung up")
	mute.End("hung up")
	ended := func(c *calls.Call) event.Interaction {
		return l.await(t, "the end", func(i event.Interaction) bool { return i.Interaction == c.Interaction() && i.Change.Terminal() })
	}
	end := ended(c)
	var held time.Duration
	var since time.Time
	for _, i := range l.changes(t) {
		switch {
		case i.Interaction != c.Interaction():
		case i.Change == event.Held:
			since = i.At
		case i.Change == event.Resumed:
			held += i.At.Sub(since)
			if m := i.Measures; m == nil || m.HoldMS == nil || !near(*m.HoldMS, held) {
				t.Errorf("resumed after %v with measures %+v", held, m)
			}
		}
	}
	held += end.At.Sub(since)
	if m := end.Measures.HoldMS; m == nil || !near(*m, held) || held < 60*time.Millisecond {
		t.Errorf("ended after %v on hold with measures %+v", held, end.Measures)
	}
	if m := ended(mute).Measures.HoldMS; m != nil {
		t.Errorf("a source that does not tell held for %d ms", *m)
	}
}

// TestEndSaysWhoWasNotHeard: a call without one of its sides is not one in which
// that side kept silent.
func TestEndSaysWhoWasNotHeard(t *testing.T) {
	l := newLab(t, calls.Config{})
	c := l.begin(t, "half")
	write(t, stream(t, c, "1", event.Customer), 1, 1000)
	gone := stream(t, c, "2", event.Agent)
	gone.Close("stream was removed") // before the call ends
	stream(t, c, "3", event.UnknownRole)
	stream(t, c, "4", event.Agent).Expect(false) // on hold all the time
	c.End("hung up")
	want := "hung up; no audio: agent, no audio: leg 3"
	if end := l.await(t, "the end", func(i event.Interaction) bool { return i.Change.Terminal() }); end.Reason != want {
		t.Errorf("ended with %q, want %q", end.Reason, want)
	}
}

// TestSourceThatPausedIsNotSilent: it was asked to send nothing, or says so itself.
func TestSourceThatPausedIsNotSilent(t *testing.T) {
	l := newLab(t, calls.Config{SilenceAfter: 400 * time.Millisecond})
	paused, asked := l.begin(t, "paused"), l.begin(t, "asked")
	paused.Pause("source", "card data")
	stream(t, paused, "1", event.Customer)
	stream(t, asked, "1", event.Customer)
	asked.Pause(calls.ByRequest, "card data") // which keeps no source from sending
	silent := func(c *calls.Call) func(event.Interaction) bool {
		return func(i event.Interaction) bool {
			return i.Interaction == c.Interaction() && i.Reason == calls.ReasonNoAudio
		}
	}
	l.await(t, "the silence of the other call", silent(asked))
	if slices.ContainsFunc(l.changes(t), silent(paused)) {
		t.Error("a source that paused is reported as silent")
	}
	paused.Unpause("source")
	l.await(t, "its silence after the pause", silent(paused))
}

// TestSilentLeg: a leg that brings nothing, or nothing that can be decoded, is
// reported; and that it is heard again.
func TestSilentLeg(t *testing.T) {
	if calls.DefaultSilenceAfter > 9*time.Second {
		t.Error("a silent leg is reported after more than 10 s, for legs are looked at once a second")
	}
	l := newLab(t, calls.Config{SilenceAfter: 400 * time.Millisecond})
	c := l.begin(t, "silent")
	leg, err := c.RTPLeg(calls.LegOptions{Name: "1", Role: event.Customer}, codec.StaticPayloadTypes())
	if err != nil {
		t.Fatal(err)
	}
	got := l.await(t, "no audio", because(calls.ReasonNoAudio))
	if got.Attrs["leg"] != leg.ID() || got.Role != event.Customer || got.Attrs["problem"] == "" {
		t.Errorf("reported %+v", got)
	}
	send := func(pt byte, until string) {
		t.Helper()
		found := make(chan struct{})
		go func() { defer close(found); l.await(t, until, because(until)) }()
		for i := 0; ; i++ {
			p := append([]byte{0x80, pt, byte(i >> 8), byte(i), 0, 0, byte(i * 160 >> 8), byte(i * 160), 0, 0, 0, pt + 1}, tone(5, 160)...)
			_ = leg.Receive(p, time.Now()) // the counts tell
			select {
			case <-found:
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	}
	send(18, calls.ReasonUndecodable) // G.729
	send(0, calls.ReasonAudioBack)
	l.await(t, "that it stopped", because(calls.ReasonAudioStopped))
	c.End("hung up")
	end := l.await(t, "the end", func(i event.Interaction) bool { return i.Change == event.Ended })
	if end.Measures.MOS == nil || *end.Measures.MOS < 1 {
		t.Errorf("measures %+v", end.Measures)
	}
}

// TestStop: a stop ends every call and waits for Kafka to have all of it.
func TestStop(t *testing.T) {
	l := newLab(t, calls.Config{})
	c := l.begin(t, "stop")
	leg := stream(t, c, "1", event.Customer)
	write(t, leg, 1, 1000)
	if err := l.stop(); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Begin(context.Background(), calls.Description{Tenant: "acme", Source: "test", ID: "late"}); !errors.Is(err, calls.ErrStopping) {
		t.Errorf("a call after the stop: %v", err)
	}
	all := l.changes(t)
	if last := all[len(all)-1]; last.Change != event.Failed || last.Reason != calls.ReasonStopped {
		t.Errorf("last change %s, %q", last.Change, last.Reason)
	}
	if _, _, octets := l.chunks(t, leg.ID()); len(octets) != 8000 {
		t.Errorf("%d octets stored", len(octets))
	}
}

// refusing is a Kafka that is away when the first ends are to be stored.
type refusing struct {
	*bus.Bus
	mu    sync.Mutex
	times int
}

func (r *refusing) Publish(ctx context.Context, msgs ...event.Message) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, m := range msgs {
		if i, ok := m.Value.(event.Interaction); ok && i.Reason == calls.ReasonProcessEnded && r.times > 0 {
			r.times--
			return errors.New("away")
		}
	}
	return r.Bus.Publish(ctx, msgs...)
}

// TestKilled kills a process in the middle of two calls. The next process of that
// name ends the one as failed; the other comes back and goes on.
func TestKilled(t *testing.T) {
	if addr := os.Getenv("CALLS_TEST_BROKER"); addr != "" {
		hangOn(t, addr)
	}
	addr := ingesttest.Broker(t)
	b := ingesttest.Dial(t, addr)
	if err := b.Ensure(ingesttest.Deadline(t), event.All()...); err != nil {
		t.Fatal(err)
	}
	child := exec.Command(os.Args[0], "-test.run", "^TestKilled$", "-test.timeout", "5m")
	child.Env = append(os.Environ(), "CALLS_TEST_BROKER="+addr)
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	other := newLabOn(t, b, b, calls.Config{Node: "two"})
	bystander := other.begin(t, "bystander")
	ingesttest.Await(t, "audio of the child", func() bool { return len(ingesttest.All(t, b, event.Audio().Source)) >= 4 })
	for _, id := range []string{event.ID("i", "acme", "test", "lost"), event.ID("i", "acme", "test", "back"), event.ID("i", "acme", "test", "early"), recorded.Interaction()} {
		other.await(t, "the beginning of a call of the child", func(i event.Interaction) bool { return i.Interaction == id })
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait() // it was killed

	l := newLabOn(t, b, &refusing{Bus: b, times: 2}, calls.Config{Node: "one", ResumeWithin: 5 * time.Second})
	early := l.begin(t, "early") // before it is known what was left
	recovered := make(chan error, 1)
	go func() { recovered <- l.Recover(context.Background(), b) }()
	time.Sleep(time.Second)
	back := l.begin(t, "back")
	if err := <-recovered; err != nil {
		t.Fatal(err)
	}
	lost := event.ID("i", "acme", "test", "lost")
	end := l.await(t, "the end of the lost call", func(i event.Interaction) bool { return i.Interaction == lost && i.Change.Terminal() })
	if end.Change != event.Failed || end.Reason != calls.ReasonProcessEnded || end.ID != event.ID("x", lost, "ended") || end.Customer != back.Customer() {
		t.Errorf("lost call: %+v", end)
	}
	failed := l.await(t, "the end of the recording that was cut short", func(i event.Interaction) bool {
		return i.Interaction == recorded.Interaction() && i.Change.Terminal()
	})
	// It is sent again, and ends once more.
	again, err := l.Recording(context.Background(), recorded)
	if err != nil {
		t.Fatalf("a recording that was cut short is sent again: %v", err)
	}
	if err := again.End(context.Background(), time.Second, "recording stored"); err != nil {
		t.Fatal(err)
	}
	whole := l.await(t, "its regular end", func(i event.Interaction) bool {
		return i.Interaction == recorded.Interaction() && i.Change == event.Ended
	})
	if failed.Change != event.Failed || failed.ID == whole.ID {
		t.Errorf("ended by %+v, then by %+v", failed, whole)
	}
	for _, c := range []*calls.Call{back, early} {
		c.End("hung up")
		end := l.await(t, "the end of a call that came back", func(i event.Interaction) bool {
			return i.Interaction == c.Interaction() && i.Change == event.Ended
		})
		began, resumed := time.Time{}, 0
		for _, i := range l.changes(t) {
			switch {
			case i.Interaction != c.Interaction():
			case i.Change == event.Started && (began.IsZero() || i.At.Before(began)):
				began = i.At
			case i.Change == event.Resumed && i.Reason == calls.ReasonProcessBack:
				resumed++
			}
		}
		if d := end.At.Sub(began) - time.Duration(end.Measures.DurationMS)*time.Millisecond; resumed != 1 || d.Abs() > time.Second {
			t.Errorf("resumed %d times, and lasted %d ms from %v to %v", resumed, end.Measures.DurationMS, began, end.At)
		}
	}
	for _, i := range l.changes(t) {
		if i.Change.Terminal() && i.Interaction == bystander.Interaction() {
			t.Error("a call of another process was ended")
		}
	}
}

// recorded is a recording that is being stored when its process dies.
var recorded = calls.Description{Tenant: "acme", Source: calls.SourceRecording, ID: "file", At: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)}

// hangOn is the child: it takes two calls and waits to be killed.
func hangOn(t *testing.T, addr string) {
	b := ingesttest.Dial(t, addr)
	l := newLabOn(t, b, b, calls.Config{Node: "one"})
	for _, id := range []string{"lost", "back", "early"} {
		write(t, stream(t, l.begin(t, id), "1", event.Customer), 1, 1000)
	}
	if _, err := l.Recording(context.Background(), recorded); err != nil {
		t.Fatal(err)
	}
	select {}
}

// TestEndedElsewhere: after an end, whoever published it, nothing begins; but a
// recording is made again, with the same events.
func TestEndedElsewhere(t *testing.T) {
	b := ingesttest.Dial(t, ingesttest.Broker(t))
	if err := b.Ensure(ingesttest.Deadline(t), event.All()...); err != nil {
		t.Fatal(err)
	}
	gate, err := governance.NewGate(governance.Config{}, governance.NewLedger(governance.Config{}))
	if err != nil {
		t.Fatal(err)
	}
	desc := calls.Description{Tenant: "acme", Source: "test", ID: "over", At: time.Now()}
	d, err := calls.New(calls.Config{}, calls.Parts{Gate: gate, Bus: b, Ended: func(id string) bool { return id == desc.Interaction() }})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Begin(t.Context(), desc); !errors.Is(err, calls.ErrEnded) {
		t.Errorf("a call that has ended: %v", err)
	}
	if _, err := d.Begin(t.Context(), calls.Description{Tenant: "acme", Source: "test", ID: "new"}); err != nil {
		t.Errorf("another one: %v", err)
	}
	if _, err := d.Recording(t.Context(), desc); err != nil {
		t.Errorf("a recording: %v", err)
	}
}

func TestBeginRefusesWhatItCannotName(t *testing.T) {
	l := newLab(t, calls.Config{})
	for _, d := range []calls.Description{{Source: "s", ID: "i"}, {Tenant: "t", ID: "i"}, {Tenant: "t", Source: "s"}} {
		if _, err := l.Begin(context.Background(), d); err == nil {
			t.Errorf("%+v was taken", d)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := l.Begin(ctx, calls.Description{Tenant: "t", Source: "s", ID: "i"}); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled beginning: %v", err)
	}
}

// TestRecordingOfThePast: the age of a recording is no duration.
func TestRecordingOfThePast(t *testing.T) {
	l := newLab(t, calls.Config{MaxDuration: time.Minute})
	r, err := l.Recording(context.Background(), calls.Description{Tenant: "acme", Source: "test", ID: "old", At: time.Now().Add(-30 * 24 * time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-r.Call().Done():
		t.Error("a recording was ended as too long")
	case <-time.After(time.Second):
	}
	if err := r.End(context.Background(), time.Minute, "file read"); err != nil {
		t.Fatal(err)
	}
}

// TestTooLong: a call whose source forgot it ends.
func TestTooLong(t *testing.T) {
	l := newLab(t, calls.Config{MaxDuration: time.Second})
	c := l.begin(t, "long")
	<-c.Done()
	if end := l.await(t, "the end", func(i event.Interaction) bool { return i.Change.Terminal() }); end.Change != event.Failed || end.Reason != calls.ReasonTooLong {
		t.Errorf("end %+v", end)
	}
}
