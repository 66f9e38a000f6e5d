package transcribe

import (
	"context"
	"errors"
	"fmt"
	"time"

	"throughline/bus"
	"throughline/event"
	"throughline/media"
	"throughline/media/acoustic"
	"throughline/media/codec"
	"throughline/media/decode"
	"throughline/media/measure"
	"throughline/transcribe/segment"
	"throughline/transcribe/speech"
)

// rewind is how much settled audio of a leg is heard again when its partition is
// taken up elsewhere or after a crash. It is longer than the longest utterance
// (12 s) and a pause, so that the segmenter is in step again, with the same
// utterances, before anything that was not told yet begins.
const rewind = 15 * time.Second

// quiet is how long the source of an open utterance may send nothing before the
// utterance is told with what there is: with silence suppression the pause that
// would end it never comes.
const quiet = 2 * time.Second

// leg is one party's audio. What follows the first comment belongs to the
// partition's goroutine, the rest to the shard's lock.
type leg struct {
	shard *shard
	call  *call
	id    string

	// Of the newest chunk, and what hears it; ear is nil while the leg is away.
	seq     uint64
	sent    time.Time
	decoder *decode.Decoder
	ear     *ear
	mute    bool // its codec is not known here, which was logged

	role  event.Role
	agent string
	marks marks
	came  time.Time // when the newest chunk was stored
	// told is the media time before which an earlier life told everything.
	told time.Duration
	// whole is set when the leg was heard from its beginning.
	whole bool
	// late is by how much the door counted the leg's time from a later moment than
	// the call's beginning.
	late time.Duration
	over bool // its last chunk came
	away bool // put away because nothing comes

	ears   []*segment.Leg  // not told to their end
	unsent []time.Duration // begins of finals on their way to the topic
	shown  int             // utterance of the last partial, from 1

	speaking bool
	since    time.Duration
	talk     []measure.Interval
	level    []float64 // by seconds of talk
	loud     levels
	words    int
	spoken   time.Duration
	voice    voice
	speaker  *acoustic.Speaker // of the publishing goroutine
}

// position is the media time up to which audio has come.
func (l *leg) position() time.Duration {
	if n := len(l.marks); n > 0 {
		return l.marks[n-1].end
	}
	return 0
}

// settled is the media time before which everything is told and stored.
func (l *leg) settled() time.Duration {
	at := l.position()
	for _, e := range l.ears {
		at = min(at, e.Settled())
	}
	for _, from := range l.unsent {
		at = min(at, from)
	}
	return at
}

// held tells whether something of the leg is not told yet, or may go on.
func (l *leg) held() bool {
	return len(l.ears)+len(l.unsent) > 0 || !l.over && !l.away
}

// newLeg takes up a leg with the chunk that came.
func newLeg(s *shard, c *call, r bus.Record[event.AudioChunk], k *media.Chunk) *leg {
	l := &leg{shard: s, call: c, id: r.Value.Leg}
	gap := time.Duration(0)
	if len(k.Parts) > 0 {
		gap = media.TicksDuration(k.Parts[0].Gap.Ticks, k.Format.ClockRate)
	}
	// A chunk that was there when the partition was opened may be one that an
	// earlier life has heard. The commit then lies far enough back that what ends
	// within rewind of it was told, see shard.needs; all else may not have been.
	l.whole = k.Sequence == 0
	if !l.whole && gap < rewind && r.Time.Before(s.opened) {
		l.told = k.Offset + rewind
	}
	return l
}

// write decodes a chunk into the segmenter, and waits while that is full.
func (l *leg) write(ctx context.Context, engine *segment.Engine, k *media.Chunk) error {
	if l.ear == nil {
		if err := l.listen(engine); err != nil {
			return err
		}
	}
	l.ear.ctx = ctx
	err := l.decoder.WriteChunk(k)
	if errors.Is(err, codec.ErrUnsupported) {
		l.shard.t.metrics.undecodable.Inc()
		if !l.mute {
			l.mute = true
			l.shard.t.log.Warn("audio of a leg cannot be decoded", "interaction_id", l.call.id, "leg", l.id, "error", err)
		}
		return nil
	}
	return err
}

