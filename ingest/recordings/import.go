package recordings

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

	"throughline/event"
	"throughline/ingest/calls"
	"throughline/problem"
)

// Mixed says that a channel holds all parties: it is nobody's in particular.
const Mixed = "mixed"

const maxChannels = 8

// The reasons with which recorded calls end.
const (
	ReasonStored = "recording stored"
	ReasonCut    = "recording is cut off"
	ReasonFailed = "recording could not be stored"
)

// Options say what is known of a recorded call. The zero value works, with Tenant.
type Options struct {
	Tenant    string
	ID        string       // the source's own id of the call; empty: the hash of the file
	At        time.Time    // when the call began; zero: now
	Customer  event.Handle // zero: nobody that is known
	Direction string       // "inbound" or "outbound", seen from the centre
	Account   string
	Queue     string
	Agent     string
	Case      string
	// Channels says who speaks on each: customer, agent, bot, system or mixed.
	// Empty: two channels are customer and agent, one is mixed.
	Channels  []string
	MediaType string // of a file without a header, such as audio/PCMU
}

// Receipt says what became of a recording.
type Receipt struct {
	Interaction string        `json:"interaction"`
	Customer    string        `json:"customer"`
	Duplicate   bool          `json:"duplicate"` // it was stored before
	Duration    time.Duration `json:"-"`
	Cut         bool          `json:"truncated,omitempty"` // the file holds less than its header promises
	Withheld    string        `json:"withheld,omitempty"`  // why the audio was not kept
}

// Import stores a recording as a call by door, and returns when Kafka has all of
// it. The same file, or the same id, of the same customer makes the same
// interaction again and adds nothing to it. Whatever is wrong with the file or the options is a
// *problem.Problem that names it.
func Import(ctx context.Context, door *calls.Door, f io.ReadSeeker, o Options) (Receipt, error) {
	if o.ID == "" {
		id, err := hash(f)
		if err != nil {
			return Receipt{}, err
		}
		o.ID = id
	}
	s, err := open(f, o.MediaType, slices.Equal(o.Channels, []string{Mixed}))
	if err != nil {
		return Receipt{}, err
	}
	roles, err := o.roles(s)
	if err != nil {
		return Receipt{}, err
	}
	payloads := make([][]byte, s.channels)
	// A file without sound is refused before a call is made of it.
	if err := s.next(payloads); err != nil {
		return Receipt{}, unsupported("The file holds no audio.", err)
	}
	desc := o.describe()
	done := Receipt{Interaction: desc.Interaction()}
	rec, err := door.Recording(ctx, desc)
	if errors.Is(err, calls.ErrEnded) {
		done.Duplicate = true
		done.Customer = event.CustomerID(desc.Tenant, desc.Customer)
		return done, nil
	}
	if err != nil {
		return Receipt{}, err
	}
	done.Customer = rec.Call().Customer()
	if done.Duration, err = store(ctx, rec, s, roles, payloads, o.Agent); err != nil {
		_ = rec.Fail(ctx, done.Duration, ReasonFailed) // err says more
		return Receipt{}, err
	}
	done.Withheld = rec.Withheld()
	done.Cut = s.cut()
	reason := ReasonStored
	if done.Cut {
		reason = ReasonCut
	}
	if err := rec.End(ctx, done.Duration, reason); err != nil {
		return Receipt{}, err
	}
	return done, nil
}

func hash(f io.ReadSeeker) (string, error) {
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", fmt.Errorf("read recording: %w", err)
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return "", fmt.Errorf("read recording: %w", err)
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil)), nil
}

func (o Options) describe() calls.Description {
	if o.At.IsZero() {
		o.At = time.Now()
	}
	if o.Customer.Value == "" {
		o.Customer = event.Handle{Kind: event.Visitor, Value: "recording:" + o.ID}
	} else {
		// A call is one customer's. Sent again as somebody else's it is another call:
		// what knows it as the same looks among the customer's own.
		o.ID += " " + event.CustomerID(o.Tenant, o.Customer)
	}
	return calls.Description{Tenant: o.Tenant, Source: calls.SourceRecording, ID: o.ID, Customer: o.Customer, Direction: o.Direction,
		Account: o.Account, Queue: o.Queue, Agent: o.Agent, Case: o.Case, At: o.At, Attrs: map[string]string{"historic": "true"}}
}

// roles gives the role of each channel of s.
func (o Options) roles(s *sound) ([]event.Role, error) {
	names := o.Channels
	if len(names) == 0 {
		switch s.channels {
		case 1:
			names = []string{Mixed}
		case 2:
			names = []string{string(event.Customer), string(event.Agent)}
		default:
			return nil, wrong("channels", "the file has "+strconv.Itoa(s.channels)+" channels: say who speaks on each, such as customer,agent,mixed")
		}
	}
	if len(names) != s.channels {
		return nil, wrong("channels", "names "+strconv.Itoa(len(names))+" and the file has "+strconv.Itoa(s.channels))
	}
	roles := make([]event.Role, len(names))
	for i, name := range names {
		switch r := event.Role(name); {
		case name == Mixed:
		case r == event.Customer || r == event.Agent || r == event.Bot || r == event.System:
			roles[i] = r
		default:
			return nil, wrong("channels", "are each one of customer, agent, bot, system, mixed")
		}
	}
	return roles, nil
}

func wrong(field, detail string) error {
	return problem.Invalid(problem.Field{Pointer: "#/" + field, Detail: detail})
}

// store writes the piece that was read and all that follow.
func store(ctx context.Context, rec *calls.Recording, s *sound, roles []event.Role, payloads [][]byte, agent string) (time.Duration, error) {
	legs := make([]*calls.StreamLeg, len(roles))
	for i, role := range roles {
		o := calls.LegOptions{Name: "channel " + strconv.Itoa(i+1), Role: role, Attrs: map[string]string{"codec": s.format.Codec.String()}}
		if role == event.Agent {
			o.Agent = agent
		}
		if role == event.UnknownRole {
			o.Attrs["mixed"] = "true"
		}
		leg, err := rec.Leg(o, s.format)
		if err != nil {
			return 0, err
		}
		legs[i] = leg
	}
	for {
		if err := rec.Wait(ctx); err != nil {
			return legs[0].Position(), err
		}
		for i, leg := range legs {
			// Nothing of a recording arrives: without an arrival, no chunk is cut short
			// where Kafka was slow, and the same file makes the same chunks.
			if err := leg.Write(payloads[i], time.Time{}); err != nil {
				return legs[0].Position(), fmt.Errorf("store recording: %w", err)
			}
		}
		switch err := s.next(payloads); {
		case errors.Is(err, io.EOF):
			return legs[0].Position(), nil
		case err != nil:
			return legs[0].Position(), fmt.Errorf("read recording: %w", err)
		}
	}
}
