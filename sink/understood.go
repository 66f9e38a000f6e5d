package sink

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"throughline/event"
)

// Spoken counts the turns of a tenant that have words, from since until before until.
func (s *Store) Spoken(ctx context.Context, tenant string, since, until time.Time) (int, error) {
	var n uint64
	err := s.conn.QueryRow(ctx, "SELECT count() FROM turns WHERE "+spoken, between(tenant, since, until)...).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count turns: %w", err)
	}
	return int(n), nil
}

// spoken are turns with words in a span.
const spoken = "tenant = @tenant AND at >= fromUnixTimestamp64Milli(toInt64(@since), 'UTC') AND at < fromUnixTimestamp64Milli(toInt64(@until), 'UTC') AND text != '' AND withheld = ''"

func between(tenant string, since, until time.Time) []any {
	return []any{clickhouse.Named("tenant", tenant), clickhouse.Named("since", since.UnixMilli()), clickhouse.Named("until", until.UnixMilli())}
}

// understood joins turns with what was understood of them. Both sides are cut to
// the same span and the same draw before they meet.
const understood = `SELECT t.id, t.customer, t.interaction, t.channel, t.role, t.kind, t.text, t.at, t.start_ms, t.attrs,
	f.id, f.language, f.sentiment, f.intents, f.intent_probabilities, f.emotions, f.emotion_probabilities, f.entity_types, f.categories, f.model
FROM (SELECT * FROM turns WHERE ` + spoken + ` AND cityHash64(id) <= @most) AS t
INNER JOIN (SELECT * FROM features WHERE tenant = @tenant AND at >= fromUnixTimestamp64Milli(toInt64(@since), 'UTC') AND at < fromUnixTimestamp64Milli(toInt64(@until), 'UTC')
	AND cityHash64(turn) <= @most) AS f ON f.turn = t.id`

// Understood reads turns that have words, day by day and in no order within a
// day, with what was understood of them. Share, 0 to 1, draws among them by their
// ids: the same share gives the same turns. An error of visit ends the reading.
func (s *Store) Understood(ctx context.Context, tenant string, since, until time.Time, share float64, visit func(event.Features) error) error {
	most := uint64(math.MaxUint64)
	if share < 1 {
		most = uint64(share * math.MaxUint64)
	}
	for from := since; from.Before(until); {
		to := from.Add(24 * time.Hour)
		if to.After(until) {
			to = until
		}
		if err := s.understood(ctx, append(between(tenant, from, to), clickhouse.Named("most", most)), tenant, visit); err != nil {
			return err
		}
		from = to
	}
	return nil
}

func (s *Store) understood(ctx context.Context, args []any, tenant string, visit func(event.Features) error) error {
	rows, err := s.conn.Query(ctx, understood, args...)
	if err != nil {
		return fmt.Errorf("read turns: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var (
			f                         event.Features
			channel, role, kind       string
			sentiment                 *float32
			intents, emotions         []string
			intentProbs, emotionProbs []float32
			entities, categories      []string
		)
		t := &f.Turn
		if err := rows.Scan(&t.ID, &t.Customer, &t.Interaction, &channel, &role, &kind, &t.Text, &t.At, &t.StartMS, &t.Attrs,
			&f.ID, &f.Language, &sentiment, &intents, &intentProbs, &emotions, &emotionProbs, &entities, &categories, &f.Model); err != nil {
			return fmt.Errorf("read turns: %w", err)
		}
		t.Tenant, t.Channel, t.Role, t.Kind = tenant, event.Channel(channel), event.Role(role), event.Kind(kind)
		if sentiment != nil {
			f.Sentiment = &event.Sentiment{Score: float64(*sentiment)}
		}
		f.Intents, f.Emotions = labelled(intents, intentProbs), labelled(emotions, emotionProbs)
		for _, kind := range entities {
			f.Entities = append(f.Entities, event.Entity{Type: kind})
		}
		for _, name := range categories {
			f.Categories = append(f.Categories, event.Label{Name: name})
		}
		if err := visit(f); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("read turns: %w", err)
	}
	return nil
}

func labelled(names []string, probabilities []float32) []event.Label {
	var all []event.Label
	for i := range min(len(names), len(probabilities)) {
		all = append(all, event.Label{Name: names[i], Probability: float64(probabilities[i])})
	}
	return all
}
