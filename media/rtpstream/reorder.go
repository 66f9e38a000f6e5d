package rtpstream

import "time"

// window is how many packets may stand behind a hole. It is a power of two, and at 20 ms it is
// longer than any wait.
const window = 64

// reorder holds packets that came before their turn. Slots are found by the low bits of the
// extended sequence number. A packet that comes in its turn never enters, so the usual packet is
// not copied.
type reorder struct {
	started bool
	head    int64 // the number to be written next
	waiting int   // packets held
	wait    time.Duration
	slots   [window]packet
	done    [window]int64 // the number last written from this slot, plus one; 0 for none

	holes   int64 // runs of consecutive missing packets
	missing int64
}

func (o *reorder) restart() {
	o.started = false
	o.done = [window]int64{}
}

func slot(n int64) int { return int(n & (window - 1)) }

// written says whether a number not far below head was written, and not given up.
func (o *reorder) written(n int64) bool { return n >= 0 && o.done[slot(n)] == n+1 }

// keep copies a packet that came before its turn. It reports false when it is here already.
func (o *reorder) keep(n int64, p *packet) bool {
	s := &o.slots[slot(n)]
	if s.held {
		return false
	}
	kept := append(s.payload[:0], p.payload...)
	*s = *p
	s.payload = kept
	s.held = true
	o.waiting++
	return true
}

// oldest is the arrival of the packet that has waited longest.
func (o *reorder) oldest() time.Duration {
	first := time.Duration(1<<63 - 1)
	for i := range o.slots {
		if o.slots[i].held {
			first = min(first, o.slots[i].arrival)
		}
	}
	return first
}

// skip gives up on everything before the lowest packet held, and gives the number of packets
// given up.
func (o *reorder) skip() int64 {
	from := o.head
	for !o.slots[slot(o.head)].held {
		o.done[slot(o.head)] = 0
		o.head++
	}
	o.holes++
	o.missing += o.head - from
	return o.head - from
}

// pass marks the head as written.
func (o *reorder) pass() {
	o.done[slot(o.head)] = o.head + 1
	o.head++
}

// burst is BurstR of ITU-T G.107 §3.5: the mean length of a loss run over what random loss of the
// same share would give.
func (o *reorder) burst(share float64) float64 {
	if o.holes == 0 || share >= 1 {
		return 1
	}
	return max(float64(o.missing)/float64(o.holes)*(1-share), 1)
}

// place puts a packet at its number: it is written when its turn has come, else held.
func (r *Receiver) place(n int64, p *packet, misplaced bool) error {
	o := &r.order
	if !o.started {
		o.started = true
		o.head = n
	}
	switch ahead := n - o.head; {
	case ahead < 0 && ahead > -window && o.written(n):
		r.stats.Repeated++
		return nil
	case ahead < 0:
		r.stats.Late++
		return nil
	}
	// A hole wider than the window cannot fill in time: go on from what is here.
	for n-o.head >= window {
		if o.waiting > 0 {
			if err := r.skipHole(); err != nil {
				return err
			}
			continue
		}
		lost := n - o.head
		o.holes++
		o.missing += lost
		r.stats.Missing += lost
		o.head = n
		if err := r.write(p, lost); err != nil {
			return err
		}
		o.pass()
		return nil
	}
	if n == o.head {
		if misplaced {
			r.stats.Reordered++
		}
		if err := r.write(p, 0); err != nil {
			return err
		}
		o.pass()
		return r.release()
	}
	if !o.keep(n, p) {
		r.stats.Repeated++
		return nil
	}
	if misplaced {
		r.stats.Reordered++
	}
	return nil
}

// release writes the packets held right behind the head.
func (r *Receiver) release() error {
	o := &r.order
	for o.waiting > 0 {
		s := &o.slots[slot(o.head)]
		if !s.held {
			return nil
		}
		s.held = false
		o.waiting--
		err := r.write(s, 0)
		o.pass()
		if err != nil {
			return err
		}
	}
	return nil
}

// skipHole gives up on the packets missing before the lowest one held, and writes from there.
func (r *Receiver) skipHole() error {
	lost := r.order.skip()
	r.stats.Missing += lost
	r.timeline.lost += lost
	return r.release()
}

// drain writes everything held, holes and all.
func (r *Receiver) drain() error {
	for r.order.waiting > 0 {
		if err := r.skipHole(); err != nil {
			return err
		}
	}
	return nil
}
