package api

import (
	"net/http"
	"strconv"
	"time"

	"throughline/event"
	"throughline/ingest"
)

// lifeEvent takes that somebody joined, held, resumed or transferred.
func (a *API) lifeEvent(w http.ResponseWriter, r *http.Request) error {
	return a.single(w, r, func(f *form) ingest.Arrival {
		c := f.change(r)
		c.Change = event.Change(f.one("type", string(event.Joined), string(event.Held), string(event.Resumed), string(event.Transferred)))
		if c.Change == "" && f.ok("type") {
			f.refuse("type", "is missing: joined, held, resumed or transferred")
		}
		c.ID = event.ID("x", c.Interaction, "api", string(c.Change), f.unique(r, c.At), c.Agent, c.Queue)
		return ingest.Arrival{Change: &c}
	})
}

// end takes that an interaction is over. Ending it again is a duplicate.
func (a *API) end(w http.ResponseWriter, r *http.Request) error {
	return a.single(w, r, func(f *form) ingest.Arrival {
		c := f.change(r)
		c.Change = event.Change(f.one("outcome", string(event.Ended), string(event.Failed), string(event.Abandoned)))
		if c.Change == "" {
			c.Change = event.Ended
		}
		if c.Reason == "" && f.ok("reason") {
			f.refuse("reason", `is missing: say why it ended, "solved"`)
		}
		return ingest.Arrival{Change: &c}
	})
}

func (f *form) change(r *http.Request) event.Interaction {
	return event.Interaction{Interaction: r.PathValue("id"), At: f.time("at"), Reason: f.text("reason", MaxName),
		Role:  event.Role(f.one("role", string(event.Customer), string(event.Agent), string(event.Bot), string(event.System))),
		Agent: f.text("agent", MaxID), Queue: f.text("queue", MaxName), Case: f.text("case", MaxID)}
}

// unique is what tells one request from the next: the client's id, its
// idempotency key, the time it gives, or else the moment.
func (f *form) unique(r *http.Request, at time.Time) string {
	id := f.text("id", MaxID)
	switch {
	case id != "":
		return "id " + id
	case r.Header.Get("Idempotency-Key") != "":
		return "key " + r.Header.Get("Idempotency-Key")
	case at.IsZero():
		at = time.Now()
	}
	return at.Format(time.RFC3339Nano)
}

// consents takes what a person allows or refuses.
func (a *API) consents(w http.ResponseWriter, r *http.Request) error {
	return a.single(w, r, func(f *form) ingest.Arrival {
		c := event.Consent{
			Purpose: event.Purpose(f.one("purpose", string(event.Record), string(event.Transcribe), string(event.AnalyseText),
				string(event.VoiceEmotion), string(event.Train), string(event.Market))),
			Channel: event.Channel(f.one("channel", channels()...)), Allowed: read[bool](f, "allowed"),
			Basis:        f.one("basis", "consent", "contract", "legal_obligation", "legitimate_interest"),
			Jurisdiction: f.text("jurisdiction", 16), Evidence: f.text("evidence", MaxID), Notice: f.text("notice", MaxID), At: f.time("at"),
		}
		if c.Purpose == "" && f.ok("purpose") {
			f.refuse("purpose", "is missing")
		}
		if !f.has("allowed") {
			f.refuse("allowed", "is missing: true or false")
		}
		who := f.customer("customer", true)
		tenant := a.cfg.Tenant(r)
		c.ID = event.ID("k", tenant, first(tenant, who), string(c.Purpose), string(c.Channel), strconv.FormatBool(c.Allowed), f.unique(r, c.At))
		return ingest.Arrival{Channel: "api", Person: who, Consent: &c}
	})
}

// identities takes that two customers are one, or are one no more, or that a
// handle passed to somebody else.
func (a *API) identities(w http.ResponseWriter, r *http.Request) error {
	return a.single(w, r, func(f *form) ingest.Arrival {
		tenant := a.cfg.Tenant(r)
		released := read[bool](f, "released")
		who, into := f.customer("customer", true), f.customer("same_as", !released)
		i := event.Identity{Customer: first(tenant, who), Into: first(tenant, into), Undo: read[bool](f, "undo"), Released: released,
			By: f.one("by", "crm", "agent", "verified"), Why: f.text("why", MaxName), At: f.time("at")}
		if i.Customer != "" && i.Customer == i.Into {
			f.refuse("same_as", "is the same handle as customer")
		}
		if released && i.Undo {
			f.refuse("undo", "goes with a merge, and released has none: send one or the other")
		}
		if i.By == "" && f.ok("by") {
			f.refuse("by", "is missing: crm, agent or verified")
		}
		i.ID = event.ID("n", tenant, i.Customer, "into", i.Into, strconv.FormatBool(i.Undo), f.unique(r, i.At))
		if released {
			i.ID = event.ID("n", tenant, i.Customer, "released", i.Into, f.unique(r, i.At))
		}
		return ingest.Arrival{Channel: "api", Identity: &i}
	})
}

// first is the customer that the first handle makes, if there is one.
func first(tenant string, who ingest.Person) string {
	if len(who.Handles) == 0 {
		return ""
	}
	return event.CustomerID(tenant, who.Handles[0])
}
