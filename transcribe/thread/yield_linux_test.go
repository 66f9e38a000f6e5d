package thread_test

import (
	"testing"

	"golang.org/x/sys/unix"

	"throughline/transcribe/thread"
)

func niceness() int {
	p, err := unix.Getpriority(unix.PRIO_PROCESS, unix.Gettid())
	if err != nil {
		return -1
	}
	return 20 - p
}

// Who asks keeps its priority; who does it yields.
func TestCrewYields(t *testing.T) {
	before := niceness()
	c := thread.NewCrew(2)
	for range 10 {
		var got int
		c.Do(func() { got = niceness() })
		if want := min(before+thread.Yielding, 19); got != want {
			t.Errorf("the crew runs at %d, want %d", got, want)
		}
	}
	c.Close()
	others := make(chan int)
	for range 20 {
		go func() { others <- niceness() }()
	}
	for range 20 {
		if n := <-others; n != before {
			t.Fatalf("another goroutine runs at %d, want %d", n, before)
		}
	}
}
