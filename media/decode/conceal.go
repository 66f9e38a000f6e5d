package decode

import (
	"math"
)

// concealer bridges short losses by repeating the last pitch period and fading it out, an outline
// of ITU-T G.711 appendix I: full level for 10 ms, 20 % less every further 10 ms, silent after
// 60 ms. It works at any rate and on any codec's output.
type concealer struct {
	rate    int
	history []int16 // the newest samples, at most keep()
	period  []float32
	at      int // samples invented since the loss began
}

// keep is 48.75 ms of history, as in appendix I: 15 ms of lag, 20 ms to compare, and some.
func (c *concealer) keep() int { return c.rate * 4875 / 100000 }

// reach is how long the concealment can be heard.
func (c *concealer) reach() int { return c.rate * 60 / 1000 }

// push remembers good samples.
func (c *concealer) push(samples []int16) {
	keep := c.keep()
	if len(samples) >= keep {
		c.history = append(c.history[:0], samples[len(samples)-keep:]...)
		return
	}
	if over := len(c.history) + len(samples) - keep; over > 0 {
		c.history = c.history[:copy(c.history, c.history[over:])]
	}
	c.history = append(c.history, samples...)
}

// forget ends a loss that was too long to bridge.
func (c *concealer) forget() {
	c.history = c.history[:0]
	c.period = c.period[:0]
	c.at = 0
}

// conceal appends up to n invented samples; fewer when the fade has ended or nothing is known.
func (c *concealer) conceal(dst []int16, n int) []int16 {
	if len(c.period) == 0 && !c.prepare() {
		return dst
	}
	for range min(n, c.reach()-c.at) {
		dst = append(dst, c.next())
	}
	return dst
}

// next is one invented sample.
func (c *concealer) next() int16 {
	v := c.period[c.at%len(c.period)] * c.gain(c.at)
	c.at++
	return int16(v)
}

func (c *concealer) gain(at int) float32 {
	full := c.rate / 100
	return min(max(1-0.2*float32(at-full)/float32(full), 0), 1)
}

// join blends the end of a bridged loss into the first 4 ms of good samples.
func (c *concealer) join(samples []int16) {
	if len(c.period) == 0 {
		return
	}
	n := min(c.rate/250, len(samples), c.reach()-c.at)
	for i := range n {
		w := float32(i+1) / float32(n+1)
		samples[i] = int16(float32(samples[i])*w + float32(c.next())*(1-w))
	}
	c.period = c.period[:0]
	c.at = 0
}

// prepare finds the pitch period and makes one that joins its own beginning: its last quarter is
// blended into the samples that came before its first.
func (c *concealer) prepare() bool {
	lag := c.pitch()
	if lag == 0 {
		return false
	}
	h := c.history
	begin := len(h) - lag
	c.period = c.period[:0]
	for _, s := range h[begin:] {
		c.period = append(c.period, float32(s))
	}
	quarter := min(lag/4, begin)
	for i := range quarter {
		w := float32(i+1) / float32(quarter+1)
		k := lag - quarter + i
		c.period[k] = c.period[k]*(1-w) + float32(h[begin-quarter+i])*w
	}
	c.at = 0
	return true
}

// pitch is the lag of 5 to 15 ms (200 to 66 Hz) at which the last 20 ms resemble what came before
// them most, by normalised correlation. It is 0 when too little is known or it was silence.
func (c *concealer) pitch() int {
	h := c.history
	low, high, span := c.rate*5/1000, c.rate*15/1000, c.rate*20/1000
	if len(h) < high+span {
		return 0
	}
	// Above 16 kHz every second or third sample is enough to find a period.
	step := max(c.rate/16000, 1)
	recent := h[len(h)-span:]
	best, bestLag := 0.0, 0
	for lag := low; lag <= high; lag++ {
		before := h[len(h)-span-lag:]
		var cross, energy float64
		for i := 0; i < span; i += step {
			cross += float64(recent[i]) * float64(before[i])
			energy += float64(before[i]) * float64(before[i])
		}
		if cross <= 0 || energy == 0 {
			continue
		}
		if score := cross / math.Sqrt(energy); score > best {
			best, bestLag = score, lag
		}
	}
	if bestLag == 0 {
		for _, s := range recent {
			if s != 0 {
				return high // noise, without a period of its own
			}
		}
	}
	return bestLag
}
