package bus

import (
	"errors"
	"testing"
	"time"

	"throughline/event"
)

// TestRefusedCommitsBecomeRare: a broker whose disk is full for hours is asked
// now and then, and told of as seldom; once it takes commits again all is as before.
func TestRefusedCommitsBecomeRare(t *testing.T) {
	refuse, asked, told := true, 0, 0
	r := &partitionRun{
		stage: Stage{Name: "s", In: []Input{{topic: event.Spec{Name: "turns"}}}},
		done:  []int64{7}, committed: []int64{3},
		commit: func(next map[string]map[int]int64) error {
			if asked++; refuse {
				return errors.New("disk full")
			}
			if got := next["turns"][0]; got != 7 {
				t.Errorf("committed %d", got)
			}
			return nil
		},
	}
	report := func(string, ...any) { told++ }
	for try := range 12 {
		r.saveDue(report)
		if want := try + 1; asked != want || told != want {
			t.Fatalf("asked %d and told %d times, want %d", asked, told, want)
		}
		if wait := time.Until(r.until); wait > r.refused {
			t.Fatalf("waits %v, want %v at most", wait, r.refused)
		}
		r.until = time.Now().Add(time.Hour)
		if r.saveDue(report); asked != try+1 {
			t.Fatal("asked again before it was time")
		}
		r.until = time.Time{}
	}
	if r.refused != commitRetry {
		t.Errorf("after many refusals it waits %v, want %v", r.refused, commitRetry)
	}
	refuse = false
	if r.saveDue(report); r.refused != 0 || r.committed[0] != 7 {
		t.Errorf("after a commit it waits %v and has noted %d", r.refused, r.committed[0])
	}
}
