package outgoing

import (
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"throughline/event"
)

// TestMisbehavingTargets plays each fault on the first attempts of three events
// of one customer: what is accepted comes in order, whatever the fault.
func TestMisbehavingTargets(t *testing.T) {
	times := func(n int, fault func(w http.ResponseWriter)) func(http.ResponseWriter, *http.Request, Notice) bool {
		var played atomic.Int64
		return func(w http.ResponseWriter, _ *http.Request, _ Notice) bool {
			if played.Add(1) > int64(n) {
				return false
			}
			fault(w)
			return true
		}
	}
	status := func(code int) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) { w.WriteHeader(code) }
	}
	for name, c := range map[string]struct {
		fault    func(http.ResponseWriter, *http.Request, Notice) bool
		accepted int
		aside    string        // what the reason of the first that is set aside says
		least    time.Duration // until all is settled
		most     time.Duration
	}{
		"none":        {nil, 3, "", 0, time.Second},
		"drops":       {times(3, func(http.ResponseWriter) { panic(http.ErrAbortHandler) }), 3, "", 0, 10 * time.Second},
		"500":         {times(3, status(500)), 3, "", 0, 10 * time.Second},
		"408 and 425": {times(2, status(425)), 3, "", 0, 10 * time.Second},
		"slow":        {times(1, func(http.ResponseWriter) { time.Sleep(DefaultTimeout + time.Second) }), 3, "", DefaultTimeout, 20 * time.Second},
		"redirect":    {times(2, func(w http.ResponseWriter) { w.Header().Set("Location", "http://elsewhere.test/"); w.WriteHeader(307) }), 3, "", 0, 10 * time.Second},
		"429 for 2 m": {times(1, func(w http.ResponseWriter) { w.Header().Set("Retry-After", "120"); w.WriteHeader(429) }), 3, "", 2 * time.Minute, 121 * time.Second},
		"503 until then": {times(1, func(w http.ResponseWriter) {
			w.Header().Set("Retry-After", time.Now().Add(time.Minute).UTC().Format(http.TimeFormat))
			w.WriteHeader(503)
		}), 3, "", 59 * time.Second, 65 * time.Second},
		"429 for a year":  {times(1, func(w http.ResponseWriter) { w.Header().Set("Retry-After", "31536000"); w.WriteHeader(429) }), 3, "", time.Hour, time.Hour + time.Second},
		"404":             {times(1, status(404)), 2, "refused: answered 404", 0, time.Second},
		"code of Slack":   {times(1, func(w http.ResponseWriter) { w.WriteHeader(400); _, _ = w.Write([]byte("invalid_payload")) }), 2, "answered 400: invalid_payload", 0, time.Second},
		"quotes the body": {times(1, func(w http.ResponseWriter) { w.WriteHeader(400); _, _ = w.Write([]byte("bad title: My name is Bond")) }), 2, "answered 400", 0, time.Second},
		"endless answer": {times(1, func(w http.ResponseWriter) {
			w.WriteHeader(200)
			for range 1000 {
				if _, err := w.Write(make([]byte, 4096)); err != nil {
					return
				}
			}
		}), 2, "", 0, 20 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := &receiver{behave: c.fault}
				to := piped(t, r, Target{Include: []string{"title"}})
				began := time.Now()
				aside := handle(t.Context(), newShard(to), records(0, alert("c", 1, began), alert("c", 2, began), alert("c", 3, began)))
				took := time.Since(began)
				if r.count() != c.accepted || r.repeats != 0 {
					t.Errorf("%d accepted, %d repeated, want %d", r.count(), r.repeats, c.accepted)
				}
				r.inOrder()
				if took < c.least || took > c.most {
					t.Errorf("took %v, want %v to %v", took, c.least, c.most)
				}
				if c.aside == "" && len(aside) > 0 || c.aside != "" && (len(aside) != 1 || !strings.Contains(aside[0].Error(), c.aside)) {
					t.Errorf("set aside %v, want %q", aside, c.aside)
				}
				for _, err := range aside {
					if strings.Contains(err.Error(), "Bond") || strings.Contains(err.Error(), "platform.test") {
						t.Errorf("the reason tells too much: %v", err)
					}
				}
			})
		})
	}
}

// TestAcceptedThenReset loses the answer of what was accepted: it comes again,
// with the same id, and order holds.
func TestAcceptedThenReset(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first := true
		var r *receiver
		r = &receiver{behave: func(_ http.ResponseWriter, _ *http.Request, n Notice) bool {
			if !first {
				return false
			}
			first = false
			r.take(n)
			panic(http.ErrAbortHandler)
		}}
		to := piped(t, r, Target{})
		now := time.Now()
		handle(t.Context(), newShard(to), records(0, alert("c", 1, now), alert("c", 2, now)))
		if r.count() != 2 || r.repeats != 1 {
			t.Errorf("%d accepted, %d repeated, want 2 and 1", r.count(), r.repeats)
		}
		r.inOrder()
	})
}

