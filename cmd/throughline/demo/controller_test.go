package demo

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"

	"throughline/bus"
	"throughline/event"
	"throughline/governance"
	"throughline/ingest/calls"
	"throughline/ingest/ingesttest"
	"throughline/ingest/rtp"
	"throughline/ingest/siprec"
	"throughline/media"
)

// recorder is the product's own recording server on a broker of its own.
type recorder struct {
	sip  string
	bus  *bus.Bus
	stop func() // says goodbye to the calls going on
}

func newRecorder(t *testing.T, cfg siprec.Config) recorder {
	t.Helper()
	b := ingesttest.Dial(t, ingesttest.Broker(t))
	if err := b.Ensure(ingesttest.Deadline(t), event.All()...); err != nil {
		t.Fatal(err)
	}
	ledger := governance.NewLedger(governance.Config{})
	gate, err := governance.NewGate(governance.Config{}, ledger)
	if err != nil {
		t.Fatal(err)
	}
	quiet := slog.New(slog.NewTextHandler(io.Discard, nil))
	door, err := calls.New(calls.Config{Node: "test"}, calls.Parts{Gate: gate, Consents: ledger, Bus: b, Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	ports, err := rtp.NewPorts(rtp.Config{First: -1, Listen: "127.0.0.1"}, nil, quiet)
	if err != nil {
		t.Fatal(err)
	}
	cfg.UDP, cfg.TCP = "off", "127.0.0.1:0"
	server, err := siprec.New(cfg, siprec.Parts{Door: door, Ports: ports, Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	serving, hangUp := context.WithCancel(context.Background())
	minding, forget := context.WithCancel(context.Background())
	served, minded := make(chan error, 1), make(chan error, 1)
	go func() { served <- server.Run(serving) }()
	go func() { minded <- door.Run(minding) }()
	t.Cleanup(func() {
		hangUp()
		forget()
		if err := errors.Join(<-served, <-minded); err != nil {
			t.Error(err)
		}
	})
	return recorder{sip: server.Addr("tcp"), bus: b, stop: hangUp}
}

// short is a call of half a second.
func short() recording {
	said := func(b byte) []byte { return bytes.Repeat([]byte{b}, bandwidth/2) }
	return recording{session: "drun00001-short", number: "+15551230001", line: "15550100200", agent: "a-121", customer: said(0x11), heard: said(0x22)}
}

func newPhones(t *testing.T, sip string) *controller {
	t.Helper()
	c, err := newController(sip)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.close)
	return c
}

// TestACallIsRecorded plays a call to the real recording server and reads from
// Kafka who called, who answered, and every sample of both.
func TestACallIsRecorded(t *testing.T) {
	r := newRecorder(t, siprec.Config{RequireSIPREC: true})
	began := time.Now()
	if err := newPhones(t, r.sip).record(ingesttest.Deadline(t), short()); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took < 450*time.Millisecond {
		t.Errorf("half a second was played in %v", took)
	}
	var started, ended event.Interaction
	ingesttest.Await(t, "the end of the call", func() bool {
		for _, i := range ingesttest.All(t, r.bus, event.Interactions().Source) {
			switch i.Change {
			case event.Started:
				started = i
			case event.Ended:
				ended = i
			}
		}
		return ended.ID != ""
	})
	if started.Attrs["session"] != "drun00001-short" || started.Channel != event.Voice || started.Direction != "inbound" {
		t.Errorf("started as %+v", started)
	}
	if want := event.ID("c", started.Tenant, string(event.Phone), "+15551230001"); started.Customer != want {
		t.Errorf("the customer is %s, want %s", started.Customer, want)
	}
	if ended.Interaction != started.Interaction {
		t.Error("the call did not end")
	}
	heard := map[event.Role][]byte{}
	ingesttest.Await(t, "the last audio of both", func() bool {
		clear(heard)
		over := 0
		for _, a := range ingesttest.All(t, r.bus, event.Audio().Source) {
			var c media.Chunk
			if err := c.UnmarshalBinary(a.Payload); err != nil {
				t.Fatal(err)
			}
			for _, p := range c.Parts {
				heard[a.Role] = append(heard[a.Role], p.Payload...)
			}
			if a.Last {
				over++
			}
		}
		return over == 2
	})
	if !bytes.Equal(heard[event.Customer], short().customer) || !bytes.Equal(heard[event.Agent], short().heard) {
		t.Errorf("heard %d bytes of the customer and %d of the agent", len(heard[event.Customer]), len(heard[event.Agent]))
	}
}

func TestARecordingServerThatRefuses(t *testing.T) {
	r := newRecorder(t, siprec.Config{Peers: []string{"192.0.2.0/24"}})
	err := newPhones(t, r.sip).record(ingesttest.Deadline(t), short())
	if err == nil || !strings.Contains(err.Error(), "403") {
		t.Errorf("ends with %v", err)
	}
}

func TestARecordingServerThatHangsUp(t *testing.T) {
	r := newRecorder(t, siprec.Config{})
	long := short()
	long.customer = bytes.Repeat(long.customer, 120)
	hung := make(chan struct{})
	go func() {
		defer close(hung)
		defer r.stop()
		ingesttest.Await(t, "the beginning of the call", func() bool { return len(ingesttest.All(t, r.bus, event.Audio().Source)) > 0 })
	}()
	defer func() { <-hung }()
	if err := newPhones(t, r.sip).record(ingesttest.Deadline(t), long); !errors.Is(err, errHungUp) {
		t.Errorf("ends with %v", err)
	}
}

func TestACallThatWeEnd(t *testing.T) {
	r := newRecorder(t, siprec.Config{})
	long := short()
	long.customer = bytes.Repeat(long.customer, 120)
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	began := time.Now()
	if err := newPhones(t, r.sip).record(ctx, long); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) > 3*answerWithin {
		t.Errorf("ends with %v after %v", err, time.Since(began))
	}
	for _, i := range ingesttest.All(t, r.bus, event.Interactions().Source) {
		if i.Change == event.Failed {
			t.Error("we said goodbye, and the call failed")
		}
	}
}

func TestNobodyAnswers(t *testing.T) {
	err := newPhones(t, "127.0.0.1:1").record(ingesttest.Deadline(t), short())
	if err == nil {
		t.Error("nobody is there, and the call was played")
	}
	for _, address := range []string{"", "sip.example:5060", "127.0.0.1"} {
		if _, err := newController(address); err == nil || !strings.Contains(err.Error(), "SIP must be") {
			t.Errorf("%q gives %v", address, err)
		}
	}
	c := newPhones(t, "0.0.0.0:5060")
	if c.server != netip.MustParseAddrPort("127.0.0.1:5060") {
		t.Errorf("a server on every address is called at %v", c.server)
	}
}
