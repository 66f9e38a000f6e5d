package assist

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"throughline/bus"
	"throughline/event"
	"throughline/moment"
	"throughline/sink"
	"throughline/sink/embedded"
	"throughline/sink/sinktest"
)

func TestMain(m *testing.M) { os.Exit(sinktest.Main(m)) }

// warehouse is the engine and the store on it.
type warehouse struct {
	*sink.Store
	addr   string
	writer embedded.Account
}

// exec runs SQL as an operator would, over HTTP.
func (w warehouse) exec(tb testing.TB, sql string) {
	tb.Helper()
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, "http://"+w.addr+"/?database="+sink.DefaultDatabase, strings.NewReader(sql))
	if err != nil {
		tb.Fatal(err)
	}
	req.SetBasicAuth(w.writer.User, w.writer.Password)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		tb.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		answer, _ := io.ReadAll(resp.Body)
		tb.Fatalf("%s: %s", resp.Status, answer)
	}
}

func store(tb testing.TB) warehouse {
	tb.Helper()
	engine, s := sinktest.Open(tb)
	return warehouse{s, engine.Addr(), engine.Writer()}
}

func runs(tb testing.TB, b *bus.Bus, stages ...bus.Stage) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, len(stages))
	for _, s := range stages {
		go func() { done <- b.Run(ctx, s) }()
	}
	tb.Cleanup(func() {
		cancel()
		for range stages {
			if err := <-done; err != nil {
				tb.Error(err)
			}
		}
	})
}

