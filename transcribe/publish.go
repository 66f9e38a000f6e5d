package transcribe

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"throughline/bus"
	"throughline/event"
	"throughline/governance"
	"throughline/media/acoustic"
	"throughline/transcribe/speech"
)

// grain is what the begin of an utterance is rounded to in its turn's id. Heard
// again after a crash, an utterance may seem to begin a frame earlier or later;
// and no two of a leg begin within 500 ms: the shortest is four frames of 32 ms,
// followed by a pause of 400 ms.
const grain = 500 * time.Millisecond

// Why a turn has no words, in Attrs["untranscribed"].
const (
	reasonRefused = "recogniser refused"
	reasonFailing = "recogniser unavailable"
)

type publisher interface {
	Publish(ctx context.Context, msgs ...event.Message) error
}

// publish stores what legs tell until ctx ends.
func (s *shard) publish(ctx context.Context) {
	for {
		s.mu.Lock()
		batch := s.queue.take()
		s.mu.Unlock()
		if len(batch) == 0 {
			select {
			case <-s.queue.wake:
				continue
			case <-ctx.Done():
				return
			}
		}
		var msgs []event.Message
		for _, t := range batch {
			more, err := s.message(ctx, t)
			if err != nil {
				if ctx.Err() != nil {
					return
				}
				// What the gate refuses lacks what every turn has; hear checks that.
				s.t.log.Error("a turn could not be cleared", "interaction_id", t.leg.call.id, "error", err)
			}
			msgs = append(msgs, more...)
		}
		if !s.store(ctx, msgs) {
			return
		}
		s.stored(batch)
	}
}

// store publishes msgs, however long that takes: ids are the same each time.
func (s *shard) store(ctx context.Context, msgs []event.Message) bool {
	for pause := 50 * time.Millisecond; ; pause = min(2*pause, 2*time.Second) {
		err := s.bus.Publish(ctx, msgs...)
		switch {
		case err == nil:
			return true
		case ctx.Err() != nil:
			return false
		case bus.IsPermanent(err) && len(msgs) > 1:
			half := len(msgs) / 2
			return s.store(ctx, msgs[:half]) && s.store(ctx, msgs[half:])
		case bus.IsPermanent(err):
			s.t.log.Error("a result cannot be stored", "topic", msgs[0].Topic.Name, "error", err)
			return true
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return false
		}
	}
}

// stored lets the offsets of what was told go.
func (s *shard) stored(batch []telling) {
	now := time.Now()
	finals := 0
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range batch {
		if t.event.Kind != speech.Final || t.told {
			continue
		}
		finals++
		l := t.leg
		s.t.metrics.finalWait.Observe(max(now.Sub(l.marks.of(t.event.End).storedBy(t.event.End)).Seconds(), 0))
		for i, from := range l.unsent {
			if from == t.event.Start {
				l.unsent = append(l.unsent[:i:i], l.unsent[i+1:]...)
				break
			}
		}
	}
	s.queue.stored(finals)
}

// message clears a turn.
func (s *shard) message(ctx context.Context, t telling) ([]event.Message, error) {
	turn := s.turn(t)
	if t.event.Kind == speech.Partial {
		cleared, err := s.t.gate.Partial(ctx, turn)
		if err != nil {
			return nil, err
		}
		return []event.Message{governance.PartialTurns().Message(cleared)}, nil
	}
	s.observe(t, &turn)
	v, err := s.t.gate.Turn(ctx, turn)
	if err != nil || t.told {
		return nil, err
	}
	// What follows from the turn goes before it: once the turn is known, nobody
	// looks at it again.
	var msgs []event.Message
	for _, c := range v.Consents {
		msgs = append(msgs, event.Consents().Message(c))
	}
	for _, a := range v.Audit {
		msgs = append(msgs, event.Audits().Message(a))
	}
	return append(msgs, governance.Turns().Message(v.Cleared)), nil
}

// turn says what a leg told as a turn of the call.
func (s *shard) turn(t telling) event.Turn {
	e, l := t.event, t.leg
	s.mu.Lock()
	defer s.mu.Unlock()
	k, last := l.marks.of(e.Start), l.marks.of(e.End)
	begin := k.call(e.Start)
	out := event.Turn{
		ID:     turnID(l.id, begin-k.late), // the same whether or not the life before is known
		Tenant: l.call.tenant, Customer: l.call.customer, Interaction: l.call.id,
		Channel: event.Voice, Role: l.role, Kind: event.Utterance,
		At: k.clock(e.Start), Received: last.stored, Language: s.t.language,
		StartMS: begin.Milliseconds(), EndMS: k.call(e.End).Milliseconds(),
	}
	if l.role == event.Agent {
		out.Agent = l.agent
	}
	if e.Kind == speech.Partial {
		out.Text = strings.TrimSpace(e.Stable + " " + e.Tail)
		out.Stable = len(e.Stable)
		return out
	}
	out.Text, out.Confidence = e.Text, e.Confidence
	for _, w := range e.Words {
		out.Words = append(out.Words, event.Word{
			Text: w.Text, StartMS: k.call(w.Start).Milliseconds(), EndMS: k.call(w.End).Milliseconds(), Approximate: w.Approximate,
		})
	}
	if e.Err != nil {
		reason := reasonFailing
		if errors.Is(e.Err, speech.ErrPermanent) {
			reason = reasonRefused
		}
		out.Attrs = map[string]string{"untranscribed": reason}
		s.t.metrics.lost.WithLabelValues(reason).Inc()
	}
	return out
}

// turnID names the turn that begins at a time of the call.
func turnID(leg string, begin time.Duration) string {
	return event.ID("t", leg, strconv.FormatInt(int64((begin+grain/2)/grain), 10))
}

// observe adds how a customer spoke. Where both voices share a leg, or who
// speaks is not known, the leg's role is empty and nothing is measured.
func (s *shard) observe(t telling, turn *event.Turn) {
	l := t.leg
	s.mu.Lock()
	customer := l.role == event.Customer
	pcm := l.voice.between(t.event.Start, t.event.End)
	s.mu.Unlock()
	if !customer || pcm == nil || len(t.event.Words) == 0 {
		return
	}
	if l.speaker == nil {
		sp, err := acoustic.NewSpeaker(voiceRate)
		if err != nil {
			return
		}
		l.speaker = sp
	}
	a, unlike := observe(l.speaker, pcm, len(t.event.Words))
	turn.Acoustics = a
	if len(unlike) > 0 {
		labels := make([]string, len(unlike))
		for i, d := range unlike {
			labels[i] = string(d.Label)
		}
		if turn.Attrs == nil {
			turn.Attrs = map[string]string{}
		}
		turn.Attrs["voice"] = strings.Join(labels, ", ")
	}
}
