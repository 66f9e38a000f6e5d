package calls

import (
	"cmp"
	"fmt"
	"sync"
	"time"

	"throughline/event"
	"throughline/media"
	"throughline/media/rtpstream"
)

// LegOptions describe one leg of a call.
type LegOptions struct {
	// Name is the source's own name of the leg, such as its SDP label or channel.
	Name string
	// Key makes the leg's id with the call: unique within the call, also after a
	// restart of this process, so a source's dialog or stream id belongs into it.
	// Empty: Name.
	Key   string
	Role  event.Role
	Agent string // the agent's id where Role is Agent
	// Start is the time of the leg's first sample where the source knows it; zero:
	// the arrival of the first audio.
	Start time.Time
	// Attrs say what else the source knows, such as where Role comes from.
	Attrs map[string]string
}

// leg is what all kinds of leg share: a place in the call, a valve, a chunker and
// room in the buffer. Locks are taken in the order call, leg, outbox.
type leg struct {
	call *Call
	id   string
	opts LegOptions

	receiver *rtpstream.Receiver // nil for a leg that does not come as RTP
	before   rtpstream.Stats     // when it was last counted

	mu      sync.Mutex
	role    event.Role
	agent   string
	closed  bool
	reason  string // why it was closed
	chunker *media.Chunker
	start   time.Time // media time zero; zero: no audio yet
	shutBy  string    // why audio does not pass: pause, consent or ""

	// Where audio is withheld, from is the media time at which that began.
	withholding bool
	from        time.Duration
	why         string

	queued      time.Duration // audio waiting for Kafka
	overflowing bool
	room        chan struct{} // holds one: some audio was stored

	frames    int64     // that reached the valve
	lastAudio time.Time // arrival of the newest payload that can be decoded
	lastAny   time.Time // arrival of the newest packet of any kind
	opened    time.Time // when audio was due from
	idle      bool      // none is due
	problem   string    // reported and not over
	reported  time.Time // when quality was last reported
}

// initLeg makes a leg in place, since its chain points to it.
func initLeg(l *leg, c *Call, o LegOptions) {
	now := c.door.now()
	if o.Key == "" {
		o.Key = o.Name
	}
	*l = leg{call: c, id: event.ID("l", c.id, o.Key), opts: o, role: o.Role, agent: o.Agent,
		start: o.Start, room: make(chan struct{}, 1), opened: now, reported: now}
	l.chunker = media.NewChunker(0, l)
}

// ID is the leg's id.
func (l *leg) ID() string { return l.id }

// Role is who speaks on the leg, as far as is known.
func (l *leg) Role() event.Role {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.role
}

func (l *leg) attrs(more map[string]string) map[string]string {
	all := map[string]string{legAttr: l.id, "leg_name": l.opts.Name}
	for k, v := range l.opts.Attrs {
		all[k] = v
	}
	for k, v := range more {
		all[k] = v
	}
	return all
}

// SetRole corrects who speaks on the leg. Audio carries the new role from now on,
// and the call says that the leg was somebody else's until then.
func (l *leg) SetRole(role event.Role, agent, by string) {
	l.call.mu.Lock()
	defer l.call.mu.Unlock()
	l.mu.Lock()
	same := l.role == role && l.agent == agent
	before := l.role
	l.role, l.agent = role, agent
	l.mu.Unlock()
	if same || l.call.finished {
		return
	}
	l.call.publish(event.Interaction{Change: event.Joined, Role: role, Agent: agent, Reason: ReasonRole,
		Attrs: l.attrs(map[string]string{"role_before": string(before), "role_by": by})})
}

// shut lets audio pass (""), or says why it may not. The chunk at hand was spoken
// before and is stored.
func (l *leg) shut(why string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.shutBy == why || l.closed {
		return
	}
	l.shutBy = why
	if why != "" {
		_ = l.chunker.Flush() // WriteChunk of a leg cannot fail
	}
}

// Expect says whether the leg is to bring audio now. That a leg on hold brings none
// is no problem.
func (l *leg) Expect(audio bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if audio && l.idle {
		l.opened = l.call.door.now()
	}
	l.idle = !audio
}

