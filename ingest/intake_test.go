package ingest_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"throughline/bus"
	"throughline/bus/embedded"
	"throughline/bus/embedded/embeddedtest"
	"throughline/event"
	"throughline/governance"
	"throughline/ingest"
	"throughline/ingest/ingesttest"
)

func TestMain(m *testing.M) { os.Exit(embeddedtest.Main(m)) }

func said(who, id, text string) ingest.Arrival {
	return ingest.Arrival{Tenant: "acme", Channel: event.WhatsApp, Account: "106",
		Person: ingest.Person{Handles: []event.Handle{{Kind: event.Phone, Value: who}}, Name: "Ana"},
		Turn:   &event.Turn{ID: ingest.TurnID("acme", event.WhatsApp, id), Role: event.Customer, Kind: event.Text, Text: text}}
}

func accept(t testing.TB, n *ingest.Intake, arrivals ...ingest.Arrival) []ingest.Receipt {
	t.Helper()
	r, err := n.Accept(ingesttest.Deadline(t), arrivals...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestAConversationIsOneInteraction(t *testing.T) {
	k := ingesttest.New(t, ingest.SessionsConfig{})
	first := accept(t, k.Intake, said("+5511999990000", "m1", "hello, my card is 4111 1111 1111 1111"))[0]
	second := accept(t, k.Intake, said("5511 99999-0000", "m2", "are you there?"))[0]
	again := accept(t, k.Intake, said("+5511999990000", "m1", "hello"))[0]
	other := accept(t, k.Intake, said("+4930123456", "m3", "hallo"))[0]
	if first.Interaction != second.Interaction || first.Customer != second.Customer {
		t.Errorf("one conversation became two: %+v, %+v", first, second)
	}
	if !again.Duplicate || again.Interaction != first.Interaction || again.ID != first.ID {
		t.Errorf("a redelivery is %+v", again)
	}
	if other.Interaction == first.Interaction || other.Duplicate {
		t.Errorf("somebody else's message is %+v", other)
	}
	got := k.Stored(t)
	if got.Counts() != "turns=3 changes=2 identities=2 consents=0" || len(got.Turns) != 3 || len(got.Changes) != 2 {
		t.Errorf("stored %s (%d turns, %d changes)", got.Counts(), len(got.Turns), len(got.Changes))
	}
	for _, turn := range got.Turns {
		if strings.Contains(turn.Text, "4111") || turn.Clearance != governance.Version {
			t.Errorf("turn was not cleared: %+v", turn)
		}
	}
	for _, c := range got.Changes {
		if c.Change != event.Started || c.Direction != "inbound" || c.Account != "106" || strings.Contains(c.Handle, "99999") || c.Name != "Ana" {
			t.Errorf("start is %+v", c)
		}
	}
}

// Many deliveries of many messages of new customers at once must open one
// interaction for each and store each message once.
func TestConcurrentDeliveriesOpenOneInteraction(t *testing.T) {
	k := ingesttest.New(t, ingest.SessionsConfig{})
	var all []ingest.Arrival
	for c := range 5 {
		for m := range 4 {
			all = append(all, said(fmt.Sprintf("+49301234%03d", c), fmt.Sprintf("c%d-m%d", c, m), "hello"))
		}
	}
	var wg sync.WaitGroup
	interactions := make([]map[string]string, 10)
	for d := range interactions {
		wg.Go(func() {
			seen := map[string]string{}
			order := slices.Clone(all)
			if d%2 == 1 {
				slices.Reverse(order)
			}
			for at := range slices.Chunk(order, d%3+1) {
				for _, r := range accept(t, k.Intake, at...) {
					seen[r.ID] = r.Interaction
				}
			}
			interactions[d] = seen
		})
	}
	wg.Wait()
	for d, seen := range interactions {
		if len(seen) != len(all) || fmt.Sprint(seen) != fmt.Sprint(interactions[0]) {
			t.Errorf("delivery %d was answered with other ids", d)
		}
	}
	got := k.Stored(t)
	if len(got.Turns) != 20 || len(got.Changes) != 5 || got.Counts() != "turns=20 changes=5 identities=5 consents=0" {
		t.Errorf("stored %d turns and %d changes, %s", len(got.Turns), len(got.Changes), got.Counts())
	}
}

type clock struct{ now atomic.Int64 }

func newClock() *clock {
	c := &clock{}
	c.now.Store(time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC).UnixNano())
	return c
}
func (c *clock) Now() time.Time          { return time.Unix(0, c.now.Load()).UTC() }
func (c *clock) advance(d time.Duration) { c.now.Add(int64(d)) }

func TestSilenceEndsAnInteraction(t *testing.T) {
	c := newClock()
	cfg := ingest.SessionsConfig{WhatsAppIdle: time.Hour, SweepEvery: time.Hour, Now: c.Now}
	k := ingesttest.New(t, cfg)
	first := accept(t, k.Intake, said("+4930123456", "m1", "hello"))[0]
	c.advance(50 * time.Minute)
	if r := accept(t, k.Intake, said("+4930123456", "m2", "still here"))[0]; r.Interaction != first.Interaction {
		t.Error("50 minutes of silence ended the interaction")
	}
	c.advance(61 * time.Minute)
	next := accept(t, k.Intake, said("+4930123456", "m3", "back again"))[0]
	if next.Interaction == first.Interaction {
		t.Error("61 minutes of silence did not end the interaction")
	}
	c.advance(2 * time.Hour)
	// Two processes sweep: one effect.
	other := ingesttest.On(t, k.Addr, cfg, nil)
	for _, p := range []*ingesttest.Kit{k, other} {
		if _, err := p.Intake.Sessions().Sweep(ingesttest.Deadline(t), p.Bus); err != nil {
			t.Fatal(err)
		}
		if n := p.Intake.Sessions().Open(); n != 0 {
			t.Errorf("%d interactions are still open", n)
		}
	}
	ends := map[string]event.Interaction{}
	for _, i := range k.Stored(t).Changes {
		if i.Change == event.Ended {
			if e, ok := ends[i.Interaction]; ok && (e.ID != i.ID || !e.At.Equal(i.At)) {
				t.Errorf("two ends differ: %+v, %+v", e, i)
			}
			ends[i.Interaction] = i
		}
	}
	start := newClock().Now()
	want := map[string]time.Time{first.Interaction: start.Add(110 * time.Minute), next.Interaction: start.Add(171 * time.Minute)}
	for id, at := range want {
		if e := ends[id]; e.Reason != ingest.ReasonIdle || !e.At.Equal(at) {
			t.Errorf("end of %s is %+v, want at %v", id, e, at)
		}
	}
}

func TestRestartFindsOpenInteractions(t *testing.T) {
	addr := ingesttest.Broker(t)
	c := newClock()
	cfg := ingest.SessionsConfig{SweepEvery: time.Hour, Now: c.Now}
	before := ingesttest.On(t, addr, cfg, nil)
	first := accept(t, before.Intake, said("+4930123456", "m1", "hello"))[0]
	gone := accept(t, before.Intake, said("+4930999999", "m2", "hello"))[0]
	accept(t, before.Intake, ingest.Arrival{Tenant: "acme", Change: &event.Interaction{Interaction: gone.Interaction, Change: event.Ended, Reason: "solved"}})
	after := ingesttest.On(t, addr, cfg, nil)
	if r := accept(t, after.Intake, said("+4930123456", "m1", "hello"))[0]; !r.Duplicate || r.Interaction != first.Interaction {
		t.Errorf("a redelivery after the restart is %+v", r)
	}
	if r := accept(t, after.Intake, said("+4930123456", "m3", "and then"))[0]; r.Interaction != first.Interaction {
		t.Error("the restart opened a second interaction")
	}
	if r := accept(t, after.Intake, said("+4930999999", "m4", "again"))[0]; r.Interaction == gone.Interaction {
		t.Error("an ended interaction goes on after the restart")
	}
	again := accept(t, after.Intake, ingest.Arrival{Tenant: "acme", Change: &event.Interaction{Interaction: gone.Interaction, Change: event.Ended, Reason: "solved"}})[0]
	if !again.Duplicate {
		t.Error("an end was published twice")
	}
}

// TestRestartReadsWhatIsNeeded restarts on a topic that holds many more turns
// than are remembered.
func TestRestartReadsWhatIsNeeded(t *testing.T) {
	const others, each = 40, 25
	addr, c := ingesttest.Broker(t), newClock()
	cfg := ingest.SessionsConfig{WhatsAppIdle: time.Hour, WebChatIdle: 10 * time.Hour, Memory: 80, SweepEvery: time.Hour, Now: c.Now}
	before := ingesttest.On(t, addr, cfg, nil)
	quiet := accept(t, before.Intake, said("+4930123456", "q1", "hello"))[0]
	c.advance(50 * time.Minute)
	accept(t, before.Intake, said("+4930123456", "q2", "are you there?"))
	chat := func(id string) ingest.Arrival {
		a := said("+4930777777", id, "hello")
		a.Channel = event.WebChat
		return a
	}
	flood := func(name string) {
		c.advance(20 * time.Minute)
		for n := range each {
			var all []ingest.Arrival
			for k := range others {
				all = append(all, said(fmt.Sprintf("+49301%04d", k), fmt.Sprint(name, k, ".", n), "hello"))
			}
			accept(t, before.Intake, all...)
		}
	}
	flood("a")
	restarted := func() (*ingesttest.Kit, *atomic.Int64, *atomic.Int64) {
		var seen, chats atomic.Int64
		k := ingesttest.On(t, addr, cfg, func(n *ingest.Intake) {
			n.Sessions().Watch(ingest.Watcher{Channel: event.WebChat, Turn: func(t event.Turn) {
				seen.Add(1)
				if t.Channel == event.WebChat {
					chats.Add(1)
				}
			}})
		})
		return k, &seen, &chats
	}
	after, seen, _ := restarted()
	if n := seen.Load(); n > 80 {
		t.Errorf("%d of %d turns were read, %d are remembered", n, others*each+2, 80)
	}
	if r := accept(t, after.Intake, said("+493010007", fmt.Sprint("a7.", each-1), "hello"))[0]; !r.Duplicate {
		t.Error("a redelivery of what was said last is taken for new")
	}
	// Silent since 09:50, but nobody who began to read at 10:10 can know.
	if r := accept(t, after.Intake, said("+4930123456", "q3", "hello?"))[0]; r.Interaction != quiet.Interaction {
		t.Error("an interaction whose last turns were not read was taken for over")
	}
	accept(t, before.Intake, chat("c1"), chat("c2"))
	flood("b")
	accept(t, before.Intake, chat("c3"))
	if _, _, chats := restarted(); chats.Load() != 3 {
		t.Errorf("a chat of 3 messages shows %d after the restart", chats.Load())
	}
}

// Two processes that open a thread at the same moment agree afterwards.
func TestProcessesAgreeOnTheCurrentInteraction(t *testing.T) {
	addr := ingesttest.Broker(t)
	a, b := ingesttest.On(t, addr, ingest.SessionsConfig{}, nil), ingesttest.On(t, addr, ingest.SessionsConfig{}, nil)
	var wg sync.WaitGroup
	for i, k := range []*ingesttest.Kit{a, b} {
		wg.Go(func() { accept(t, k.Intake, said("+4930123456", fmt.Sprint("m", i), "hello")) })
	}
	wg.Wait()
	deadline := time.Now().Add(ingesttest.Patience)
	for {
		x := accept(t, a.Intake, said("+4930123456", fmt.Sprint("a", time.Now().UnixNano()), "x"))[0]
		y := accept(t, b.Intake, said("+4930123456", fmt.Sprint("b", time.Now().UnixNano()), "y"))[0]
		if x.Interaction == y.Interaction {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the processes never agree")
		}
	}
}

func TestMaxSessionsEndsTheLongestSilent(t *testing.T) {
	k := ingesttest.New(t, ingest.SessionsConfig{MaxSessions: 3, SweepEvery: time.Hour})
	var first ingest.Receipt
	for i := range 5 {
		r := accept(t, k.Intake, said(fmt.Sprintf("+4930123%03d", i), fmt.Sprint("m", i), "hello"))[0]
		if i == 0 {
			first = r
		}
	}
	n, err := k.Intake.Sessions().Sweep(ingesttest.Deadline(t), k.Bus)
	if err != nil || n != 2 || k.Intake.Sessions().Open() != 3 {
		t.Fatalf("ended %d, %d are open, %v", n, k.Intake.Sessions().Open(), err)
	}
	if i, ok := k.Intake.Sessions().Find(first.Interaction); !ok || !i.Ended {
		t.Errorf("the longest silent one is %+v", i)
	}
}

func TestHistoryStandsAlone(t *testing.T) {
	k := ingesttest.New(t, ingest.SessionsConfig{})
	live := accept(t, k.Intake, said("+4930123456", "now", "hello"))[0]
	old := func(id string, at time.Time) ingest.Arrival {
		a := said("+4930123456", id, "long ago")
		a.Turn.Historic, a.Turn.At = true, at
		return a
	}
	day := time.Date(2026, 5, 1, 8, 0, 0, 0, time.UTC)
	r := accept(t, k.Intake, old("h1", day), old("h2", day.Add(time.Hour)), old("h3", day.Add(24*time.Hour)))
	if r[0].Interaction != r[1].Interaction || r[0].Interaction == r[2].Interaction || r[0].Interaction == live.Interaction {
		t.Errorf("history is %+v beside %+v", r, live)
	}
	if next := accept(t, k.Intake, said("+4930123456", "now2", "so?"))[0]; next.Interaction != live.Interaction {
		t.Error("history took over the live conversation")
	}
	if got := k.Stored(t).Counts(); got != "turns=5 changes=5 identities=1 consents=0" {
		t.Errorf("stored %s", got)
	}
}

func TestTwoHandlesAreLinked(t *testing.T) {
	k := ingesttest.New(t, ingest.SessionsConfig{})
	a := said("+4930123456", "m1", "hello")
	a.Person.Handles = append(a.Person.Handles, event.Handle{Kind: event.WhatsAppID, Value: "DE.1349"})
	r := accept(t, k.Intake, a)[0]
	accept(t, k.Intake, said("+4930123456", "m2", "hello"))
	var into []event.Identity
	for _, i := range k.Stored(t).Identities {
		if i.Into != "" {
			into = append(into, i)
		}
	}
	if len(into) != 1 || into[0].Into != r.Customer || into[0].Customer != event.CustomerID("acme", a.Person.Handles[1]) {
		t.Errorf("links are %+v", into)
	}
}

// TestReleasedHandleBeginsAnew checks that whoever gets a number never writes
// into the conversation of the person before.
func TestReleasedHandleBeginsAnew(t *testing.T) {
	k := ingesttest.New(t, ingest.SessionsConfig{})
	before := accept(t, k.Intake, said("+4930123456", "m1", "hello"))[0]
	other := accept(t, k.Intake, said("+4930777777", "m2", "hello"))[0]
	released := ingest.Arrival{Tenant: "acme", Identity: &event.Identity{ID: "n_r", Customer: before.Customer, Released: true, At: time.Now()}}
	// In one webhook with its notice, as WhatsApp sends it.
	notice := said("+4930123456", "m3", "")
	notice.Turn.Kind, notice.Turn.Role = event.Notice, event.System
	accept(t, k.Intake, notice, released)
	after := accept(t, k.Intake, said("+4930123456", "m4", "hi, who is this?"))[0]
	if after.Customer != before.Customer || after.Interaction == before.Interaction {
		t.Errorf("after the release %+v, before %+v", after, before)
	}
	if again := accept(t, k.Intake, said("+4930777777", "m5", "still me"))[0]; again.Interaction != other.Interaction {
		t.Error("somebody else's conversation ended too")
	}
	ends := 0
	for _, c := range k.Stored(t).Changes {
		if c.Change == event.Ended && c.Interaction == before.Interaction && c.Reason == ingest.ReasonReleased {
			ends++
		}
	}
	if ends != 1 {
		t.Errorf("the conversation of the person before ended %d times", ends)
	}
}

func TestRefusals(t *testing.T) {
	k := ingesttest.New(t, ingest.SessionsConfig{})
	open := accept(t, k.Intake, said("+4930123456", "m1", "hello"))[0]
	turn := func(interaction string) *event.Turn {
		return &event.Turn{ID: "t_x", Kind: event.Text, Role: event.Agent, Interaction: interaction}
	}
	tests := []struct {
		name string
		a    ingest.Arrival
		want error
	}{
		{"nobody", ingest.Arrival{Tenant: "acme", Channel: event.SMS, Turn: turn("")}, ingest.ErrNobody},
		{"nothing", ingest.Arrival{Tenant: "acme"}, ingest.ErrNobody},
		{"stranger", ingest.Arrival{Tenant: "acme", Turn: turn("i_0")}, ingest.ErrNotOpen},
		{"other tenant", ingest.Arrival{Tenant: "evil", Turn: turn(open.Interaction)}, ingest.ErrNotOpen},
		{"end of a stranger", ingest.Arrival{Tenant: "acme", Change: &event.Interaction{Interaction: "i_0", Change: event.Ended}}, ingest.ErrNotOpen},
		{"consent of nobody", ingest.Arrival{Tenant: "acme", Consent: &event.Consent{ID: "k_1"}}, ingest.ErrNobody},
		{"identity of nobody", ingest.Arrival{Tenant: "acme", Identity: &event.Identity{ID: "n_1"}}, ingest.ErrNobody},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := k.Intake.Accept(ingesttest.Deadline(t), said("+4930777777", "first-"+tt.name, "hello"), tt.a)
			var refused *ingest.ArrivalError
			if !errors.Is(err, tt.want) || !errors.As(err, &refused) || refused.Index != 1 {
				t.Errorf("got %v, want %v at 1", err, tt.want)
			}
		})
	}
	if got := k.Stored(t).Counts(); got != "turns=1 changes=1 identities=1 consents=0" {
		t.Errorf("a refused call stored something: %s", got)
	}
}

