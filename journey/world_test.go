package journey

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"throughline/event"
)

// world is several shards with the topics between them, in one goroutine, so
// that every interleaving, crash and redelivery is a matter of a random number.
// Topics hold encoded events, as Kafka does: what a state shares with its shard
// would show.
type world struct {
	t      testing.TB
	cfg    Config
	topics map[string][][][]byte // name → partition → events
	latest map[string][]byte     // journeys by customer
	parts  map[string][]byte     // by key, as compaction leaves them
	shards []*Shard              // nil: dead
	read   []map[string]int      // committed, by partition and topic
	told   []event.Journey       // every state ever published
	r      *rand.Rand            // nil: nothing goes wrong
}

const partitions = 3

func newWorld(t testing.TB, cfg Config, r *rand.Rand) *world {
	w := &world{t: t, cfg: cfg, topics: map[string][][][]byte{}, latest: map[string][]byte{}, parts: map[string][]byte{}, shards: make([]*Shard, partitions), r: r}
	for range partitions {
		w.read = append(w.read, map[string]int{})
	}
	return w
}

func inputs() []event.Spec {
	return []event.Spec{event.AnalysedTurns().Spec, event.Interactions().Spec, event.Identities().Spec, event.Consents().Spec, event.JourneyParts().Spec, event.Alerts().Spec}
}

func partitionOf(key string) int {
	h := fnv.New32a()
	h.Write([]byte(key))
	return int(h.Sum32() % partitions)
}

func (w *world) publish(msgs ...event.Message) {
	for _, m := range msgs {
		by := m.By
		if by == "" {
			by = m.Key
		}
		data, err := json.Marshal(m.Value)
		if err != nil {
			w.t.Fatal(err)
		}
		if m.Topic.Name == event.Journeys().Name {
			w.latest[m.Key] = data
			var j event.Journey
			if err := json.Unmarshal(data, &j); err != nil {
				w.t.Fatal(err)
			}
			w.told = append(w.told, j)
			continue
		}
		if m.Value == nil {
			continue // a forgotten consent
		}
		if w.topics[m.Topic.Name] == nil {
			w.topics[m.Topic.Name] = make([][][]byte, partitions)
		}
		p := partitionOf(by)
		if m.Topic.Name == event.JourneyParts().Name {
			w.parts[m.Key] = data
		}
		w.topics[m.Topic.Name][p] = append(w.topics[m.Topic.Name][p], data)
	}
}

func (w *world) log(topic string, p int) [][]byte {
	if t := w.topics[topic]; t != nil {
		return t[p]
	}
	return nil
}

// open restores the shard of a partition as the stage does.
func (w *world) open(p int) {
	s := NewShard(w.cfg)
	for _, id := range slices.Sorted(maps.Keys(w.latest)) {
		if partitionOf(id) == p {
			s.Restore(id, decode[event.Journey](w.t, w.latest[id]), false)
		}
	}
	for _, data := range w.log(event.Identities().Name, p) {
		s.RestoreIdentity(decode[event.Identity](w.t, data))
	}
	for _, data := range w.log(event.Consents().Name, p) {
		s.RestoreConsent("", decode[event.Consent](w.t, data), false)
	}
	for _, key := range slices.Sorted(maps.Keys(w.parts)) {
		if part := decode[event.Part](w.t, w.parts[key]); partitionOf(part.Into) == p {
			s.RestorePart(part)
		}
	}
	s.Begin(time.Time{})
	w.shards[p] = s
}

