package outgoing

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"throughline/event"
)

// TestTargetDownForADay publishes alerts for 26 hours of which the target is
// down for 24, in three ways in turn: it answers 503, hangs, or hangs up.
// Nothing may be lost or repeated, each customer's order holds, the dead target
// is left alone but for probes, and what waited comes at the target's rate.
func TestTargetDownForADay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const (
			partitions, customers, each = 4, 40, 50
			rate, concurrency           = 20.0, 4
			day                         = 24 * time.Hour
		)
		began := time.Now()
		down, up := began.Add(time.Hour), began.Add(time.Hour+day)
		r := &receiver{behave: func(w http.ResponseWriter, req *http.Request, _ Notice) bool {
			now := time.Now()
			if now.Before(down) || !now.Before(up) {
				time.Sleep(rand.N(300 * time.Millisecond))
				return false
			}
			switch now.Hour() % 3 {
			case 0:
				w.WriteHeader(http.StatusServiceUnavailable)
			case 1:
				select {
				case <-req.Context().Done():
				case <-time.After(time.Minute):
				}
			case 2:
				panic(http.ErrAbortHandler)
			}
			return true
		}}
		to := piped(t, r, Target{Rate: rate, Concurrency: concurrency})
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		chance := rand.New(rand.NewPCG(1, 2))
		total := 0
		for p := range partitions {
			var all []event.Alert // in the order of time
			at := began
			for n := range each {
				for c := range customers / partitions {
					at = at.Add(time.Duration(chance.Int64N(int64(26 * time.Hour / (each * customers / partitions) * 2))))
					all = append(all, alert(fmt.Sprintf("c%d_%d", p, c), n+1, at))
				}
			}
			total += len(all)
			running.Go(func() {
				s := newShard(to)
				for next := 0; next < len(all) && ctx.Err() == nil; {
					if wait := time.Until(all[next].At); wait > 0 {
						time.Sleep(wait)
					}
					end := next + 1
					for end < len(all) && end-next < batch && !all[end].At.After(time.Now()) {
						end++
					}
					if aside := handle(ctx, s, records(next, all[next:end]...)); len(aside) > 0 {
						t.Errorf("set aside: %v", aside[0])
					}
					next = end
				}
			})
		}
		running.Wait()
		cancel()

		if r.count() != total || r.repeats != 0 {
			t.Errorf("%d of %d were accepted, %d of them more than once", r.count(), total, r.repeats)
		}
		r.inOrder()
		probes, burst, drained := 0, 0, time.Time{}
		for i, at := range r.attempts {
			if !at.Before(down) && at.Before(up) {
				probes++
			}
			if !at.Before(up) {
				window := 0
				for _, other := range r.attempts[i:] {
					if other.Sub(at) < time.Second {
						window++
					}
				}
				burst = max(burst, window)
			}
		}
		for _, n := range r.accepted {
			if n.At.Before(up) {
				drained = n.arrived
			}
		}
		if most := int(day/(mostPause/2)) * 2; probes > most {
			t.Errorf("the dead target was called %d times in a day, want at most %d", probes, most)
		}
		if burst > rate+1 || r.mostBusy > concurrency {
			t.Errorf("on return it was called up to %d times a second and %d at once, want at most %v and %d", burst, r.mostBusy, rate, concurrency)
		}
		if took := drained.Sub(up); took > 2*mostPause+time.Duration(total/rate)*time.Second {
			t.Errorf("what waited was delivered %v after the target was up again", took)
		}
		if len(to.waiting) != 0 {
			t.Errorf("%d are still counted as waiting", len(to.waiting))
		}
		t.Logf("%d events; %d requests while it was down; on return at most %d a second, %d at once; all that waited was there %v after it was up",
			total, probes, burst, r.mostBusy, drained.Sub(up).Round(time.Second))
	})
}
