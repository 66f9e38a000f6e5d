package category_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"throughline/nlp"
	"throughline/nlp/category"
	"throughline/nlp/floor"
	"throughline/sink/sinktest"
)

// BenchmarkBacktest reads a span of 200,000 stored turns on the real engine: all
// of them, and a draw of a tenth; with a rule that asks for likeness, by the floor
// model, and with one that does not.
func BenchmarkBacktest(b *testing.B) {
	const turns = 200_000
	engine, store := sinktest.Open(b)
	w := engine.Writer()
	insert := func(sql string) {
		req, err := http.NewRequestWithContext(b.Context(), http.MethodPost, "http://"+engine.Addr()+"/?database=throughline", strings.NewReader(sql))
		if err != nil {
			b.Fatal(err)
		}
		req.SetBasicAuth(w.User, w.Password)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			b.Fatal(err)
		}
		defer resp.Body.Close()
		if answer, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusOK {
			b.Fatalf("%s: %s", resp.Status, answer)
		}
	}
	insert(fmt.Sprintf(`INSERT INTO turns (id, tenant, customer, interaction, channel, role, kind, at, text, kafka_offset)
		SELECT concat('t_', toString(number)), 'default', concat('c', toString(number %% 5000)), concat('i', toString(intDiv(number, 12))),
		['voice', 'email', 'whatsapp'][number %% 3 + 1], ['customer', 'agent'][number %% 2 + 1], 'text', now64(3) - toIntervalSecond(number * 10),
		concat('I want to cancel contract ', toString(number), ' because it has become too expensive for what it gives'), number FROM numbers(%d)`, turns))
	insert(`INSERT INTO features (id, turn, tenant, customer, interaction, channel, role, at, sentiment, intents, intent_probabilities, language, model, kafka_offset)
		SELECT concat('f_', id), id, tenant, customer, interaction, channel, role, at, -0.4, ['cancel_contract'], [0.8], 'en', 'floor', kafka_offset FROM turns`)
	reader, err := floor.Open()
	if err != nil {
		b.Fatal(err)
	}
	for name, c := range map[string]struct {
		file  string
		limit int
	}{
		"all":           {"categories:\n- {name: unhappy, when: scored && sentiment < -0.2}\n", 0},
		"all/likeness":  {"categories:\n- {name: leaves, like: [I want to cancel my contract], when: likeness > 0.2}\n", 0},
		"draw/likeness": {"categories:\n- {name: leaves, like: [I want to cancel my contract], when: likeness > 0.2}\n", turns / 10},
	} {
		b.Run(name, func(b *testing.B) {
			rules, err := category.New(reader)
			if err != nil || rules.Reload(context.Background(), []byte(c.file)) != nil {
				b.Fatal(err)
			}
			read := 0
			for b.Loop() {
				now := time.Now()
				r, err := rules.Backtest(b.Context(), store, category.Question{Tenant: "default", Since: now.AddDate(0, 0, -30), Until: now, Limit: c.limit, Examples: 3, Readable: nlp.Readable})
				if err != nil || r.Turns != turns || r.Categories[0].Matches == 0 {
					b.Fatalf("%d turns, %v", r.Turns, err)
				}
				read += r.Read
			}
			b.ReportMetric(float64(read)/b.Elapsed().Seconds(), "turns/s")
		})
	}
}
