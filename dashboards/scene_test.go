package dashboards_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"throughline/event"
)

// A scene is an afternoon in a contact centre: what the browser test publishes
// and what the picture in docs/img shows. Nobody in it exists.

type line struct {
	role  event.Role
	text  string
	score float64
}

type talk struct {
	who, handle, agent, queue, intent string
	channel                           event.Channel
	ago                               time.Duration
	every                             time.Duration
	held                              bool
	lines                             []line
}

const (
	customer = event.Customer
	agent    = event.Agent
)

func scene() []talk {
	return []talk{
		{"Marta Oliveira", "+55…07", "inês", "Returns", "refund_not_received", event.WhatsApp, 12 * time.Minute, 2 * time.Minute, false, []line{
			{customer, "Hi, I sent the jacket back two weeks ago and the refund is still not here", -0.48},
			{agent, "I am sorry about that. May I have the order number?", 0},
			{customer, "It is 4839201, I gave it to your colleague on the phone already", -0.55},
			{agent, "Thank you. I see the parcel reached us on the 12th.", 0},
			{customer, "So why is nobody paying me back? My card is [CARD] if you lost it again", -0.82},
			{agent, "You need not give me the card again, I have asked our payments team to release it today.", 0},
			{customer, "I have heard that twice now, I want to speak to somebody who can decide", -0.9},
		}},
		{"Jonas Weber", "+49…31", "tobias", "Billing", "billing_question", event.Voice, 9 * time.Minute, 50 * time.Second, false, []line{
			{customer, "Good morning, there is a charge on my bill I do not understand", -0.2},
			{agent, "Let me look at it with you, which month is it?", 0},
			{customer, "October, forty euros for roaming, and I was at home", -0.45},
			{agent, "I see it. That was booked on the wrong line, I take it off now.", 0},
			{customer, "Oh, that was quick, thank you", 0.72},
			{customer, "Then everything is fine, have a good day", 0.84},
		}},
		{"Aiko Tanaka", "a…@example.jp", "", "Orders", "order_status", event.Email, 94 * time.Minute, 14 * time.Minute, false, []line{
			{customer, "Could you tell me when order 5518802 will be sent?", 0.05},
			{agent, "It leaves our warehouse tomorrow morning.", 0},
			{customer, "Perfect, thank you for the quick answer", 0.81},
		}},
		{"Sam Whitfield", "+44…90", "priya", "Technical", "internet_outage", event.Voice, 14 * time.Minute, 70 * time.Second, true, []line{
			{customer, "The line has been dead since last night and I work from home", -0.62},
			{agent, "That must be hard. I am running a test on it.", 0},
			{customer, "I have restarted it five times already", -0.5},
			{customer, "Your app says everything is fine, it is not", -0.66},
		}},
		{"Lucía Fernández", "+34…55", "inês", "Returns", "exchange_item", event.WhatsApp, 6 * time.Minute, 40 * time.Second, false, []line{
			{customer, "Hola! The shoes are lovely but a size too small, can I swap them?", 0.38},
			{agent, "Of course, which size would fit?", 0},
			{customer, "39 please, you are very kind", 0.86},
		}},
		{"", "…7f2c", "", "Website", "delivery_options", event.WebChat, 3 * time.Minute, 30 * time.Second, false, []line{
			{customer, "do you deliver to the islands", 0.02},
			{event.Bot, "Yes, in three to five working days.", 0},
			{customer, "and on saturday?", 0},
		}},
		{"Dmitri Volkov", "+371…18", "", "Orders", "parcel_missing", event.SMS, 47 * time.Minute, 9 * time.Minute, false, []line{
			{customer, "Parcel marked delivered but nothing here", -0.57},
			{agent, "We have opened a trace with the carrier.", 0},
			{customer, "ok when will I know", -0.22},
		}},
		{"Grace Adeyemi", "+234…63", "tobias", "Billing", "cancel_contract", event.Voice, 18 * time.Minute, 80 * time.Second, false, []line{
			{customer, "I would like to cancel, the price went up again", -0.58},
			{agent, "I understand. May I show you what we could do about the price?", 0},
			{customer, "I have been with you for nine years and new people pay half", -0.7},
			{agent, "That is a fair point, I can give you the same price from today.", 0},
			{customer, "Hm, for how long?", -0.1},
			{agent, "For two years, in writing.", 0},
			{customer, "Then I would think about it, that is better than I expected", 0.44},
		}},
		{"Emil Nilsson", "e…@example.se", "priya", "Technical", "password_reset", event.WebChat, 11 * time.Minute, time.Minute, false, []line{
			{customer, "The reset mail never arrives, my address is [MAIL_3fa91c02]", -0.34},
			{agent, "I have sent a fresh one, is it there?", 0},
			{customer, "Yes, it works now, great", 0.77},
		}},
		{"Fatima Zahra", "+212…44", "", "Orders", "change_address", event.WhatsApp, 2 * time.Minute, 25 * time.Second, false, []line{
			{customer, "I moved last week, can you change the address of my order?", 0.04},
		}},
		{"Noah Clarke", "n…@example.com", "", "Returns", "refund_status", event.Email, 163 * time.Minute, 31 * time.Minute, false, []line{
			{customer, "Just checking on the refund you promised last week", -0.18},
			{agent, "It was sent on Thursday.", 0},
			{customer, "Found it, thanks", 0.5},
		}},
		{"Bianca Russo", "+39…72", "inês", "Returns", "damaged_item", event.WhatsApp, 31 * time.Minute, 4 * time.Minute, false, []line{
			{customer, "The lamp came broken, look", -0.51},
			{agent, "Oh no. I send you a new one today, keep the broken one.", 0},
			{customer, "Really? That is generous, grazie", 0.79},
		}},
	}
}

