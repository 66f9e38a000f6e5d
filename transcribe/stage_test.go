package transcribe_test

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"throughline/event"
	"throughline/transcribe"
	"throughline/transcribe/wer"
)

const (
	greeting  = "Thank you for calling. How can I help you today?"
	complaint = "My order has not arrived yet, and I am getting worried about it."
	promise   = "Let me look into this for you. I will send a new one tomorrow morning."
)

// conversation is a call of two parties, about 20 s.
func conversation(t testing.TB, interaction string) (agent, customer party) {
	hello, worry, card, fine := said(t, "greeting"), said(t, "complaint"), said(t, "card"), said(t, "promise")
	pause := silence(time.Second)
	agent = party{interaction: interaction, leg: interaction + "/agent", role: event.Agent, agent: "a7",
		pcm: concat(pause, hello, silence(2*time.Second), make([]int16, len(worry)), pause, fine, pause)}
	customer = party{interaction: interaction, leg: interaction + "/customer", role: event.Customer,
		pcm: concat(pause, make([]int16, len(hello)), pause, worry, silence(2*time.Second), make([]int16, len(fine)), pause, card, pause)}
	return agent, customer
}

func byRole(turns []event.Turn, role event.Role) string {
	var out []string
	for _, t := range turns {
		if t.Role == role {
			out = append(out, t.Text)
		}
	}
	return strings.Join(out, " ")
}

// lastMeasures gives the measures of a call once nothing more can come.
func lastMeasures(states []event.Interaction, interaction string) (m *event.Measures, over bool) {
	for _, s := range states {
		if s.Interaction == interaction && s.Change == event.Measured {
			m, over = s.Measures, s.Attrs["final"] == "true"
		}
	}
	return m, over
}

// measures gives the newest measures of a call and how many were told.
func measures(states []event.Interaction, interaction string) (last *event.Measures, n int) {
	for _, s := range states {
		if s.Interaction == interaction && s.Change == event.Measured {
			last = s.Measures
			n++
		}
	}
	return last, n
}

func TestCallBecomesTurns(t *testing.T) {
	var h *house
	grown := 0
	// Partials are left out where the processors are taken: whoever speaks to a
	// machine that is busy otherwise speaks slower.
	for _, speed := range []float64{1, 0.5, 0.25} {
		h = newHouse(t)
		l := h.start(transcribe.Config{Partials: true, Speculate: true, MeasureEvery: time.Second}, transcribe.Parts{})
		agent, customer := conversation(t, "i_1")
		h.live(speed, merged(t, agent, customer))
		h.eventually(15*time.Second, "the last turn and measures", func() bool {
			_, over := lastMeasures(h.states, "i_1")
			return over && strings.Contains(byRole(h.finals, event.Customer), "CARD") && strings.Contains(byRole(h.finals, event.Agent), "morning")
		})
		l.stop()
		if grown = h.grown(); grown >= 5 {
			break
		}
	}
	if grown < 5 {
		t.Errorf("%d partials of turns that became final, want 5 or more", grown)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	t.Log(texts(h.finals))

	for role, truth := range map[event.Role]string{event.Agent: greeting + " " + promise} {
		if c := wer.Score(truth, byRole(h.finals, role)); c.Rate() > 0.2 {
			t.Errorf("%s: %v of %q", role, c, byRole(h.finals, role))
		}
	}
	if c := wer.Score(complaint, h.find(t, "worried").Text); c.Rate() > 0.2 {
		t.Errorf("customer: %v of %q", c, h.find(t, "worried").Text)
	}

	card := h.find(t, "CARD")
	if digits(card.Text) {
		t.Errorf("the number stayed in the text: %q", card.Text)
	}
	for _, w := range card.Words {
		if digits(w.Text) {
			t.Errorf("the number stayed in the words: %q", w.Text)
		}
	}
	for _, p := range h.parts {
		if longNumber.MatchString(p.Text) {
			t.Errorf("the number stayed in a partial: %q", p.Text)
		}
	}

	final := map[string]time.Time{}
	for _, turn := range h.order {
		if turn.final {
			final[turn.ID] = turn.at
		}
	}
	for _, turn := range h.order {
		if at, ok := final[turn.ID]; ok && !turn.final && turn.at.After(at) {
			t.Errorf("partial of %s after its final", turn.ID)
		}
	}
	for _, p := range h.parts {
		if p.Stable > len(p.Text) {
			t.Errorf("partial is stable up to %d of %d", p.Stable, len(p.Text))
		}
	}
	for _, turn := range h.finals {
		if turn.Kind != event.Utterance || turn.Channel != event.Voice || turn.Language != "en" || turn.Confidence <= 0 || turn.EndMS <= turn.StartMS ||
			!turn.At.Equal(callBegan.Add(time.Duration(turn.StartMS)*time.Millisecond)) {
			t.Errorf("turn %+v", turn)
		}
		if turn.Role == event.Agent && (turn.Acoustics != nil || turn.Agent != "a7") {
			t.Errorf("agent's turn: acoustics %v, agent %q", turn.Acoustics, turn.Agent)
		}
		if turn.Role == event.Customer && (turn.Acoustics == nil || !turn.Acoustics.ObservedOnly || turn.Acoustics.PitchHz < 80 || turn.Acoustics.PitchHz > 350) {
			t.Errorf("customer's acoustics %+v", turn.Acoustics)
		}
		for _, w := range turn.Words {
			if w.StartMS < turn.StartMS-50 || w.EndMS > turn.EndMS+50 {
				t.Errorf("word at %d–%d outside of %d–%d", w.StartMS, w.EndMS, turn.StartMS, turn.EndMS)
			}
		}
	}
	m, n := measures(h.states, "i_1")
	t.Logf("%d measures, last %s", n, show(m))
	if n < 3 {
		t.Errorf("%d measures, want a growing series", n)
	}
	if m.AgentTalkMS == nil || m.CustomerTalkMS == nil || m.OvertalkMS == nil || m.Interruptions == nil || m.CustomerWPM == nil || m.AgentLoudness == nil || m.Unknown != "" {
		t.Fatalf("measures %s", show(m))
	}
	if *m.AgentTalkMS < 5000 || *m.AgentTalkMS > 9000 || *m.Interruptions != 0 || *m.CustomerWPM < 90 || *m.CustomerWPM > 300 {
		t.Errorf("measures %s", show(m))
	}
}

// longNumber is more of the number than may be shown while it is being said.
var longNumber = regexp.MustCompile(`[0-9][0-9 ,.-]{10,}[0-9]`)

func digits(text string) bool {
	for _, w := range []string{"four", "five", "three", "nine", "eight", "zero", "six", "seven"} {
		if strings.Contains(strings.ToLower(text), w) {
			return true
		}
	}
	return strings.ContainsAny(text, "0123456789")
}

// grown is how many partials came of turns that became final.
func (h *house) grown() (n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, p := range h.parts {
		if slices.ContainsFunc(h.finals, func(f event.Turn) bool { return f.ID == p.ID }) {
			n++
		}
	}
	return n
}

func (h *house) find(t *testing.T, part string) event.Turn {
	t.Helper()
	for _, turn := range h.finals {
		if strings.Contains(turn.Text, part) {
			return turn
		}
	}
	t.Fatalf("no turn with %q:%s", part, texts(h.finals))
	return event.Turn{}
}

func show(m *event.Measures) string {
	b, err := json.Marshal(m)
	if err != nil {
		return err.Error()
	}
	return string(b)
}
