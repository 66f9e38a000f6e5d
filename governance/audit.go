package governance

import "throughline/event"

// Actor is who audit entries of the gate name.
const Actor = "governance.gate"

// audit makes the entry that says what the gate did to an object. Detail holds
// names of purposes and types, never words. The id is made of the same parts,
// so a redelivered turn makes the same entry.
func audit(t event.Turn, action string, detail map[string]string) event.Audit {
	return event.Audit{
		ID:     event.ID("a", t.Tenant, Actor, action, t.ID),
		Tenant: t.Tenant, At: t.At, Actor: Actor, Action: action, Object: t.ID,
		Policy: Version, Detail: detail,
	}
}
