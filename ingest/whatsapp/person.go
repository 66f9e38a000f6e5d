package whatsapp

import (
	"throughline/event"
	"throughline/ingest"
)

// person is who a number and a business-scoped user id belong to. The phone
// comes first where it is known: the same one calls.
func person(waID, userID, parentID, name string) ingest.Person {
	who := ingest.Person{Name: cut(name, maxAttr)}
	if n := phone(waID); n != "" {
		who.Handles = append(who.Handles, event.Handle{Kind: event.Phone, Value: n})
	}
	for _, id := range []string{userID, parentID} {
		if id != "" && len(id) <= MaxID {
			who.Handles = append(who.Handles, event.Handle{Kind: event.WhatsAppID, Value: id})
		}
	}
	return who
}

// person finds who waID and userID are with the help of the contacts that came
// along. Sole says that a single contact is meant whatever its id: then it is
// the sender's, in another spelling.
func (v *value) person(waID, userID string, sole bool) ingest.Person {
	var found contact
	for i, c := range v.Contacts {
		same := waID != "" && phone(c.WaID) != "" && phone(c.WaID) == phone(waID) || userID != "" && c.UserID == userID
		if same || len(v.Contacts) == 1 && (sole || phone(waID) == "" && userID == "") {
			found = v.Contacts[i]
			break
		}
	}
	if phone(waID) == "" {
		waID = found.WaID
	}
	if userID == "" {
		userID = found.UserID
	}
	name := found.Profile.Name
	if name == "" {
		name = found.Profile.Username
	}
	return person(waID, userID, found.ParentUserID, name)
}

// known refuses somebody without any handle.
func known(who ingest.Person, at string) error {
	if len(who.Handles) == 0 {
		return wrong(at, "is not a phone number, and no user id came along: one of them must say who it is")
	}
	return nil
}

// customer is the id that the first handle of who makes.
func (p *parser) customer(who ingest.Person) string {
	return event.CustomerID(p.tenant, who.Handles[0])
}
