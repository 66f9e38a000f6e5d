package rtp

import (
	"context"
	"encoding/binary"
	"io"
	"log/slog"
	"testing"

	"throughline/bus"
	"throughline/event"
	"throughline/governance"
	"throughline/ingest/calls"
	"throughline/ingest/ingesttest"
)

func silent() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

// newDoor runs a door for calls until the test is over.
func newDoor(t testing.TB, p calls.Publisher, cfg calls.Config) *calls.Door {
	t.Helper()
	gate, err := governance.NewGate(governance.Config{}, governance.NewLedger(governance.Config{}))
	if err != nil {
		t.Fatal(err)
	}
	cfg.Node = "test"
	d, err := calls.New(cfg, calls.Parts{Gate: gate, Bus: p, Logger: silent()})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("calls: %v", err)
		}
	})
	return d
}

func newBus(t testing.TB) *bus.Bus {
	b := ingesttest.Dial(t, ingesttest.Broker(t))
	if err := b.Ensure(ingesttest.Deadline(t), event.All()...); err != nil {
		t.Fatal(err)
	}
	return b
}

func newPorts(t testing.TB, cfg Config) *Ports {
	t.Helper()
	if cfg.First == 0 {
		cfg.First = -1
	}
	cfg.Listen = "127.0.0.1"
	p, err := NewPorts(cfg, nil, silent())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func packet(seq uint16, ssrc uint32, pt byte, payload []byte) []byte {
	b := []byte{0x80, pt, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}
	binary.BigEndian.PutUint16(b[2:], seq)
	binary.BigEndian.PutUint32(b[4:], uint32(seq)*160)
	binary.BigEndian.PutUint32(b[8:], ssrc)
	return append(b, payload...)
}
