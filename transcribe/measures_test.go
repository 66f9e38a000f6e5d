package transcribe

import (
	"strings"
	"testing"
	"time"

	"throughline/event"
	"throughline/media"
	"throughline/media/measure"
	"throughline/transcribe/speech"
)

func spoke(role event.Role, whole bool, seconds ...float64) *leg {
	l := &leg{role: role, whole: whole}
	for i := 0; i+1 < len(seconds); i += 2 {
		l.talk = append(l.talk, measure.Interval{
			Begin: time.Duration(seconds[i] * float64(time.Second)), End: time.Duration(seconds[i+1] * float64(time.Second))})
	}
	return l
}

// again is a leg of the door's second life.
func again(l *leg) *leg {
	l.late = 10 * time.Second
	return l
}

func TestMeasures(t *testing.T) {
	const none = -1
	for name, c := range map[string]struct {
		legs                              []*leg
		agent, customer, overtalk, silent int64 // ms
		interruptions                     int
		unknown                           string
	}{
		"two sides": {
			legs:  []*leg{spoke(event.Customer, true, 1, 5), spoke(event.Agent, true, 3, 8)},
			agent: 5000, customer: 4000, overtalk: 2000, silent: 12000, interruptions: 1},
		"an agent hands over to another": {
			legs:  []*leg{spoke(event.Customer, true, 1, 3), spoke(event.Agent, true, 4, 6), spoke(event.Agent, true, 8, 10)},
			agent: 4000, customer: 2000, silent: 10000},
		"a bot counts as the agent": {
			legs:  []*leg{spoke(event.Customer, true, 1, 3), spoke(event.Bot, true, 4, 6)},
			agent: 2000, customer: 2000, silent: 14000},
		"one side is named": {
			legs:  []*leg{spoke(event.UnknownRole, true, 1, 3), spoke(event.Agent, true, 4, 7)},
			agent: 3000, customer: 2000, silent: 13000},
		"no side is named": {
			legs:  []*leg{spoke(event.UnknownRole, true, 1, 5), spoke(event.UnknownRole, true, 3, 8)},
			agent: none, customer: none, overtalk: 2000, silent: 12000, interruptions: 1, unknown: "the source did not say"},
		"the agent's audio is missing": {
			legs:  []*leg{spoke(event.Customer, true, 1, 3)},
			agent: none, customer: 2000, overtalk: none, silent: none, interruptions: none, unknown: "no audio of the agent"},
		"one channel": {
			legs:  []*leg{spoke(event.UnknownRole, true, 1, 3)},
			agent: none, customer: none, overtalk: none, silent: 17000, interruptions: none, unknown: "share one channel"},
		"nobody is known, and the door was restarted": {
			legs: []*leg{spoke(event.UnknownRole, true, 1, 3), spoke(event.UnknownRole, true, 4, 6),
				again(spoke(event.UnknownRole, true, 11, 15)), again(spoke(event.UnknownRole, true, 13, 18))},
			agent: none, customer: none, overtalk: 2000, silent: 5000, interruptions: 1, unknown: "the source did not say"},
		"one channel, and the door was restarted": {
			legs:  []*leg{spoke(event.UnknownRole, true, 1, 3), again(spoke(event.UnknownRole, true, 11, 13))},
			agent: none, customer: none, overtalk: none, silent: 15000, interruptions: none, unknown: "share one channel"},
		"taken up in the middle": {
			legs:  []*leg{spoke(event.Customer, false, 1, 3), spoke(event.Agent, true, 4, 6)},
			agent: none, customer: none, overtalk: none, silent: none, interruptions: none, unknown: "beginning stopped"},
	} {
		t.Run(name, func(t *testing.T) {
			k := &call{legs: c.legs, end: 20 * time.Second}
			m := k.measures()
			for field, v := range map[string]struct {
				got  *int64
				want int64
			}{"agent": {m.AgentTalkMS, c.agent}, "customer": {m.CustomerTalkMS, c.customer}, "overtalk": {m.OvertalkMS, c.overtalk}, "non-talk": {m.NonTalkMS, c.silent}} {
				if v.want == none != (v.got == nil) || v.got != nil && *v.got != v.want {
					t.Errorf("%s: got %v, want %d", field, v.got, v.want)
				}
			}
			if c.interruptions == none != (m.Interruptions == nil) || m.Interruptions != nil && *m.Interruptions != c.interruptions {
				t.Errorf("interruptions: got %v, want %d", m.Interruptions, c.interruptions)
			}
			if m.DurationMS != 20000 || !strings.Contains(m.Unknown, c.unknown) || c.unknown == "" && m.Unknown != "" {
				t.Errorf("duration %d, unknown %q, want %q", m.DurationMS, m.Unknown, c.unknown)
			}
		})
	}
}