func (t talk) interaction(n int) string { return fmt.Sprint("i_scene_", n) }
func (t talk) customer(n int) string    { return fmt.Sprint("c_scene_", n) }

// turn is line k of the talk, as the pipeline would have understood it.
func (t talk) turn(n, k int, began time.Time) event.Features {
	l := t.lines[k]
	at := began.Add(time.Duration(k) * t.every)
	f := event.Features{ID: fmt.Sprintf("f_scene_%d_%d", n, k), Model: "scene", Turn: event.Turn{
		ID: fmt.Sprintf("t_scene_%d_%d", n, k), Tenant: "default", Customer: t.customer(n), Interaction: t.interaction(n), Channel: t.channel,
		Role: l.role, Kind: event.Text, At: at, Received: at, Text: l.text, Agent: t.agent,
	}}
	if t.channel == event.Voice {
		f.Turn.Kind = event.Utterance
	}
	if l.role != customer {
		return f
	}
	f.Turn.Agent = ""
	f.Sentiment = &event.Sentiment{Score: l.score, Magnitude: 0.9}
	f.Intents = []event.Label{{Name: t.intent, Probability: 0.87}}
	switch {
	case l.score < -0.6:
		f.Emotions = []event.Label{{Name: "anger", Probability: 0.71}}
	case l.score < -0.3:
		f.Emotions = []event.Label{{Name: "disappointment", Probability: 0.64}}
	case l.score > 0.7:
		f.Emotions = []event.Label{{Name: "gratitude", Probability: 0.9}}
	}
	if k == 4 && n == 0 {
		f.Intents = append(f.Intents, event.Label{Name: "repayment", Probability: 0.6}, event.Label{Name: "lost_card", Probability: 0.4})
		f.Categories = []event.Label{{Name: "asked_again", Probability: 1}}
	}
	if k == 2 && n == 0 {
		f.Entities = []event.Entity{{Type: "ORDER", Text: "4839201", Value: "4839201"}}
	}
	return f
}

// messages are the events of the scene, but for the last line of the first talk.
func messages(now time.Time) []event.Message {
	var all []event.Message
	for n, t := range scene() {
		began := now.Add(-t.ago)
		c := event.Interaction{ID: fmt.Sprint("x_scene_", n), Tenant: "default", Customer: t.customer(n), Interaction: t.interaction(n), Channel: t.channel,
			Change: event.Started, At: began, Received: began, Handle: t.handle, Name: t.who, Agent: t.agent, Queue: t.queue, Direction: "inbound"}
		all = append(all, event.Interactions().Message(c))
		for k := range t.lines {
			if n == 0 && k == len(t.lines)-1 {
				continue
			}
			all = append(all, event.AnalysedTurns().Message(t.turn(n, k, began)))
		}
		if t.held {
			c.ID, c.Change, c.At = c.ID+"h", event.Held, now.Add(-time.Minute)
			all = append(all, event.Interactions().Message(c))
		}
	}
	return append(append(all, advice(now)...), event.Journeys().Message(thread(now)))
}

