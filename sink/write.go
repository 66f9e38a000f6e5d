package sink

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"throughline/bus"
	"throughline/event"
)

const (
	// skew is how much a source's clock may run ahead of ours before a
	// repeated event could be taken for a new one without asking the store.
	skew = 10 * time.Minute
	// recent is how far back ids are remembered without asking the store.
	recent = 30 * time.Minute
	// remembered bounds the ids of one generation of one partition.
	remembered = 250_000
)

// placeColumns say where on which topic a row comes from.
const placeColumns = "kafka_topic, kafka_partition, kafka_offset"

// writer writes one partition of one topic so that each event becomes one row:
//
//   - an event that comes again at the same offset (a replay, a crash before the
//     commit) is known by its offset;
//   - an event that comes again at another offset (a provider's retry) is known
//     by its id: from memory where it is recent, by asking where it is old.
type writer[T any] struct {
	store     *Store
	table     table[T]
	partition int
	insert    string
	types     []clickhouse.ColumnNameAndType // of insert's columns; nil until asked for
	offsets   map[uint64]string              // stored offsets from the first one read on, with their ids; nil until read
	last      uint64                         // highest of offsets
	ids       recentIDs
}

func openWriter[T any](s *Store, t table[T]) func(context.Context, *bus.Bus, int) (any, error) {
	return func(ctx context.Context, _ *bus.Bus, partition int) (any, error) {
		w := &writer[T]{store: s, table: t, partition: partition,
			insert: "INSERT INTO " + t.name + " (" + t.columns + ", " + placeColumns + ")"}
		if err := w.settle(ctx); err != nil {
			return nil, err
		}
		if t.latest {
			return w, nil
		}
		since := time.Now().Add(-recent)
		w.ids.reset(since)
		rows, err := s.conn.Query(ctx, "SELECT id FROM "+t.name+" WHERE stored >= ? AND kafka_partition = ? ORDER BY kafka_offset DESC LIMIT ?", since, partition, remembered)
		if err != nil {
			return nil, fmt.Errorf("read recent ids: %w", err)
		}
		defer rows.Close()
		n := 0
		for rows.Next() {
			var id string
			if err := rows.Scan(&id); err != nil {
				return nil, fmt.Errorf("read recent ids: %w", err)
			}
			w.ids.add(id)
			n++
		}
		if n == remembered {
			w.ids.reset(time.Now()) // too many to know them all: ask the store instead
		}
		return w, rows.Err()
	}
}