// awake begins a new time of waiting for audio.
func (l *leg) awake(now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.opened = now
}

// Quiet is how long nothing has come on the leg.
func (l *leg) Quiet(now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lastAny.IsZero() {
		return now.Sub(l.opened)
	}
	return now.Sub(l.lastAny)
}

// String ends the chain.
func (l *leg) String() string { return "audio of a leg" }

// WriteFrame is the valve: it lets a frame pass, or leaves its time to a gap. The
// caller holds mu.
func (l *leg) WriteFrame(f *media.Frame) error {
	clock := f.Format.ClockRate
	l.frames++
	begin := f.Offset - media.TicksDuration(f.Gap.Ticks, clock)
	if why := l.blocked(); why != "" {
		if !l.withholding {
			l.withholding, l.from = true, begin
		}
		l.why = why
		l.call.door.metrics.withheld.WithLabelValues(why).Add(media.TicksDuration(int64(f.Ticks), clock).Seconds())
		return nil
	}
	if l.withholding {
		l.withholding = false
		f.Gap = media.Gap{Kind: media.Withheld, Ticks: media.DurationTicks(f.Offset-l.from, clock)}
	}
	return l.chunker.WriteFrame(f)
}

// blocked says why audio may not pass now. Where Kafka is away and the buffer is
// full it stays shut until half of it is free, so that the gap is one and not many.
func (l *leg) blocked() string {
	if l.shutBy != "" {
		return l.shutBy
	}
	d := l.call.door
	full := l.queued >= d.cfg.Buffer || d.buffered.Load() >= d.cfg.BufferBytes
	free := l.queued <= d.cfg.Buffer/2 && d.buffered.Load() <= d.cfg.BufferBytes/4*3
	switch {
	case full:
		l.overflowing = true
	case free:
		l.overflowing = false
	}
	if l.overflowing {
		return "buffer"
	}
	return ""
}

// WriteChunk queues a chunk. The caller holds mu.
func (l *leg) WriteChunk(c *media.Chunk) error {
	size := 64 // of the head; then each part with its own
	for i := range c.Parts {
		size += 16 + len(c.Parts[i].Payload)
	}
	payload, err := c.AppendBinary(make([]byte, 0, size))
	if err != nil {
		return fmt.Errorf("encode chunk: %w", err)
	}
	call := l.call
	at := l.start
	if at.IsZero() {
		at = call.began
	}
	// Two legs are compared on the arrival clock: see media.Frame.Skew.
	at = at.Add(c.Offset + c.Skew)
	span := heard(c)
	taken := int64(cap(payload))
	l.queued += span
	call.door.buffered.Add(taken)
	call.out.put(item{leg: l, span: span, bytes: taken, msg: event.Audio().Message(event.AudioChunk{
		ID:     event.ID("a", l.id, fmt.Sprint(c.Sequence)),
		Tenant: call.desc.Tenant, Customer: call.customer, Interaction: call.id, Leg: l.id, Role: l.role, Agent: l.agent,
		Seq: c.Sequence, At: at, OffsetMS: max(at.Sub(call.began).Milliseconds(), 0), Payload: payload, Last: c.Last, Reason: l.reason,
	})})
	return nil
}

// heard is the media time that a chunk holds; a gap takes no room in the buffer.
func heard(c *media.Chunk) time.Duration {
	var ticks int64
	for i := range c.Parts {
		ticks += int64(c.Parts[i].Ticks)
	}
	return media.TicksDuration(ticks, c.Format.ClockRate)
}

// stored gives back the room of audio that Kafka has.
func (l *leg) stored(span time.Duration, bytes int64) {
	l.mu.Lock()
	l.queued -= span
	l.mu.Unlock()
	l.call.door.buffered.Add(-bytes)
	select {
	case l.room <- struct{}{}:
	default:
	}
}

