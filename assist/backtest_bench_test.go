package assist

import (
	"context"
	"os"
	"strconv"
	"testing"
	"time"
)

// BenchmarkBacktest tries rules on ten million turns of the last thirty days in
// the embedded engine: one that the store narrows, one that it cannot narrow at
// all, and the whole shipped policy. THROUGHLINE_BENCH_MOMENTS sets the number.
func BenchmarkBacktest(b *testing.B) {
	n := 10_000_000
	if s := os.Getenv("THROUGHLINE_BENCH_MOMENTS"); s != "" {
		var err error
		if n, err = strconv.Atoi(s); err != nil {
			b.Fatal(err)
		}
	}
	s := store(b)
	fill(b, s, n)
	q := Question{Tenant: "default", Since: time.Now().AddDate(0, 0, -31), Until: time.Now().Add(time.Hour), Examples: 3}
	for _, c := range []struct{ name, text string }{
		{"narrowed", `rules: [{name: r, when: 'turn.role == "customer" && turn.sentiment <= -0.6 && "delivery_late" in turn.intents', alert: {title: x}}]`},
		{"not narrowed", `rules: [{name: r, when: 'turn.text.matches("order [0-9]*77 ")', alert: {title: x}}]`},
		{"every turn", `rules: [{name: r, once: journey, when: 'turn.sentiment <= 1.0', alert: {title: x}}]`},
		{"shipped policy", string(defaultPolicy)},
	} {
		b.Run(c.name, func(b *testing.B) {
			p, err := Load("bench.yaml", []byte(c.text))
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				tried, err := p.Backtest(context.Background(), s, q)
				if err != nil {
					b.Fatal(err)
				}
				read, fired := 0, 0
				for _, r := range tried {
					read, fired = read+r.Read, fired+r.Fired
				}
				b.ReportMetric(float64(read), "rows-read")
				b.ReportMetric(float64(fired), "fired")
			}
		})
	}
}

// fill writes n turns: about one in five very negative, ten to an interaction,
// two interactions to a customer, over thirty days.
func fill(b *testing.B, w warehouse, n int) {
	b.Helper()
	const part = 1_000_000
	for from := 0; from < n; from += part {
		sql := `INSERT INTO moments (id, tenant, version, cause, cause_type, historic, model, turn_id, turn_role, turn_channel, turn_kind, turn_text, turn_language,
			turn_at, turn_scored, turn_sentiment, turn_magnitude, turn_intents, interaction_id, interaction_channel, interaction_turns, journey_id, journey_state,
			journey_turns, journey_interactions, journey_channels, journey_sentiment, journey_trend, journey_scored, journey_intents, customer_id, now)
		WITH number AS i, sipHash64(i) AS h, intDiv(i, 10) AS interaction,
			['order_status', 'delivery_late', 'refund_request', 'complaint', 'thanks', 'card_lost', 'cancel_service', 'greeting'] AS intents,
			['voice', 'whatsapp', 'webchat', 'sms', 'email'] AS channels,
			now64(3) - toIntervalSecond(2592000 - intDiv(i * 2592000, ` + strconv.Itoa(n) + `)) AS moment
		SELECT concat('m_', toString(i)), 'default', i, concat('t_', hex(sipHash128(i))) AS turn, 'turn', false, 'floor', turn, if(h % 2 = 0, 'customer', 'agent'), channels[interaction % 5 + 1], 'text',
			concat('I have been waiting for my order ', toString(h % 100000), ' since last week and nobody tells me when it comes'), 'en',
			moment, h % 2 = 0, (toInt64(h % 2001) - 1000) / 1000, 0.8, [intents[intDiv(h, 4096) % 8 + 1]], concat('i_', hex(sipHash128(interaction))), channels[interaction % 5 + 1], i % 10,
			concat('j_', hex(sipHash128(intDiv(interaction, 2)))), 'open', i % 20, interaction % 2 + 1, [channels[1], channels[interaction % 5 + 1]], (toInt64(h % 1001) - 500) / 100, 0.1, 5,
			[intents[intDiv(h, 4096) % 8 + 1]], concat('c_', hex(sipHash128(intDiv(interaction, 2)))), moment
		FROM numbers(` + strconv.Itoa(from) + `, ` + strconv.Itoa(min(part, n-from)) + `)`
		w.exec(b, sql)
	}
}
