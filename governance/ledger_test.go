package governance

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"throughline/event"
)

func TestLedgerOrder(t *testing.T) {
	at := func(s int) time.Time { return time.Unix(int64(s), 0) }
	say := func(id string, channel event.Channel, allowed bool, s int) event.Consent {
		return event.Consent{ID: id, Tenant: "a", Customer: "c", Purpose: event.Market, Channel: channel, Allowed: allowed, At: at(s)}
	}
	for _, c := range []struct {
		name string
		said []event.Consent
		want bool
	}{
		{"later withdrawal", []event.Consent{say("1", "", true, 1), say("2", "", false, 2)}, false},
		{"later grant", []event.Consent{say("1", "", false, 1), say("2", "", true, 2)}, true},
		{"tie refuses", []event.Consent{say("2", "", true, 1), say("1", "", false, 1)}, false},
		{"channel beats general", []event.Consent{say("1", event.SMS, false, 1), say("2", "", true, 2)}, false},
		{"channel grant beats older refusal", []event.Consent{say("1", "", false, 1), say("2", event.SMS, true, 2)}, true},
		{"later general withdrawal beats channel grant", []event.Consent{say("1", event.SMS, true, 1), say("2", "", false, 2)}, false},
		{"another channel", []event.Consent{say("1", event.Email, false, 1)}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := len(c.said)
			// Any order and repetition gives the same answer.
			for _, order := range [][]int{{0, 1}, {1, 0}, {0, 1, 0}, {1, 0, 1}} {
				l := NewLedger(Config{})
				for _, i := range order {
					if err := l.Apply(c.said[i%n]); err != nil {
						t.Fatal(err)
					}
				}
				if got, why := l.Allowed("a", "c", event.Market, event.SMS); got != c.want {
					t.Errorf("order %v: %v (%s)", order, got, why)
				}
			}
		})
	}
}

func TestLedgerForgetsOnTombstone(t *testing.T) {
	l := NewLedger(Config{})
	c := event.Consent{Tenant: "a", Customer: "c", Purpose: event.Market}
	_ = l.Apply(c)
	if ok, _ := l.Allowed("a", "c", event.Market, event.SMS); ok {
		t.Fatal("withdrawn and allowed")
	}
	l.Forget(c.Key())
	if ok, why := l.Allowed("a", "c", event.Market, event.SMS); !ok || why != "not refused" {
		t.Errorf("%v %s", ok, why)
	}
}

func TestLedgerNeverForgetsARefusal(t *testing.T) {
	l := NewLedger(Config{Consents: 3})
	for i := range 3 {
		if err := l.Apply(event.Consent{Tenant: "a", Customer: fmt.Sprint(i), Purpose: event.Market, Allowed: i == 0}); err != nil {
			t.Fatal(err)
		}
	}
	if ok, _ := l.Allowed("a", "new", event.Market, event.SMS); !ok {
		t.Error("refused before anything was lost")
	}
	if err := l.Apply(event.Consent{Tenant: "a", Customer: "3", Purpose: event.Market}); !errors.Is(err, ErrLedgerFull) {
		t.Errorf("got %v", err)
	}
	for customer, want := range map[string]bool{"0": true, "1": false, "3": false, "new": false} {
		if ok, why := l.Allowed("a", customer, event.Market, event.SMS); ok != want {
			t.Errorf("%s: %v (%s)", customer, ok, why)
		}
	}
}