// TestGone: nothing more is sent, and what waits is neither lost nor kept beyond
// max_age.
func TestGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &receiver{behave: func(w http.ResponseWriter, _ *http.Request, _ Notice) bool { w.WriteHeader(410); return true }}
		to := piped(t, r, Target{})
		began := time.Now()
		aside := handle(t.Context(), newShard(to), records(0, alert("c", 1, began), alert("d", 1, began)))
		if len(r.attempts) > 2 || to.breaker.state() != 2 {
			t.Errorf("%d requests, state %v: want at most the ones under way, and gone", len(r.attempts), to.breaker.state())
		}
		if len(aside) != 2 || !strings.Contains(aside[0].Error(), "older than max_age") || time.Since(began) != DefaultMaxAge {
			t.Errorf("after %v set aside: %v; want both, at max_age", time.Since(began), aside)
		}
	})
}

// TestOneThatAlwaysFails holds up its customer and its batch for the patience
// of the target, and nobody else.
func TestOneThatAlwaysFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &receiver{behave: func(w http.ResponseWriter, _ *http.Request, n Notice) bool {
			if n.Customer != "poison" || n.Priority != 1 {
				return false
			}
			w.WriteHeader(500)
			return true
		}}
		to := piped(t, r, Target{})
		began := time.Now()
		aside := handle(t.Context(), newShard(to), records(0, alert("poison", 1, began), alert("well", 1, began), alert("poison", 2, began), alert("well", 2, began)))
		if len(aside) != 1 || !strings.Contains(aside[0].Error(), "while others were accepted: answered 500") {
			t.Fatalf("set aside %v", aside)
		}
		if took := time.Since(began); took < DefaultPatience || took > DefaultPatience+2*mostPause {
			t.Errorf("given up after %v, want the patience of %v", took, DefaultPatience)
		}
		if r.count() != 3 {
			t.Errorf("%d accepted, want 3", r.count())
		}
	})
}

// TestStale: what commands something is marked when it comes late, or set
// aside where the target asks for that; what only informs is neither.
func TestStale(t *testing.T) {
	for _, c := range []struct {
		action event.Action
		stale  string
		age    time.Duration
		marked bool
		aside  int
	}{
		{event.ActionRoute, "mark", 59 * time.Minute, false, 0},
		{event.ActionRoute, "mark", 61 * time.Minute, true, 0},
		{event.ActionEscalate, "refuse", 61 * time.Minute, false, 1},
		{event.ActionAlert, "refuse", 61 * time.Minute, false, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := &receiver{}
			to := piped(t, r, Target{Stale: c.stale})
			a := alert("c", 1, time.Now())
			a.Action = c.action
			time.Sleep(c.age)
			aside := handle(t.Context(), newShard(to), records(0, a))
			if len(aside) != c.aside || r.count() != 1-c.aside || r.count() == 1 && r.accepted[0].Stale != c.marked {
				t.Errorf("%s, %s, %v: set aside %v, accepted %+v", c.action, c.stale, c.age, aside, r.accepted)
			}
		})
	}
}

// TestWeWereAway: what is older than max_age because nobody was here to send it
// is sent at the target's rate, and set aside at once where the target is down.
func TestWeWereAway(t *testing.T) {
	for name, c := range map[string]struct {
		status          int
		accepted, aside int
	}{
		"target well": {204, 12, 0},
		"target down": {503, 0, 12},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := &receiver{behave: func(w http.ResponseWriter, _ *http.Request, _ Notice) bool {
					if c.status != 204 {
						w.WriteHeader(c.status)
					}
					return c.status != 204
				}}
				to := piped(t, r, Target{})
				var all []event.Alert
				for n := range 12 {
					all = append(all, alert(string(rune('a'+n%3)), n/3+1, time.Now()))
				}
				time.Sleep(DefaultMaxAge + time.Hour)
				began := time.Now()
				aside := handle(t.Context(), newShard(to), records(0, all...))
				if r.count() != c.accepted || len(aside) != c.aside || time.Since(began) > time.Minute {
					t.Errorf("%d accepted, %d set aside after %v, want %d and %d at once", r.count(), len(aside), time.Since(began), c.accepted, c.aside)
				}
				r.inOrder()
			})
		})
	}
}

// TestStopInBetween ends the context while a target hangs: nothing is settled
// that was not, and the target's breaker is not blamed.
func TestStopInBetween(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &receiver{behave: func(_ http.ResponseWriter, req *http.Request, _ Notice) bool { <-req.Context().Done(); return true }}
		to := piped(t, r, Target{})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		s := newShard(to)
		_, err := s.alerts(ctx, records(0, alert("c", 1, time.Now())))
		if err == nil || len(s.settled) != 0 || to.breaker.failures != 0 || to.breaker.busy != 0 {
			t.Errorf("error %v, settled %v, failures %d, busy %d", err, s.settled, to.breaker.failures, to.breaker.busy)
		}
	})
}