func advice(now time.Time) []event.Message {
	alert := func(n int, severity event.Severity, title, rule string, ago time.Duration) event.Message {
		t := scene()[n]
		return event.Alerts().Message(event.Alert{ID: fmt.Sprint("a_scene_", n, rule), Tenant: "default", Customer: t.customer(n), Journey: fmt.Sprint("j_", n),
			Interaction: t.interaction(n), Channel: t.channel, At: now.Add(-ago), Severity: severity, Title: title, Action: "alert", Rule: event.Rule{Name: rule, Version: "1"}})
	}
	t := scene()[0]
	route := event.Alert{ID: "a_scene_route", Tenant: "default", Customer: t.customer(0), Journey: "j_0", Interaction: t.interaction(0), Channel: t.channel, At: now.Add(-time.Minute),
		Severity: event.Info, Title: "Routed to the refund desk", Action: event.ActionRoute, Queue: "refunds", Priority: 80, Rule: event.Rule{Name: "refund_promised_twice", Version: "1"}}
	tag := route
	tag.ID, tag.Title, tag.Action, tag.Tags = "a_scene_tag", "Tag: repeat contact", event.ActionTag, []string{"repeat_contact"}
	return []event.Message{
		event.Alerts().Message(route), event.Alerts().Message(tag),
		alert(3, event.Warning, "On hold for longer than a minute", "hold_too_long", 40*time.Second),
		alert(7, event.Warning, "Customer speaks of leaving", "churn_words", 17*time.Minute),
		alert(6, event.Info, "No answer for five minutes", "waiting_for_answer", 12*time.Minute),
		event.Suggestions().Message(event.Suggestion{ID: "s_scene_0", Tenant: "default", Customer: t.customer(0), Journey: "j_0", Interaction: t.interaction(0), Channel: t.channel,
			At: now, Kind: "next_best_action", Title: "Release the refund now and confirm it in writing",
			Body: "The return was received on 12 November and promised twice since. Your limit covers it.", Rank: 0.9, Source: "policy", Rule: event.Rule{Name: "refund_promised_twice", Version: "1"}}),
	}
}

// fall is the alert that the last line of the first talk causes.
func fall(now time.Time) event.Message {
	t := scene()[0]
	return event.Alerts().Message(event.Alert{ID: "a_scene_fall", Tenant: "default", Customer: t.customer(0), Journey: "j_0", Interaction: t.interaction(0), Channel: t.channel,
		At: now, Severity: event.Critical, Title: "Sentiment fell below −3, asks for a manager", Action: "escalate", Rule: event.Rule{Name: "escalation_wanted", Version: "1"}})
}