// TestBacktestDecidesAsLive shows journeys to a policy of many conditions, made
// by hand and by chance, while the store takes them down. What the back-test
// says would have fired is what did.
func TestBacktestDecidesAsLive(t *testing.T) {
	rnd := rand.New(rand.NewPCG(7, 11))
	d := desk(t, policyOf(rnd, 150))
	p := d.For("default")
	s, b := store(t), sinktest.Bus(t)
	runs(t, b, s.Stages()...)
	const n = 400
	began := time.Now().Add(-time.Hour).UTC()
	var msgs []event.Message
	live := map[string]map[string]bool{} // scopes by rule
	deciding := newShard(d)
	for i := range n {
		m := event.Journeys().Message(someJourney(rnd, i, began))
		msgs = append(msgs, m)
		var j event.Journey // as it comes from the topic
		encoded, err := json.Marshal(m.Value)
		if err == nil {
			err = json.Unmarshal(encoded, &j)
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range deciding.decide(j, func(Decision) {}) {
			s := m.Value.(event.Suggestion)
			scope := map[string]string{"turn": s.Rule.Evidence["cause"], "interaction": s.Interaction, "journey": s.Journey}[s.Body]
			if live[s.Rule.Name] == nil {
				live[s.Rule.Name] = map[string]bool{}
			}
			if live[s.Rule.Name][scope] {
				t.Errorf("%s fired twice on %s", s.Rule.Name, scope)
			}
			live[s.Rule.Name][scope] = true
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute) // it is 15 s of computing, of which a busy machine gives a twentieth
	defer cancel()
	if err := b.Publish(ctx, msgs...); err != nil {
		t.Fatal(err)
	}
	for stored(t, s) < n && ctx.Err() == nil {
		time.Sleep(50 * time.Millisecond)
	}
	try := trial{history: s, question: Question{Tenant: "default", Since: began.Add(-time.Hour), Until: time.Now().Add(time.Hour), Examples: 3}, seeds: seeds()}
	tried, err := try.try(ctx, p)
	if err != nil {
		t.Fatal(err)
	}
	fired, narrowed := 0, 0
	for k, r := range tried {
		if r.Fired != len(live[r.Rule]) {
			t.Errorf("%s (%s) fired %d times live, and %d times in the back-test by %s", r.Rule, p.rules[k].When.source, len(live[r.Rule]), r.Fired, r.Narrowed)
		}
		for scope := range live[r.Rule] {
			if _, ok := r.scopes[try.key(scope)]; !ok {
				t.Errorf("%s (%s) fired on %s live and not in the back-test by %s", r.Rule, p.rules[k].When.source, scope, r.Narrowed)
			}
		}
		if len(r.Examples) != min(3, r.Fired) {
			t.Errorf("%s: %d examples of %d", r.Rule, len(r.Examples), r.Fired)
		}
		fired += r.Fired
		if r.Narrowed != anything && r.Read < n {
			narrowed++
		}
	}
	if fired < 5*n || narrowed < len(tried)/2 {
		t.Errorf("%d decisions and %d of %d rules narrowed: the test has lost its force", fired, narrowed, len(tried))
	}
	t.Logf("%d rules, %d decisions, %d rules narrowed by SQL", len(tried), fired, narrowed)
}

func stored(t *testing.T, s History) (n int) {
	t.Helper()
	if err := s.Moments(context.Background(), columnsNamed("now"), "1", func(*moment.Moment) error { n++; return nil }); err != nil {
		t.Fatal(err)
	}
	return n
}

// policyOf writes a policy of conditions that are hard to put into SQL, and of
// n more that chance makes.
func policyOf(rnd *rand.Rand, n int) string {
	conditions := []string{
		`true`, `false`, `turn.scored`, `!turn.scored`, `!(turn.scored && turn.sentiment < 0.1)`, `turn.sentiment <= -0.3 || size(turn.intents) > 1`,
		`turn.text.contains("it's")`, `turn.text.matches("(?i)REFUND|cancel.*")`, `turn.text.says("Refund, please")`, `!turn.text.says("refund")`, `turn.text.says("kind is kin")`,
		`turn.text.startsWith("ü")`, `turn.text == "a\\b\"c"`, `turn.text.size() > 3`, `turn.text.split(" ").exists(w, w == "refund")`,
		`turn.intents.exists(i, i in ["refund", "o'hare"])`, `turn.intents.all(i, i.startsWith("r"))`, `!turn.intents.exists(i, i == "refund")`, `!turn.intents.all(i, i != "refund")`,
		`turn.intents.exists(i, journey.intents.exists(k, i == k))`, `turn.intents.exists_one(i, i == "refund")`, `turn.intents.filter(i, i == "refund").size() == 1`, `turn.intents.map(i, i + "x").exists(i, i == "refundx")`,
		`"refund" in turn.intents ? turn.scored : turn.role == "agent"`, `turn.intents[0] == "refund"`, `turn.intents[0] == "refund" || true`, `turn.role == "agent" && turn.intents[0] == "x"`,
		`journey.turns / turn.intents.size() > 1 || turn.scored`, `journey.sentiment > double(journey.turns)`, `journey.has_churn && journey.churn > 0.5`, `!(journey.has_churn && journey.churn > 0.5)`,
		`interaction.change == "started"`, `interaction.started < now`, `now - interaction.started > duration("30m")`, `now.getHours() >= 12`, `now.during("mon-fri 00:00-12:00 Europe/Berlin")`, `turn.at == now`,
		`"market" in customer.refuses`, `journey.tags == ["vip"]`, `size(journey.tags) == 0`, `journey.state in ["open", "waiting"]`, `turn.role in []`, `interaction.direction != ""`, `-1 < journey.turns`, `turn.sentiment < 1.0 / 0.0`,
	}
	for range n {
		conditions = append(conditions, condition(rnd, 3))
	}
	var b strings.Builder
	b.WriteString("rules:\n")
	for i, c := range conditions {
		on, once := []string{"any", "any", "turn", "interaction"}[rnd.IntN(4)], []string{"turn", "interaction", "journey"}[rnd.IntN(3)]
		fmt.Fprintf(&b, "  - {name: r%d, on: %s, once: %s, when: %q, history: %v, suggest: {title: x, body: %s}}\n", i, on, once, c, rnd.IntN(2) == 0, once)
	}
	return b.String()
}

func condition(rnd *rand.Rand, depth int) string {
	pick := func(of ...string) string { return of[rnd.IntN(len(of))] }
	if depth == 0 || rnd.IntN(4) == 0 {
		number := pick("turn.sentiment", "journey.sentiment", "journey.trend", "interaction.last_score")
		whole := pick("journey.turns", "interaction.reasks", "customer.past_journeys", "size(turn.intents)")
		word := pick("turn.role", "interaction.channel", "turn.text", "journey.state")
		list := pick("turn.intents", "journey.tags", "journey.channels", "turn.redacted")
		literal := pick(`"customer"`, `"refund"`, `"voice"`, `"it's"`, `""`, `"open"`)
		return pick(
			number+pick(" < ", " <= ", " > ", " >= ", " == ", " != ")+fmt.Sprintf("%.2f", rnd.Float64()*4-2),
			whole+pick(" < ", " <= ", " > ", " >= ", " == ", " != ")+fmt.Sprint(rnd.IntN(4)),
			word+pick(" == ", " != ", " < ")+literal,
			word+pick(".contains(", ".startsWith(", ".endsWith(", ".says(")+literal+")",
			literal+" in "+list,
			list+pick(".exists(x, x", ".all(x, x")+pick(" == ", " != ", " > ")+literal+")",
			list+"[0] == "+literal,
			pick("turn.scored", "interaction.held", "interaction.ended"),
			word+".matches("+pick(`"re"`, `"^$"`)+")",
		)
	}
	a, b := condition(rnd, depth-1), condition(rnd, depth-1)
	return pick("("+a+" && "+b+")", "("+a+" || "+b+")", "!("+a+")", "("+a+" ? "+b+" : !("+a+"))")
}

func someJourney(rnd *rand.Rand, i int, began time.Time) event.Journey {
	pick := func(of ...string) string { return of[rnd.IntN(len(of))] }
	when := began.Add(time.Duration(i) * 137 * time.Millisecond)
	customer := rnd.IntN(12)
	in := rnd.IntN(2)
	j := event.Journey{ID: fmt.Sprint("j", customer), Tenant: "default", Customer: fmt.Sprint("c", customer), Version: uint64(i), Updated: when, Opened: began,
		State: event.JourneyState(pick("open", "waiting", "resolved")), Turns: rnd.IntN(5),
		Sentiment: event.JourneySentiment{Overall: rnd.Float64()*10 - 5, Trend: rnd.Float64() - 0.5, Last: rnd.Float64()},
		Cause:     event.Cause{Type: "interaction", ID: fmt.Sprint("x", i), Interaction: fmt.Sprint("i", customer, in), Change: event.Change(pick("started", "ended", "held"))}}
	for k := range 2 {
		j.Interactions = append(j.Interactions, event.InteractionState{ID: fmt.Sprint("i", customer, k), Channel: event.Channel(pick("voice", "whatsapp")), Direction: pick("", "outbound"),
			Started: began, Held: rnd.IntN(2) == 0, Reasks: rnd.IntN(3), LastScore: rnd.Float64()*2 - 1})
	}
	if rnd.IntN(2) == 0 {
		j.Tags, j.Opted = []string{"vip"}, map[string]bool{"market": false}
		j.Scores.Churn = &event.Score{Value: rnd.Float64()}
		j.Past = make([]event.PastJourney, rnd.IntN(3))
	}
	for range rnd.IntN(3) {
		j.Intents = append(j.Intents, event.OpenIntent{Name: pick("refund", "o'hare")})
	}
	if rnd.IntN(4) > 0 {
		f := event.Features{Turn: event.Turn{ID: fmt.Sprint("t", i), Interaction: fmt.Sprint("i", customer, in), At: when, Role: event.Role(pick("customer", "agent", "")), Historic: rnd.IntN(6) == 0,
			Text: pick("", "refund please", "REFUND, PLEASE!", "it's a\\b\"c", "ünder", "a\\b\"c", "İ am \u212aind İs kin", "kind is kin", "a refund or cancel it", "x\x00y")}}
		if rnd.IntN(3) > 0 {
			f.Sentiment = &event.Sentiment{Score: rnd.Float64()*2 - 1}
		}
		for range rnd.IntN(3) {
			f.Intents = append(f.Intents, event.Label{Name: pick("refund", "o'hare", "x")})
		}
		if rnd.IntN(4) == 0 {
			f.Turn.Redacted = []event.Redaction{{Type: "CARD"}}
		}
		j.Cause = event.Cause{Type: "turn", ID: f.Turn.ID, Features: &f}
	}
	return j
}
