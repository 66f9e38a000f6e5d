package decode

import (
	"fmt"
	"time"

	"throughline/media"
	"throughline/media/codec"
	"throughline/media/resample"
)

// DefaultMaxFill is the longest gap that is filled with zeros. It is longer than any pause after
// which a recogniser ends an utterance, and far shorter than a hold.
const DefaultMaxFill = 5 * time.Second

// Config of a decoder. The zero value works.
type Config struct {
	// MaxFill is the longest gap that is filled; after a longer one the blocks' media time jumps.
	MaxFill time.Duration
}

// Stats counts what a decoder had to make up for.
type Stats struct {
	Chunks    int64
	Repeated  int64         // chunks that were there already: Kafka delivers at least once
	Missing   int64         // chunks that never came, by their sequence
	Undecoded int64         // payloads that the codec refused
	Concealed time.Duration // audio invented to bridge losses
	Filled    time.Duration // zeros written
}

// Decoder decodes one leg. It is for one goroutine.
type Decoder struct {
	cfg  Config
	sink media.PCMWriter

	format codec.Format
	codec  codec.Decoder
	link   media.PCMWriter // the sink, or a resampler before it
	flush  func() error
	bridge concealer

	started  bool
	sequence uint64
	base     time.Duration // media time where this run of one format began
	ticks    int64         // consumed since base
	samples  int64         // written since base, at the codec's rate

	buf   []int16
	zeros []int16
	stats Stats
}

// New gives a decoder that writes to sink at sink's rate.
func New(cfg Config, sink media.PCMWriter) (*Decoder, error) {
	if rate := sink.Rate(); rate < resample.MinRate || rate > resample.MaxRate {
		return nil, fmt.Errorf("new decoder: sink at %d Hz: %w", rate, media.ErrRate)
	}
	if cfg.MaxFill <= 0 {
		cfg.MaxFill = DefaultMaxFill
	}
	return &Decoder{cfg: cfg, sink: sink}, nil
}

// String prints the chain from here on.
func (d *Decoder) String() string {
	if d.codec == nil {
		return fmt.Sprintf("decoder → %v", d.sink)
	}
	return fmt.Sprintf("%v decoder → %v", d.codec, d.link)
}

// Stats gives the counts so far.
func (d *Decoder) Stats() Stats { return d.stats }

// Position is the media time up to which audio has been decoded.
func (d *Decoder) Position() time.Duration {
	return d.base + media.TicksDuration(d.ticks, d.format.ClockRate)
}

// WriteChunk decodes a chunk. One that lies wholly before Position is a repetition and is skipped;
// one that lies later leaves a loss. A format that cannot be decoded is codec.ErrUnsupported; any
// other error is the sink's.
func (d *Decoder) WriteChunk(c *media.Chunk) error {
	d.stats.Chunks++
	if err := c.Format.Validate(); err != nil {
		return fmt.Errorf("decode chunk: %w", err)
	}
	if len(c.Parts) == 0 {
		d.count(c)
		return nil
	}
	if d.started && c.End() <= d.Position()+slack {
		d.stats.Repeated++
		return nil
	}
	if !d.started || c.Format != d.format {
		if err := d.change(c); err != nil {
			return err
		}
	}
	d.count(c)
	if hole := c.Offset - d.Position(); hole > slack {
		if err := d.gap(media.Lost, media.DurationTicks(hole, d.format.ClockRate)); err != nil {
			return err
		}
	}
	at := c.Offset
	for i := range c.Parts {
		p := &c.Parts[i]
		at += media.TicksDuration(p.Gap.Ticks+int64(p.Ticks), c.Format.ClockRate)
		if at <= d.Position()+slack {
			continue // a repeated beginning
		}
		if err := d.part(p); err != nil {
			return err
		}
	}
	return nil
}

// slack is what two roundings of a time to nanoseconds and ticks may differ by.
const slack = 200 * time.Microsecond

// count follows the sequence of chunks.
func (d *Decoder) count(c *media.Chunk) {
	if d.started && c.Sequence > d.sequence+1 {
		d.stats.Missing += int64(c.Sequence - d.sequence - 1)
	}
	d.started = true
	d.sequence = c.Sequence
}