// arrived notes a packet, and whether it could be decoded. The caller holds mu.
func (l *leg) arrived(arrival time.Time, audio bool) {
	l.lastAny = arrival
	if audio {
		l.lastAudio = arrival
	}
}

// watch finds out whether a leg's audio has come, stopped or returned, and says
// so once. The callers hold the locks of call and leg.
func (l *leg) watch(now time.Time, held bool) {
	limit := l.call.door.cfg.SilenceAfter
	problem := ""
	switch {
	case held || l.idle:
		return // that nothing comes is what a hold is
	case !l.lastAudio.IsZero() && now.Sub(l.lastAudio) < limit:
	case now.Sub(l.opened) < limit:
		return
	case !l.lastAny.IsZero() && now.Sub(l.lastAny) < limit:
		problem = ReasonUndecodable
	case l.lastAudio.IsZero():
		problem = ReasonNoAudio
	default:
		problem = ReasonAudioStopped
	}
	if problem == l.problem {
		return
	}
	before := l.problem
	l.problem = problem
	if problem == "" {
		l.call.publish(event.Interaction{Change: event.Measured, Role: l.role, Reason: ReasonAudioBack, Attrs: l.attrs(map[string]string{"problem_over": before})})
		return
	}
	l.call.door.metrics.problems.WithLabelValues(l.call.desc.Source, problem).Inc()
	l.call.door.log.Warn("leg of a call brings no audio", "interaction_id", l.call.id, "leg", l.id, "problem", problem)
	l.call.publish(event.Interaction{Change: event.Measured, Role: l.role, Reason: problem, Attrs: l.attrs(map[string]string{"problem": problem})})
}

// flushAfter is how long a leg may be quiet before the chunk at hand is stored.
const flushAfter = 300 * time.Millisecond

// lookAfter does what happens by time alone. The caller holds the call's lock.
func (l *leg) lookAfter(now time.Time, held bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return
	}
	if l.receiver != nil {
		_ = l.receiver.Advance(now) // the chain's end cannot fail
	}
	if !l.lastAny.IsZero() && now.Sub(l.lastAny) > flushAfter {
		_ = l.chunker.Flush()
	}
	l.watch(now, held)
	if l.receiver != nil && now.Sub(l.reported) >= l.call.door.cfg.ReportEvery {
		l.report(now)
	}
}

// report publishes how the leg is received. It says so in attributes: measures are
// those of a whole call. The callers hold the locks of call and leg.
func (l *leg) report(now time.Time) quality {
	l.reported = now
	s := l.receiver.Stats()
	l.call.door.metrics.rtp(s, l.before)
	l.before = s
	q := qualityOf(l.receiver)
	if q.known {
		l.call.publish(event.Interaction{Change: event.Measured, Role: l.role, Agent: l.agent, Reason: ReasonQuality,
			Attrs: l.attrs(q.attrs(s))})
	}
	return q
}

// close ends the leg with a last chunk, and gives how it was received. The caller
// holds the call's lock.
func (l *leg) close(reason string) quality {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return quality{}
	}
	if l.receiver != nil {
		_ = l.receiver.Flush() // the chain's end cannot fail
	}
	l.closed, l.reason = true, reason
	if what := l.unheard(); what != "" {
		l.call.unheard = append(l.call.unheard, what)
	}
	_ = l.chunker.Close()
	if l.receiver == nil {
		return quality{}
	}
	return l.report(l.call.door.now())
}

// unheard says what was missing of the leg all the time that audio was due, "" if
// nothing was. The caller holds mu.
func (l *leg) unheard() string {
	who := cmp.Or(string(l.role), "leg "+l.opts.Name)
	switch {
	case !l.lastAudio.IsZero() || l.idle:
		return ""
	case !l.lastAny.IsZero():
		return ReasonUndecodable + ": " + who
	}
	return ReasonNoAudio + ": " + who
}

// Close ends the leg alone; the call goes on.
func (l *leg) Close(reason string) {
	l.call.mu.Lock()
	defer l.call.mu.Unlock()
	l.call.lost.add(l.close(reason))
	l.call.removeLeg(l)
}