func TestMarks(t *testing.T) {
	at := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	var m marks
	if m.of(time.Second) != (mark{}) {
		t.Error("a mark of nothing")
	}
	for i := range 10 {
		begin := time.Duration(i) * time.Second
		m = append(m, mark{begin: begin, end: begin + time.Second, shift: 500 * time.Millisecond, at: at.Add(begin), offset: int64(100 + i)})
	}
	for _, c := range []struct {
		media time.Duration
		want  int64
	}{{-time.Second, 100}, {0, 100}, {999 * time.Millisecond, 100}, {time.Second, 101}, {9500 * time.Millisecond, 109}, {time.Hour, 109}} {
		if got := m.of(c.media).offset; got != c.want {
			t.Errorf("offset at %v: %d, want %d", c.media, got, c.want)
		}
	}
	k := m.of(1200 * time.Millisecond)
	if k.call(1200*time.Millisecond) != 1700*time.Millisecond || !k.clock(1200*time.Millisecond).Equal(at.Add(1200*time.Millisecond)) {
		t.Errorf("at 1.2 s: %v in the call, %v", k.call(1200*time.Millisecond), k.clock(1200*time.Millisecond))
	}
	m = m.forget(4 * time.Second)
	if len(m) != 6 || m[0].offset != 104 {
		t.Errorf("after forgetting: %d marks from %d", len(m), m[0].offset)
	}
	if m = m.forget(time.Hour); len(m) != 1 || m[0].offset != 109 {
		t.Errorf("the newest mark must stay: %d marks", len(m))
	}
}

func TestTurnIDsOfOneLegDiffer(t *testing.T) {
	// The shortest utterance and its pause: four frames and 400 ms.
	const step = 4*32*time.Millisecond + 400*time.Millisecond
	seen := map[string]bool{}
	for at := time.Duration(0); at < time.Minute; at += step {
		id := turnID("l_1", at)
		if seen[id] {
			t.Fatalf("the utterance at %v has the id of the one before", at)
		}
		seen[id] = true
	}
	if turnID("l_1", 0) == turnID("l_2", 0) {
		t.Error("two legs share an id")
	}
}

func TestQueueShedsPartialsNeverFinals(t *testing.T) {
	shed := 0
	q := queue{shed: func() { shed++ }, wake: make(chan struct{}, 1), room: make(chan struct{}, 1)}
	a, b := &leg{id: "a"}, &leg{id: "b"}
	say := func(l *leg, kind speech.Kind, utterance int, text string) telling {
		return telling{leg: l, event: speech.Event{Kind: kind, Utterance: utterance, Tail: text}}
	}
	q.partial(say(a, speech.Partial, 0, "my"))
	q.partial(say(b, speech.Partial, 0, "hello"))
	q.partial(say(a, speech.Partial, 0, "my order"))
	q.final(say(a, speech.Final, 0, ""))
	q.partial(say(a, speech.Partial, 1, "it"))
	q.final(say(a, speech.Final, 1, ""))
	var got []string
	for _, t := range q.take() {
		got = append(got, t.leg.id+" "+string(t.event.Kind)+" "+t.event.Tail)
	}
	if want := "b partial hello,a final ,a final "; strings.Join(got, ",") != want || shed != 1 || q.finals != 2 {
		t.Errorf("got %q, shed %d, finals %d", got, shed, q.finals)
	}
}

func TestVoiceKeepsWhatIsAskedFor(t *testing.T) {
	var v voice
	block := func(at time.Duration, level int16, origin media.Origin) media.Block {
		pcm := make([]int16, speech.Rate/10)
		for i := range pcm {
			pcm[i] = level
		}
		return media.Block{Offset: at, Samples: pcm, Origin: origin}
	}
	for i := range 600 {
		v.add(block(time.Duration(i)*slot, int16(i), media.Heard))
		v.forget(time.Duration(i)*slot - 10*time.Second)
	}
	if v.between(0, time.Second) != nil {
		t.Error("what was forgotten is still there")
	}
	got := v.between(55*time.Second, 56*time.Second)
	if len(got) != voiceRate || got[0] != 550 || got[voiceRate-1] != 559 {
		t.Errorf("one second from 55 s: %d samples from %v", len(got), got[:1])
	}
	for i := 600; i < 1200; i++ {
		v.add(block(time.Duration(i)*slot, 1, media.Heard))
		v.forget(0)
	}
	if kept := v.now.end() - v.now.from; kept > mostVoice+2*time.Second {
		t.Errorf("%v of a voice are kept", kept)
	}
	v.add(block(200*time.Second, 7, media.Heard))
	if v.now.from != 200*time.Second || v.between(119*time.Second, 119500*time.Millisecond) == nil {
		t.Errorf("after a hole the voice begins at %v, or what was before is gone", v.now.from)
	}
	v.add(block(200*time.Second+slot, 7, media.Concealed))
	if got := v.between(200*time.Second+slot, 200*time.Second+2*slot); got == nil || got[0] != 0 {
		t.Error("what was invented to bridge a loss counts as voice")
	}
}

func TestLevels(t *testing.T) {
	var l levels
	tone := func(at time.Duration, v int16) media.Block {
		pcm := make([]int16, speech.Rate)
		for i := range pcm {
			pcm[i] = v
		}
		return media.Block{Offset: at, Samples: pcm}
	}
	for i := range 100 {
		l.add(tone(time.Duration(i)*time.Second, 3277)) // −20 dB of full scale
	}
	got := l.seconds(97*time.Second, 99500*time.Millisecond)
	if len(got) != 3 || got[0] < -20.1 || got[0] > -19.9 {
		t.Errorf("levels %v", got)
	}
	if got := l.seconds(0, 2*time.Second); len(got) != 0 {
		t.Errorf("levels of what was forgotten: %v", got)
	}
	if len(l.energy) > 2*slots {
		t.Errorf("%d slots are kept", len(l.energy))
	}
}
