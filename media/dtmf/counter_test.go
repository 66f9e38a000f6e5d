package dtmf

import (
	"errors"
	"testing"
)

func TestCounter(t *testing.T) {
	key := []byte{5, 0x0a, 0, 160}
	end := []byte{5, 0x8a, 3, 32}
	steps := []struct {
		name      string
		timestamp uint32
		payload   []byte
		begins    bool
		count     int
	}{
		{"first press, before the clock wraps", 0xffffff00, key, true, 1},
		{"its update", 0xffffff00, key, false, 1},
		{"its end", 0xffffff00, end, false, 1},
		{"its end again", 0xffffff00, end, false, 1},
		{"second press, after the wrap", 0x200, key, true, 2},
		{"a late packet of the first", 0xffffff00, end, false, 2},
		{"flash hook is not a key", 0x900, []byte{16, 0, 0, 0}, false, 2},
		{"a packet with redundancy behind it", 0x1200, append(key[:4:4], key...), true, 3},
	}
	var c Counter
	for _, s := range steps {
		begins, err := c.Observe(s.timestamp, s.payload)
		if err != nil || begins != s.begins || c.Count() != s.count {
			t.Errorf("%s: begins %v, count %d, %v", s.name, begins, c.Count(), err)
		}
	}
	c.Restart()
	if begins, _ := c.Observe(1, key); !begins || c.Count() != 4 {
		t.Error("a new source's first press was not counted")
	}
	for n := range key {
		if _, err := c.Observe(0x9000, key[:n]); !errors.Is(err, ErrEvent) {
			t.Errorf("%d octets were taken: %v", n, err)
		}
	}
}

func FuzzObserve(f *testing.F) {
	f.Add(uint32(0), []byte{1, 2, 3, 4})
	f.Fuzz(func(t *testing.T, timestamp uint32, payload []byte) {
		var c Counter
		c.Observe(timestamp, payload)
		if again, _ := c.Observe(timestamp, payload); again || c.Count() > 1 {
			t.Error("one timestamp counted twice")
		}
	})
}