func decode[T any](t testing.TB, data []byte) (v T) {
	t.Helper()
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// step lets one shard handle one event; false: there is none left.
func (w *world) step() bool {
	type place struct {
		p     int
		topic string
	}
	var ready []place
	for p := range partitions {
		for _, in := range inputs() {
			if w.read[p][in.Name] < len(w.log(in.Name, p)) {
				ready = append(ready, place{p, in.Name})
			}
		}
	}
	if len(ready) == 0 {
		return false
	}
	next := ready[0]
	if w.r != nil {
		next = ready[w.r.IntN(len(ready))]
	}
	if w.shards[next.p] == nil {
		w.open(next.p)
	}
	msgs := w.handle(w.shards[next.p], next.topic, w.log(next.topic, next.p)[w.read[next.p][next.topic]])
	if w.r != nil && w.r.IntN(20) == 0 {
		// Killed: some of the results are stored, in the order of each partition,
		// and the commit is not; perhaps earlier ones are not either.
		kept := map[string]bool{}
		w.publish(slices.DeleteFunc(msgs, func(m event.Message) bool {
			to := m.Topic.Name + m.By
			if _, decided := kept[to]; !decided || kept[to] {
				kept[to] = w.r.IntN(2) == 0
			}
			return !kept[to]
		})...)
		w.shards[next.p] = nil
		for topic, n := range w.read[next.p] {
			w.read[next.p][topic] = max(0, n-w.r.IntN(3))
		}
		return true
	}
	w.publish(msgs...)
	w.read[next.p][next.topic]++
	return true
}

func (w *world) handle(s *Shard, topic string, data []byte) []event.Message {
	w.t.Helper()
	ctx := context.Background()
	var msgs []event.Message
	var err error
	switch topic {
	case event.AnalysedTurns().Name:
		msgs, err = s.Turn(ctx, decode[event.Features](w.t, data))
	case event.Interactions().Name:
		msgs, err = s.Change(ctx, decode[event.Interaction](w.t, data))
	case event.Identities().Name:
		msgs, err = s.Identity(ctx, decode[event.Identity](w.t, data))
	case event.Consents().Name:
		msgs, err = s.Consent(ctx, decode[event.Consent](w.t, data))
	case event.JourneyParts().Name:
		msgs, err = s.Part(ctx, decode[event.Part](w.t, data))
	case event.Alerts().Name:
		msgs, err = s.Tagged(ctx, decode[event.Alert](w.t, data))
	}
	if err != nil {
		w.t.Fatal(err)
	}
	return msgs
}

// settle handles everything, and then lets time pass.
func (w *world) settle(now time.Time) {
	w.t.Helper()
	for n := 0; w.step(); n++ {
		if n > 20_000 {
			w.t.Fatal("the shards never come to rest: parts go round and round")
		}
	}
	for p := range partitions {
		if w.shards[p] == nil {
			w.open(p)
		}
		msgs, err := w.shards[p].Tick(context.Background(), now)
		if err != nil {
			w.t.Fatal(err)
		}
		w.publish(msgs...)
	}
}

func (w *world) journey(customer string) event.Journey {
	w.t.Helper()
	data, ok := w.latest[customer]
	if !ok {
		w.t.Fatalf("no journey of %s", customer)
	}
	return decode[event.Journey](w.t, data)
}

// shown is what people see of the customers, without what depends on how often
// and in which order things were told.
func (w *world) shown() string {
	var b strings.Builder
	for _, id := range slices.Sorted(maps.Keys(w.latest)) {
		j := w.journey(id)
		j.Version, j.Cause, j.Keep, j.Scores = 0, event.Cause{}, nil, event.Scores{}
		data, err := json.MarshalIndent(j, "", " ")
		if err != nil {
			w.t.Fatal(err)
		}
		fmt.Fprintln(&b, string(data))
	}
	return b.String()
}

func (w *world) say(customer string, n int, interaction string, channel event.Channel, role event.Role, at time.Time, score float64, intents ...string) {
	f := said(n, interaction, channel, role, at, score, intents...)
	f.Turn.Customer = customer
	w.publish(event.AnalysedTurns().Message(f))
}

func (w *world) change(customer, interaction string, channel event.Channel, change event.Change, at time.Time) {
	w.publish(event.Interactions().Message(event.Interaction{ID: event.ID("x", interaction, string(change)), Tenant: "default", Customer: customer, Interaction: interaction,
		Channel: channel, Change: change, At: at, Handle: "+49…" + customer, Name: "name of " + customer}))
}

func (w *world) merge(from, into string, at time.Time) { w.link(from, into, at, false) }
func (w *world) undo(from, into string, at time.Time)  { w.link(from, into, at, true) }

func (w *world) link(from, into string, at time.Time, undo bool) {
	w.publish(event.Identities().Message(event.Identity{ID: event.ID("n", from, into, at.String(), fmt.Sprint(undo)), Tenant: "default", Customer: from, Into: into,
		Undo: undo, By: "crm", Why: "same person", At: at}))
}

func (w *world) release(customer, into string, at time.Time) {
	w.publish(event.Identities().Message(event.Identity{ID: event.ID("n", customer, "released", at.String()), Tenant: "default", Customer: customer, Into: into,
		Released: true, By: "whatsapp", At: at}))
}