func TestNotReadyBeforeTheTopicsAreRead(t *testing.T) {
	sessions := ingest.NewSessions(ingest.SessionsConfig{})
	gate, err := governance.NewGate(governance.Config{}, governance.NewLedger(governance.Config{}))
	if err != nil {
		t.Fatal(err)
	}
	n, err := ingest.NewIntake(ingest.Parts{Sessions: sessions, Gate: gate, Bus: &bus.Bus{}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := n.Accept(context.Background(), said("+4930123456", "m", "x")); !errors.Is(err, ingest.ErrNotReady) {
		t.Errorf("got %v", err)
	}
}

// The broker dies by kill -9 while messages come in: whatever was accepted is
// there afterwards, and what was not can be sent again.
func TestBrokerAwayLosesNothingAccepted(t *testing.T) {
	child := embeddedtest.Start(t, embedded.Config{})
	k := ingesttest.On(t, child.Addr(), ingest.SessionsConfig{}, nil)
	var accepted []string
	send := func(id string, within time.Duration) error {
		ctx, cancel := context.WithTimeout(context.Background(), within)
		defer cancel()
		r, err := k.Intake.Accept(ctx, said("+4930123456", id, "hello"))
		if err == nil {
			accepted = append(accepted, r[0].ID)
		}
		return err
	}
	if err := send("before", ingesttest.Patience); err != nil {
		t.Fatal(err)
	}
	child.Kill()
	if err := send("during", 300*time.Millisecond); err == nil {
		t.Fatal("accepted without a broker")
	}
	if err := child.Restart(ingesttest.Deadline(t)); err != nil {
		t.Fatal(err)
	}
	ingesttest.Await(t, "the recovery", func() bool {
		return send("during", time.Second) == nil && send("after", time.Second) == nil
	})
	got := k.Stored(t)
	for _, id := range accepted {
		if !slices.ContainsFunc(got.Turns, func(t event.Turn) bool { return t.ID == id }) {
			t.Errorf("accepted turn %s is lost", id)
		}
	}
	if got.Counts() != "turns=3 changes=1 identities=1 consents=0" || len(got.Turns) != 3 || len(got.Changes) != 1 {
		t.Errorf("stored %s in %d turns and %d changes", got.Counts(), len(got.Turns), len(got.Changes))
	}
}

// A process that dies between the topics leaves a message without the start of
// its interaction. The provider's retry mends it, once.
func TestStartIsMended(t *testing.T) {
	addr := ingesttest.Broker(t)
	before := ingesttest.On(t, addr, ingest.SessionsConfig{}, nil)
	r := accept(t, before.Intake, said("+4930123456", "m1", "hello"))[0]
	other := ingesttest.Broker(t) // where only the turn arrived
	lost := ingesttest.Dial(t, other)
	if err := lost.Ensure(ingesttest.Deadline(t), event.All()...); err != nil {
		t.Fatal(err)
	}
	turns := event.Topic[event.Turn]{Source: event.Turns(), Key: func(t event.Turn) string { return t.Customer }}
	for _, turn := range before.Stored(t).Turns {
		if err := lost.Publish(ingesttest.Deadline(t), turns.Message(turn)); err != nil {
			t.Fatal(err)
		}
	}
	after := ingesttest.On(t, other, ingest.SessionsConfig{}, nil)
	for range 2 {
		if again := accept(t, after.Intake, said("+4930123456", "m1", "hello"))[0]; !again.Duplicate || again.Interaction != r.Interaction {
			t.Errorf("redelivered as %+v", again)
		}
	}
	if got := after.Stored(t); len(got.Turns) != 1 || len(got.Changes) != 1 {
		t.Errorf("stored %s", got.Counts())
	}
	if next := accept(t, after.Intake, said("+4930123456", "m2", "you?"))[0]; next.Interaction != r.Interaction {
		t.Error("the mended interaction is not the current one")
	}
}

func TestOptOutIsStoredWithTheMessage(t *testing.T) {
	k := ingesttest.New(t, ingest.SessionsConfig{})
	for range 2 {
		accept(t, k.Intake, said("+4930123456", "m1", "STOP"))
	}
	got := k.Stored(t)
	if len(got.Consents) != 1 || got.Consents[0].Allowed || got.Consents[0].Purpose != event.Market || len(got.Turns) != 1 {
		t.Errorf("consents are %+v", got.Consents)
	}
}
