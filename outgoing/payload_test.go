package outgoing

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"throughline/event"
)

func madeTarget(t *testing.T, given Target) *target {
	t.Helper()
	given.Name, given.URL, given.Secrets = "chat", "https://chat.example.com/", []string{testSecret}
	teller, err := New(Config{Screen: "https://screen.example.com/", Targets: []Target{given}})
	if err != nil {
		t.Fatal(err)
	}
	return teller.targets[0]
}

// TestPayloads compares what each format makes of one alert with testdata.
func TestPayloads(t *testing.T) {
	a := alert("c_1", 3, time.Date(2026, 11, 26, 9, 30, 0, 0, time.UTC))
	a.ID, a.Action, a.Queue, a.Skill, a.Title = "a_1", event.ActionRoute, "complaints", "spanish", "Ana <!channel> & co want <b>help</b>"
	a.Rule.Evidence = map[string]string{"turn_sentiment": "-0.71"}
	for name, given := range map[string]Target{
		"standard": {Format: Standard}, "generic": {Format: Generic}, "slack": {Format: Slack}, "slack.title": {Format: Slack, Include: []string{"title"}},
	} {
		t.Run(name, func(t *testing.T) {
			body, err := madeTarget(t, given).encode(ofAlert(a))
			if err != nil {
				t.Fatal(err)
			}
			want, err := os.ReadFile("testdata/" + name + ".json")
			if err != nil || strings.TrimSpace(string(want)) != string(body) {
				t.Errorf("made %s\nwant %s (%v)", body, want, err)
			}
			if name != "slack.title" && strings.Contains(string(body), "Ana") {
				t.Error("the title is in it, and the target did not ask for it")
			}
		})
	}
}

func TestSlackBounds(t *testing.T) {
	s := ofSuggestion(event.Suggestion{ID: "s_1", Title: strings.Repeat("é", 5000), Body: strings.Repeat("<", 2000)})
	body, err := madeTarget(t, Target{Format: Slack, Include: []string{"title", "body"}}).encode(s)
	if err != nil {
		t.Fatal(err)
	}
	var m message
	if err := json.Unmarshal(body, &m); err != nil {
		t.Fatal(err)
	}
	for _, b := range m.Blocks {
		if b.Text != nil && len([]rune(b.Text.Text)) > slackSection {
			t.Errorf("a section has %d characters", len([]rune(b.Text.Text)))
		}
	}
}

func TestTooLargeIsRefused(t *testing.T) {
	to := madeTarget(t, Target{})
	a := alert("c", 1, time.Now())
	a.Tags = []string{strings.Repeat("x", maxBody)}
	if v := to.attempt(t.Context(), ofAlert(a), time.Now()); v.result != refused || !strings.Contains(v.err.Error(), "at most 65536") {
		t.Errorf("got %v, %v", v.result, v.err)
	}
}
