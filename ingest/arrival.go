package ingest

import (
	"context"
	"errors"
	"fmt"

	"throughline/event"
)

// Publisher stores events and returns when all are acknowledged; *bus.Bus is one.
type Publisher interface {
	Publish(ctx context.Context, msgs ...event.Message) error
}

// Person is who wrote, by every handle that came along. The first handle makes
// the customer id; the others are linked to it.
type Person struct {
	Handles []event.Handle
	Name    string // as the channel gives it
}

// Arrival is one thing that came in. Exactly one of Turn, Change, Consent and
// Identity is set; it needs its ID and what the channel knows, the rest (tenant,
// customer, interaction, channel, time of receipt) is filled in by the Intake.
type Arrival struct {
	Tenant  string
	Channel event.Channel
	Account string // our side: number id, widget, mailbox
	Person  Person // may be empty where Turn or Change names its interaction

	Turn     *event.Turn
	Change   *event.Interaction
	Consent  *event.Consent
	Identity *event.Identity

	// Opening is what the interaction's start says if this arrival opens it:
	// Queue, Case, Attrs, Direction.
	Opening event.Interaction
	// Opens lets a Change begin the interaction that it names: a call.
	Opens bool
}

// Receipt says what became of an arrival.
type Receipt struct {
	ID          string // of the turn, change, consent or identity
	Customer    string
	Interaction string
	Duplicate   bool // it was stored before; nothing was published
}

// ErrNotReady says that the interactions are still being restored from Kafka.
var ErrNotReady = errors.New("interactions are not restored yet")

// ErrNotOpen says that no open interaction has the id that an arrival names.
var ErrNotOpen = errors.New("no open interaction has this id")

// ErrNobody says that an arrival names neither a person nor an interaction.
var ErrNobody = errors.New("neither a customer's handle nor an interaction is given")

// ArrivalError says which of the arrivals was refused. Nothing was published.
type ArrivalError struct {
	Index int
	Err   error
}

func (e *ArrivalError) Error() string { return fmt.Sprintf("arrival %d: %v", e.Index, e.Err) }

// Unwrap is why.
func (e *ArrivalError) Unwrap() error { return e.Err }

// TurnID is the id of the message that a provider calls id: the same from its
// webhook, its echo, its statuses, or the client that sent it through our API.
func TurnID(tenant string, ch event.Channel, id string) string {
	return event.ID("t", tenant, string(ch), id)
}

// startedID and endedID give an interaction one start and one end, whoever
// publishes them and however often.
func startedID(interaction string) string { return event.ID("x", interaction, "started") }
func endedID(interaction string) string   { return event.ID("x", interaction, "ended") }

// threadKey names the conversations of a customer with one of our accounts.
func threadKey(tenant string, ch event.Channel, account, customer string) string {
	return event.ID("h", tenant, string(ch), account, customer)
}