// listen makes the chain from chunks to the segmenter.
func (l *leg) listen(engine *segment.Engine) error {
	t := l.shard.t
	e := &ear{
		cfg:    segment.LegConfig{Partials: t.cfg.Partials, Corrector: t.corrector, Hints: t.hints, Emit: l.tell},
		before: l.note,
		open: func(cfg segment.LegConfig) *segment.Leg {
			opened := engine.Open(cfg)
			l.shard.mu.Lock()
			l.ears = append(l.ears, opened)
			l.shard.count(1)
			l.shard.mu.Unlock()
			return opened
		},
	}
	d, err := decode.New(decode.Config{}, e)
	if err != nil {
		return fmt.Errorf("hear leg: %w", err)
	}
	l.ear, l.decoder = e, d
	return nil
}

// note keeps what measures and acoustics will ask for.
func (l *leg) note(b media.Block) {
	l.shard.mu.Lock()
	defer l.shard.mu.Unlock()
	if b.Origin == media.Heard {
		l.loud.add(b)
	}
	// A voice is kept of customers only: whoever is not known to be one is
	// treated as an agent (Regulation (EU) 2024/1689, Art. 5(1)(f)).
	if l.role == event.Customer {
		l.voice.add(b)
		l.voice.forget(l.settled() - time.Second)
	} else if len(l.voice.now.pcm) > 0 {
		l.voice = voice{}
	}
}

// putAway ends what is heard; a later chunk begins anew. The finals follow when
// they are ready. The caller does not hold the lock.
func (l *leg) putAway() {
	if l.ear == nil {
		return
	}
	heard := l.ear.leg
	if heard != nil {
		// What the resampler still holds is less than three milliseconds; that the
		// segmenter has no room for it cannot matter.
		flush, cancel := context.WithTimeout(l.shard.ctx, time.Millisecond)
		l.ear.ctx = flush
		_ = l.decoder.Close()
		cancel()
	}
	l.ear, l.decoder = nil, nil
	if heard == nil {
		return
	}
	l.shard.mu.Lock()
	l.shard.count(-1)
	l.shard.mu.Unlock()
	go func() {
		if heard.Close(l.shard.ctx) != nil {
			return // the partition is lost or the process stops; somebody hears it again
		}
		l.shard.mu.Lock()
		defer l.shard.mu.Unlock()
		for i, e := range l.ears {
			if e == heard {
				l.ears = append(l.ears[:i:i], l.ears[i+1:]...)
			}
		}
	}()
}

// tell takes what the segmenter found. It is called by the engine and must not
// wait.
func (l *leg) tell(e speech.Event) {
	s := l.shard
	s.mu.Lock()
	defer s.mu.Unlock()
	switch e.Kind {
	case speech.Started:
		l.speaking, l.since = true, e.Start
	case speech.Ended:
		l.speaking = false
		if e.End > l.since {
			l.talk = append(l.talk, l.inCall(l.since, e.End))
			l.level = append(l.level, l.loud.seconds(l.since, e.End)...)
		}
	case speech.Partial:
		if e.End > l.told {
			l.shown = e.Utterance + 1
			s.queue.partial(telling{leg: l, event: e})
		}
	case speech.Final:
		l.final(e)
	}
}

// final passes on a final. What an earlier life told is only recalled to the
// gate, which may be waiting for the second half of a number.
func (l *leg) final(e speech.Event) {
	s := l.shard
	if e.End <= l.told {
		if len(e.Words) > 0 {
			s.queue.recall(telling{leg: l, event: e, told: true})
		}
		return
	}
	if e.NoSpeech || e.Err == nil && len(e.Words) == 0 {
		if l.shown == e.Utterance+1 {
			// A partial was shown of what turned out to be noise: take it back.
			e.Kind, e.Stable, e.Tail = speech.Partial, "", ""
			s.queue.partial(telling{leg: l, event: e})
		}
		return
	}
	l.words += len(e.Words)
	l.spoken += e.End - e.Start
	l.unsent = append(l.unsent, e.Start)
	s.queue.final(telling{leg: l, event: e})
}

func (l *leg) inCall(begin, end time.Duration) measure.Interval {
	k := l.marks.of(begin)
	return measure.Interval{Begin: k.call(begin), End: k.call(end)}
}