// thread is the journey of the first customer: a mail, a call, and now WhatsApp.
func thread(now time.Time) event.Journey {
	t := scene()[0]
	j := event.Journey{ID: "j_0", Tenant: "default", Customer: t.customer(0), Version: 9, State: event.JourneyOpen, Opened: now.Add(-9 * 24 * time.Hour), Updated: now,
		Cause: event.Cause{Type: "turn", ID: "t_scene_0_5"}, Name: t.who, Handle: t.handle, Turns: 21,
		Sentiment: event.JourneySentiment{Overall: -2.3, Last: -0.82, Trend: -0.41, Shift: "worsened", Scored: 11},
		Intents: []event.OpenIntent{
			{Name: "refund_not_received", Since: now.Add(-5 * 24 * time.Hour), Last: now, Interaction: "i_mail", Mentions: 4},
			{Name: "speak_to_manager", Since: now.Add(-time.Minute), Last: now, Interaction: t.interaction(0), Turn: "t_scene_0_6", Mentions: 1},
		},
		Facts: []event.Fact{
			{Kind: "promised", About: "refund within three days", At: now.Add(-3 * 24 * time.Hour)},
			{Kind: "answered", About: "order number", Value: "4839201", At: now.Add(-3 * 24 * time.Hour)},
		},
		Scores: event.Scores{
			Effort:       &event.Score{Value: 71, Model: "effort 1", Moved: []event.Factor{{Name: "asked_again", Push: 16}, {Name: "channel_changes", Push: 12}}},
			Escalation:   &event.Score{Value: 0.68, Model: "escalation 1", Moved: []event.Factor{{Name: "asks_for_a_person", Push: 1.4}}},
			Satisfaction: &event.Score{Value: 2.1, Model: "satisfaction 1", Moved: []event.Factor{{Name: "sentiment_last_third", Push: -0.9}}},
			Resolution:   &event.Score{Value: 0.45, Model: "resolution 1", Moved: []event.Factor{{Name: "open_intents", Push: -0.3}}},
		},
		Merged: []string{"c_scene_mail"},
		Tags:   []string{"repeat_contact"},
		Opted:  map[string]bool{"analyse_text": true},
	}
	add := func(id string, c event.Channel, start time.Time, turns int, joined, agent string, reasks int, scores ...float64) {
		sum := 0.0
		for k, s := range scores {
			sum += s
			j.Curve = append(j.Curve, event.Point{At: start.Add(time.Duration(k) * time.Minute), Sum: s, Squares: s * s, N: 1})
		}
		j.Interactions = append(j.Interactions, event.InteractionState{ID: id, Channel: c, Started: start, Last: start.Add(time.Duration(turns) * time.Minute), Joined: joined, Agent: agent,
			Turns: turns, Sentiment: 5 * sum / float64(len(scores)), Scored: len(scores), Reasks: reasks})
		if len(j.Interactions) > 1 {
			j.Interactions[len(j.Interactions)-1].Pickup = new(reasks)
		}
	}
	add("i_mail", event.Email, now.Add(-9*24*time.Hour), 5, "", "inês", 0, 0.31, 0.12, 0.4)
	add("i_call", event.Voice, now.Add(-3*24*time.Hour), 9, "Same customer: the phone number stands in the CRM beside the mail address", "tobias", 1, -0.2, -0.44, -0.1, 0.25)
	add(t.interaction(0), t.channel, now.Add(-t.ago), 7, "Same phone number as the call", t.agent, 1, -0.48, -0.55, -0.82)
	return j
}

// changes answers for the search for patterns.
func changes(w http.ResponseWriter, _ *http.Request) {
	now := time.Now().UTC()
	at := now.Add(-31 * time.Hour).Format(time.RFC3339)
	type object = map[string]any
	shown := func(n, k int) object {
		t := scene()[n]
		return object{"turn": fmt.Sprintf("t_scene_%d_%d", n, k), "interaction": t.interaction(n), "at": at, "text": t.lines[k].text}
	}
	_ = json.NewEncoder(w).Encode(object{
		"history": now.AddDate(0, 0, -28), "since": now.AddDate(0, 0, -7), "until": now, "seasonal": true, "tests": 46,
		"patterns": []object{
			{"id": "p_1", "kind": "intent", "subject": "refund_not_received", "dimension": "queue", "value": "Returns", "direction": "rising", "at": at,
				"before": 0.06, "after": 0.17, "effect": 2.8, "low": 2.1, "high": 3.7, "q": 0.00004, "shown": []object{shown(0, 0), shown(10, 0)}},
			{"id": "p_2", "kind": "sentiment", "subject": "sentiment", "dimension": "product", "value": "roaming pass", "direction": "falling", "at": at,
				"before": 0.08, "after": -0.31, "effect": -0.39, "low": -0.52, "high": -0.26, "q": 0.0031, "shown": []object{shown(1, 2)}},
			{"id": "p_3", "kind": "theme", "subject": "islands, saturday, deliver", "direction": "new", "at": at,
				"before": 0.0004, "after": 0.021, "effect": 41.0, "low": 9.2, "high": 180.0, "q": 0.012, "shown": []object{shown(5, 0), shown(5, 2)}},
		},
	})
}
