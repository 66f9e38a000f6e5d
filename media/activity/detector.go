package activity

import (
	"fmt"
	"math"
	"time"

	"throughline/media"
)

const (
	frameTime = 20 * time.Millisecond
	// onset is how long sound must last to count: clicks and key taps are shorter.
	onset = 60 * time.Millisecond
	// hangover bridges the closures of stop consonants and short breaths.
	hangover = 300 * time.Millisecond
	// aboveFloor is how far, in dB, sound must stand above the line's noise.
	aboveFloor = 10
	// quietest and loudest bound the noise floor, in dB of full scale. Digital silence has no level;
	// a floor above −40 dB would be speech mistaken for noise.
	quietest, loudest = -65, -40
	// assumed is the floor until one window has been heard: a usual telephone line's.
	assumed = -55
	// floorWindow is how far back the least level is sought: people pause within it.
	floorWindow = 3 * time.Second
)

// Interval is a stretch of sound.
type Interval struct {
	Begin, End time.Duration
	Level      float64 // dB of full scale, mean power of its sounding frames
	Open       bool    // it still goes on
}

// Detector follows one leg. It is a link at a chain's end, for one goroutine.
type Detector struct {
	rate    int
	size    int // samples of a frame
	deliver func(Interval) error

	begun    bool
	at       time.Duration // media time of the frame being filled
	filled   int
	power    float64
	floor    [2]float64 // least level of the window before, and of the one at hand
	window   time.Duration
	sounding time.Duration // unbroken, up to now
	quiet    time.Duration // unbroken, up to now
	open     bool
	begin    time.Duration
	last     time.Duration // end of the newest sounding frame
	energy   float64
	frames   int
}

// NewDetector delivers intervals of audio at a rate: each once it has ended. While one goes on, ask
// Current.
func NewDetector(rate int, deliver func(Interval) error) (*Detector, error) {
	if rate < 4000 || rate > 192000 {
		return nil, fmt.Errorf("new detector: %d Hz: %w", rate, media.ErrRate)
	}
	d := &Detector{rate: rate, size: rate / 50, deliver: deliver}
	d.floor = [2]float64{assumed, 0}
	return d, nil
}

// Rate is the sample rate that WritePCM takes.
func (d *Detector) Rate() int { return d.rate }

// String prints the end of a chain.
func (d *Detector) String() string { return fmt.Sprintf("activity at %d Hz", d.rate) }

// Current is the interval that goes on now, if one does.
func (d *Detector) Current() (Interval, bool) {
	return d.interval(true), d.open
}

// Silent is how long the leg has been without sound, in its media time. A leg that has never
// sounded has been silent since its beginning.
func (d *Detector) Silent() time.Duration {
	if d.open {
		return 0
	}
	return d.at - d.last
}

// WritePCM takes a block. Sound that was invented to bridge a loss neither begins nor carries an
// interval; a hole in media time ends one.
func (d *Detector) WritePCM(b media.Block) error {
	if hole := b.Offset - d.now(); d.begun && hole > frameTime {
		d.filled, d.power = 0, 0
		if err := d.close(); err != nil {
			return err
		}
		d.at = b.Offset
	}
	if !d.begun {
		d.begun = true
		d.at, d.last = b.Offset, b.Offset
	}
	for _, v := range b.Samples {
		if b.Origin == media.Heard {
			d.power += float64(v) * float64(v)
		}
		if d.filled++; d.filled == d.size {
			if err := d.frame(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (d *Detector) now() time.Duration {
	return d.at + media.TicksDuration(int64(d.filled), d.rate)
}

// frame judges 20 ms.
func (d *Detector) frame() error {
	power := d.power / float64(d.size) / (32768 * 32768)
	level := max(10*math.Log10(power+1e-12), quietest)
	d.power, d.filled = 0, 0
	begin := d.at
	d.at += frameTime
	loud := level > d.noise()+aboveFloor
	d.learn(level)
	if !loud {
		d.sounding = 0
		d.quiet += frameTime
		if d.open && d.quiet >= hangover {
			return d.close()
		}
		return nil
	}
	if d.sounding == 0 && !d.open {
		d.begin, d.energy, d.frames = begin, 0, 0
	}
	d.sounding += frameTime
	d.quiet = 0
	d.energy += power
	d.frames++
	if d.open || d.sounding >= onset {
		d.open = true
		d.last = d.at
	}
	return nil
}

// noise is the line's noise floor.
func (d *Detector) noise() float64 {
	return min(max(min(d.floor[0], d.floor[1]), quietest), loudest)
}

// learn keeps the least level of two windows, so that the floor follows a line that grows noisier
// within two of them and one that grows quieter at once.
func (d *Detector) learn(level float64) {
	d.floor[1] = min(d.floor[1], level)
	if d.window += frameTime; d.window >= floorWindow {
		d.floor = [2]float64{d.floor[1], 0}
		d.window = 0
	}
}

func (d *Detector) interval(open bool) Interval {
	return Interval{Begin: d.begin, End: d.last, Level: 10 * math.Log10(d.energy/float64(max(d.frames, 1))+1e-12), Open: open}
}

// close ends the interval that goes on.
func (d *Detector) close() error {
	d.sounding = 0
	if !d.open {
		return nil
	}
	d.open = false
	d.quiet = 0
	if err := d.deliver(d.interval(false)); err != nil {
		return fmt.Errorf("deliver interval: %w", err)
	}
	return nil
}

// Close ends the leg.
func (d *Detector) Close() error { return d.close() }
