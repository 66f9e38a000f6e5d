package bus

import (
	"context"
	"runtime"
	"testing"
	"time"

	"throughline/event"
)

// On one processor others run as soon as a slice of work is over.
func TestPaceLetsOthersIn(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	let := 0
	for range 10 {
		var pace Pace
		pace.Step()
		in := make(chan struct{})
		go func() { close(in) }()
		for began := time.Now(); time.Since(began) < 2*sliceOfWork; {
		}
		pace.Step()
		select {
		case <-in:
			let++
		default:
		}
	}
	if let < 9 { // Go may have others in its queue
		t.Errorf("others were let in %d times of 10", let)
	}
}

// What came before its batch was full is decoded then, once, and what cannot be
// decoded is found when the batch is handled.
func TestBatchIsDecodedAhead(t *testing.T) {
	type number struct {
		N int `json:"n"`
	}
	src := event.Source[number]{Spec: event.Spec{Name: "numbers"}}
	sum := 0
	in := Batch(src, func(_ any, _ context.Context, recs []Record[number]) ([]event.Message, error) {
		for _, r := range recs {
			sum += r.Value.N
		}
		return nil, nil
	})
	run := &partitionRun{stage: Stage{In: []Input{in}}}
	f := fetched{recs: []raw{{value: []byte(`{"n":1}`)}, {value: []byte(`{"n":"two"}`)}, {value: []byte(`{"n":4}`)}}}
	run.decode(f)
	f.recs[2].value = []byte("read again")
	if _, err := in.handle(t.Context(), nil, []raw{f.recs[0], f.recs[2]}); err != nil || sum != 5 {
		t.Errorf("sum %d, %v", sum, err)
	}
	if _, err := in.handle(t.Context(), nil, f.recs[:2]); !IsPermanent(err) {
		t.Errorf("an event of another form: %v", err)
	}
}