// change takes up a new format, or the first.
func (d *Decoder) change(c *media.Chunk) error {
	next, err := codec.NewDecoder(c.Format, d.sink.Rate())
	if err != nil {
		return fmt.Errorf("decode chunk: %w", err)
	}
	if err := d.Flush(); err != nil {
		return err
	}
	link, flush := d.sink, func() error { return nil }
	if next.Rate() != d.sink.Rate() {
		w, err := resample.NewWriter(next.Rate(), d.sink)
		if err != nil {
			return fmt.Errorf("decode chunk: %w", err)
		}
		link, flush = w, w.Flush
	}
	if d.codec == nil {
		d.base = c.Offset
	} else {
		d.base = d.Position()
	}
	d.ticks, d.samples = 0, 0
	d.codec, d.link, d.flush, d.format = next, link, flush, c.Format
	d.bridge = concealer{rate: next.Rate()}
	return nil
}

// part writes a gap and the payload after it.
func (d *Decoder) part(p *media.Part) error {
	if err := d.gap(p.Gap.Kind, p.Gap.Ticks); err != nil {
		return err
	}
	if p.Ticks == 0 {
		return nil
	}
	var err error
	if d.buf, err = d.codec.Decode(d.buf[:0], p.Payload); err != nil {
		d.stats.Undecoded++
		return d.gap(media.Lost, int64(p.Ticks))
	}
	d.ticks += int64(p.Ticks)
	want := d.due()
	for int64(len(d.buf)) < want {
		d.buf = append(d.buf, 0)
	}
	samples := d.buf[:max(want, 0)]
	d.bridge.join(samples)
	d.bridge.push(samples)
	return d.write(samples, media.Heard)
}

// due is how many samples are missing up to the ticks consumed. Counting from the base keeps
// roundings from adding up.
func (d *Decoder) due() int64 {
	rate, clock := int64(d.codec.Rate()), int64(d.format.ClockRate)
	whole, rest := d.ticks/clock, d.ticks%clock
	return whole*rate + rest*rate/clock - d.samples
}

// gap writes what stands in place of absent audio.
func (d *Decoder) gap(kind media.GapKind, ticks int64) error {
	if kind == media.NoGap || ticks <= 0 {
		return nil
	}
	d.ticks += ticks
	n := d.due()
	if media.TicksDuration(n, d.codec.Rate()) > d.cfg.MaxFill {
		// Nothing is written: the next block's media time says so.
		if err := d.Flush(); err != nil {
			return err
		}
		d.base, d.ticks, d.samples = d.Position(), 0, 0
		d.bridge.forget()
		return nil
	}
	if kind == media.Lost {
		d.buf = d.bridge.conceal(d.buf[:0], int(n))
		n -= int64(len(d.buf))
		d.stats.Concealed += media.TicksDuration(int64(len(d.buf)), d.codec.Rate())
		if err := d.write(d.buf, media.Concealed); err != nil {
			return err
		}
	}
	if n > 0 {
		d.bridge.forget()
	}
	d.stats.Filled += media.TicksDuration(n, d.codec.Rate())
	for n > 0 {
		if d.zeros == nil {
			d.zeros = make([]int16, 1600)
		}
		k := min(n, int64(len(d.zeros)))
		if err := d.write(d.zeros[:k], media.Filled); err != nil {
			return err
		}
		n -= k
	}
	return nil
}

func (d *Decoder) write(samples []int16, origin media.Origin) error {
	if len(samples) == 0 {
		return nil
	}
	at := d.base + media.TicksDuration(d.samples, d.codec.Rate())
	d.samples += int64(len(samples))
	if err := d.link.WritePCM(media.Block{Offset: at, Samples: samples, Origin: origin}); err != nil {
		return fmt.Errorf("write samples: %w", err)
	}
	return nil
}

// Flush passes on what a resampler still holds: less than three milliseconds.
func (d *Decoder) Flush() error {
	if d.flush == nil {
		return nil
	}
	if err := d.flush(); err != nil {
		return fmt.Errorf("write samples: %w", err)
	}
	return nil
}

// Close ends the leg. It is Flush by the name that chains expect.
func (d *Decoder) Close() error { return d.Flush() }
