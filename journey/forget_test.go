package journey

import (
	"context"
	"fmt"
	"testing"
	"time"

	"throughline/event"
)

// TestSilentCustomersAreForgotten lets 13 months pass.
func TestSilentCustomersAreForgotten(t *testing.T) {
	s, ctx := NewShard(Config{}), context.Background()
	for n, customer := range []string{"gone", "consented", "merged", "present"} {
		f := said(n, "i"+customer, event.WhatsApp, event.Customer, day, 0, "order_status")
		f.Turn.Customer = customer
		if _, err := s.Turn(ctx, f); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Consent(ctx, event.Consent{ID: "k", Tenant: "default", Customer: "consented", Purpose: event.AnalyseText, Allowed: true, At: day}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Identity(ctx, event.Identity{ID: "m", Tenant: "default", Customer: "merged", Into: "other", At: day}); err != nil {
		t.Fatal(err)
	}
	tick := func(now time.Time) (deleted []string) {
		msgs, err := s.Tick(ctx, now)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range msgs {
			if m.Topic.Name == event.Journeys().Name && m.Value == nil {
				deleted = append(deleted, m.Key)
			}
		}
		return deleted
	}
	year := day.AddDate(1, 0, 0)
	if gone := tick(year); len(gone) != 0 {
		t.Errorf("after a year %v are forgotten", gone)
	}
	f := said(9, "again", event.Email, event.Customer, year, 0, "order_status")
	f.Turn.Customer = "present"
	if _, err := s.Turn(ctx, f); err != nil {
		t.Fatal(err)
	}
	later := day.Add(DefaultForget + time.Hour)
	gone := tick(later)
	if len(gone) != 2 || s.Journey("gone") != nil || s.Journey("consented") != nil || s.Journey("present") == nil || s.customers["merged"] == nil {
		t.Errorf("forgotten: %v, in memory %d", gone, len(s.customers))
	}
	if c := s.customers["consented"]; c == nil || len(c.own.Consents) != 1 {
		t.Errorf("a consent is forgotten with the journey")
	}
	if more := tick(later.Add(2 * forgetEvery)); len(more) != 0 {
		t.Errorf("forgotten twice: %v", more)
	}
	f = said(10, "back", event.Voice, event.Customer, later, 0, "refund")
	f.Turn.Customer = "gone"
	msgs, err := s.Turn(ctx, f)
	if j := last(t, msgs, err); len(j.Interactions) != 1 || len(j.Past) != 0 {
		t.Errorf("who comes back has %d interactions and %d earlier journeys", len(j.Interactions), len(j.Past))
	}
}

// TestManyAreForgottenInRounds bounds what one tick does.
func TestManyAreForgottenInRounds(t *testing.T) {
	s, ctx := NewShard(Config{}), context.Background()
	const all = forgetAtOnce + 10
	for n := range all {
		f := said(n, fmt.Sprint("i", n), event.SMS, event.Customer, day, 0)
		f.Turn.Customer = fmt.Sprint("c", n)
		if _, err := s.Turn(ctx, f); err != nil {
			t.Fatal(err)
		}
	}
	now := day.Add(DefaultForget)
	if _, err := s.Tick(ctx, now); err != nil || len(s.customers) != all {
		t.Fatalf("%d of %d left, %v", len(s.customers), all, err)
	}
	for n, want := range []int{10, 0} {
		if _, err := s.Tick(ctx, now.Add(2*forgetEvery+time.Duration(n)*time.Second)); err != nil || len(s.customers) != want {
			t.Errorf("after round %d there are %d, want %d (%v)", n+1, len(s.customers), want, err)
		}
	}
}