// settle waits for inserts of a predecessor that still run on the server: until
// they end nobody can tell what is stored.
func (w *writer[T]) settle(ctx context.Context) error {
	for range 600 {
		var running uint64
		err := w.store.conn.QueryRow(ctx, "SELECT count() FROM system.processes WHERE startsWith(query_id, ?)", w.queryPrefix()).Scan(&running)
		if err != nil {
			return fmt.Errorf("look for running inserts: %w", err)
		}
		if running == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
	return errors.New("an insert of the process that had this partition before is still running")
}

func (w *writer[T]) queryPrefix() string {
	return fmt.Sprintf("throughline-%s-%d-", w.table.name, w.partition)
}

func (w *writer[T]) write(ctx context.Context, recs []bus.Record[T]) ([]event.Message, error) {
	if w.table.skip != nil {
		recs = slices.DeleteFunc(slices.Clone(recs), func(r bus.Record[T]) bool { return !r.Deleted && w.table.skip(r.Value) })
		if len(recs) == 0 {
			return nil, nil
		}
	}
	fresh, err := w.fresh(ctx, recs)
	if err != nil || len(fresh) == 0 {
		return nil, err
	}
	if err := w.loadTypes(ctx); err != nil {
		return nil, err
	}
	// The token makes a repeated insert of the very same block a no-op, should
	// the answer to the first have been lost.
	first, last := fresh[0].Offset, fresh[len(fresh)-1].Offset
	token := fmt.Sprintf("%s/%d/%d-%d/%s-%s", fresh[0].Topic, w.partition, first, last, w.table.id(fresh[0].Value), w.table.id(fresh[len(fresh)-1].Value))
	ictx := clickhouse.Context(ctx, clickhouse.WithColumnNamesAndTypes(w.types),
		clickhouse.WithQueryID(w.queryPrefix()+fmt.Sprint(first, "-", time.Now().UnixNano())),
		clickhouse.WithSettings(clickhouse.Settings{"insert_deduplication_token": token, "max_partitions_per_insert_block": 0}))
	batch, err := w.store.conn.PrepareBatch(ictx, w.insert)
	if err != nil {
		return nil, fmt.Errorf("prepare insert into %s: %w", w.table.name, classify(err))
	}
	defer batch.Close()
	var pace bus.Pace
	for _, r := range fresh {
		row, err := w.table.row(r.Value)
		if err != nil {
			return nil, bus.Permanent(err)
		}
		if w.table.document {
			row = append(row, r.Bytes)
		}
		if err := batch.Append(append(row, r.Topic, uint16(r.Partition), uint64(r.Offset))...); err != nil {
			// The driver's error may quote the value.
			return nil, bus.Permanent(fmt.Errorf("row for %s does not fit its columns (%T)", w.table.name, err))
		}
		pace.Step()
	}
	if err := batch.Send(); err != nil {
		w.offsets, w.types = nil, nil // the block may be stored all the same: look before the retry
		return nil, fmt.Errorf("insert into %s: %w", w.table.name, classify(err))
	}
	for _, r := range fresh {
		w.ids.add(w.table.id(r.Value))
	}
	return nil, nil
}

// loadTypes asks once how the columns are stored; the client would ask before
// each insert.
func (w *writer[T]) loadTypes(ctx context.Context) error {
	if w.types != nil {
		return nil
	}
	rows, err := w.store.conn.Query(ctx, "SELECT name, type FROM system.columns WHERE database = currentDatabase() AND table = ?", w.table.name)
	if err != nil {
		return fmt.Errorf("read columns of %s: %w", w.table.name, err)
	}
	defer rows.Close()
	stored := map[string]string{}
	for rows.Next() {
		var name, kind string
		if err := rows.Scan(&name, &kind); err != nil {
			return fmt.Errorf("read columns of %s: %w", w.table.name, err)
		}
		stored[name] = kind
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("read columns of %s: %w", w.table.name, err)
	}
	var types []clickhouse.ColumnNameAndType
	for name := range strings.SplitSeq(w.table.columns+", "+placeColumns, ",") {
		name = strings.TrimSpace(name)
		if stored[name] == "" {
			return fmt.Errorf("table %s has no column %s: its schema is not this program's", w.table.name, name)
		}
		types = append(types, clickhouse.ColumnNameAndType{Name: name, Type: stored[name]})
	}
	w.types = types
	return nil
}

// classify marks what a retry cannot heal. The server's text may quote values,
// so only its code is kept.
func classify(err error) error {
	ex, ok := errors.AsType[*clickhouse.Exception](err)
	if !ok {
		return err
	}
	short := fmt.Errorf("clickhouse code %d", ex.Code)
	switch ex.Code {
	case 6, 27, 33, 41, 53, 69, 117, 131, 321: // cannot parse, type mismatch, argument out of bound, too large
		return bus.Permanent(short)
	}
	return short
}

// fresh returns the records that are not stored yet.
func (w *writer[T]) fresh(ctx context.Context, recs []bus.Record[T]) ([]bus.Record[T], error) {
	if err := w.loadOffsets(ctx, uint64(recs[0].Offset)); err != nil {
		return nil, err
	}
	out := make([]bus.Record[T], 0, len(recs))
	batch := make(map[string]struct{}, len(recs))
	latest := map[string]int{}
	var doubtful []string
	for _, r := range recs {
		id := w.table.id(r.Value)
		// Another id at the same offset means that the topic was made anew.
		if stored, ok := w.offsets[uint64(r.Offset)]; r.Deleted || ok && stored == id {
			continue
		}
		if w.table.latest {
			// Only the last state of a key in this block is worth a row.
			if k, twice := latest[id]; twice {
				out[k].Deleted = true
			}
			latest[id] = len(out)
			out = append(out, r)
			continue
		}
		if _, twice := batch[id]; twice {
			continue
		}
		batch[id] = struct{}{}
		if w.ids.has(id) || w.table.at(r.Value).Add(-skew).Before(w.ids.since) {
			doubtful = append(doubtful, id)
		}
		out = append(out, r)
	}
	if n := uint64(recs[len(recs)-1].Offset); n >= w.last {
		w.offsets = map[uint64]string{} // everything stored before lies behind us
	}
	if w.table.latest {
		return slices.DeleteFunc(out, func(r bus.Record[T]) bool { return r.Deleted }), nil
	}
	if len(doubtful) == 0 {
		return out, nil
	}
	known, err := w.known(ctx, doubtful)
	if err != nil {
		return nil, err
	}
	kept := out[:0]
	for _, r := range out {
		if _, stored := known[w.table.id(r.Value)]; !stored {
			kept = append(kept, r)
		}
	}
	return kept, nil
}

// loadOffsets asks once, from the first offset read on, which offsets are stored.
func (w *writer[T]) loadOffsets(ctx context.Context, from uint64) error {
	if w.offsets != nil {
		return nil
	}
	rows, err := w.store.conn.Query(ctx, "SELECT kafka_offset, id FROM "+w.table.name+" WHERE kafka_partition = ? AND kafka_offset >= ?", w.partition, from)
	if err != nil {
		return fmt.Errorf("read stored offsets: %w", err)
	}
	defer rows.Close()
	offsets, last := map[uint64]string{}, uint64(0)
	for rows.Next() {
		var o uint64
		var id string
		if err := rows.Scan(&o, &id); err != nil {
			return fmt.Errorf("read stored offsets: %w", err)
		}
		offsets[o] = id
		last = max(last, o)
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("read stored offsets: %w", err)
	}
	w.offsets, w.last = offsets, last
	return nil
}

// known asks which of ids are stored.
func (w *writer[T]) known(ctx context.Context, ids []string) (map[string]struct{}, error) {
	found := map[string]struct{}{}
	for len(ids) > 0 {
		n := min(len(ids), 2000)
		quoted := make([]string, n)
		for i, id := range ids[:n] {
			quoted[i] = "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(id) + "'"
		}
		rows, err := w.store.conn.Query(ctx, "SELECT id FROM "+w.table.name+" WHERE id IN ("+strings.Join(quoted, ",")+")")
		if err != nil {
			return nil, fmt.Errorf("look up ids: %w", classify(err))
		}
		for rows.Next() {
			var id string
			if err := rows.Scan(&id); err != nil {
				rows.Close()
				return nil, fmt.Errorf("look up ids: %w", err)
			}
			found[id] = struct{}{}
		}
		err = rows.Err()
		rows.Close()
		if err != nil {
			return nil, fmt.Errorf("look up ids: %w", err)
		}
		ids = ids[n:]
	}
	return found, nil
}
