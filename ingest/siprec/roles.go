package siprec

import (
	"cmp"
	"strings"

	"throughline/event"
)

// Roles says who is an agent and who a customer. The standard does not: what
// stands here are the rules of the house, in the order in which they are asked.
type Roles struct {
	AgentDomains    []string `yaml:"agent_domains" doc:"SIP domains whose users are agents"`
	AgentNumbers    []string `yaml:"agent_numbers" doc:"numbers of agents, or their beginnings followed by *"`
	CustomerDomains []string `yaml:"customer_domains" doc:"SIP domains, of trunks say, whose users are customers"`
	ExtensionDigits int      `yaml:"extension_digits" default:"6" doc:"a number of up to this many digits is an extension, so an agent's; -1: none is"`
	Direction       string   `yaml:"direction" default:"inbound" doc:"inbound: whoever called is the customer; outbound: whoever was called"`
	FirstStream     string   `yaml:"first_stream" default:"unknown" doc:"who is on the first stream where nothing else tells: caller, called or unknown"`
}

// DefaultExtensionDigits is the default of Roles.ExtensionDigits.
const DefaultExtensionDigits = 6

// party is what is known of who speaks on a stream.
type party struct {
	role event.Role
	by   string // which rule said so
	aor  string
}

// headers are the addresses on the INVITE that may tell who called whom.
type headers struct {
	calling, called string
}

// assign gives each stream its speaker. Known are the metadata and the headers;
// labels are those of the SDP in its order.
func (r Roles) assign(m *metadata, h headers, labels []string) []party {
	all := make([]party, len(labels))
	calling := make([]string, len(labels)) // "true", "false" or ""
	for i, label := range labels {
		p := m.speaker(label)
		all[i].by = "nothing tells"
		if p == nil && len(labels) > 1 && m.present() == len(labels) {
			p = m.inOrder(i) // the oldest dialects associate nobody; they list both in one order
		}
		if p == nil || m.mixed[label] {
			continue
		}
		all[i].aor = p.aor
		all[i].role, all[i].by = r.byVendor(p)
		if all[i].role == event.UnknownRole {
			all[i].role, all[i].by = r.byAddress(p.aor)
		}
		calling[i] = p.calling
		switch {
		case calling[i] != "" || p.aor == "":
		case sameUser(p.aor, cmp.Or(m.from, h.calling)):
			calling[i] = "true"
		case sameUser(p.aor, cmp.Or(m.to, h.called)):
			calling[i] = "false"
		}
	}
	pair := pairOf(m, all, labels)
	complete(pair) // before who called: a known agent who calls makes the other the customer
	for i := range all {
		if all[i].role == event.UnknownRole && calling[i] != "" {
			all[i].role, all[i].by = r.caller(calling[i] == "true"), "who called"
		}
	}
	complete(pair)
	r.firstStream(pair)
	complete(pair)
	return all
}

// pairOf gives the two streams of one voice each; nil where there are not two.
func pairOf(m *metadata, all []party, labels []string) []*party {
	var pair []*party
	for i := range all {
		if !m.mixed[labels[i]] {
			pair = append(pair, &all[i])
		}
	}
	if len(pair) != 2 {
		return nil
	}
	return pair
}

// byVendor reads a role that an extension names.
func (r Roles) byVendor(p *participant) (event.Role, string) {
	switch p.role {
	case "agent":
		return event.Agent, "vendor extension"
	case "customer", "caller", "client":
		return event.Customer, "vendor extension"
	}
	return event.UnknownRole, "nothing tells"
}

func (r Roles) byAddress(aor string) (event.Role, string) {
	user, domain, _ := strings.Cut(aor, "@")
	domain, _, _ = strings.Cut(domain, ":")
	for _, n := range r.AgentNumbers {
		if beginning, wild := strings.CutSuffix(n, "*"); user == n || wild && strings.HasPrefix(user, beginning) {
			return event.Agent, "agent number"
		}
	}
	if contains(r.AgentDomains, domain) {
		return event.Agent, "agent domain"
	}
	digits, number := strings.CutPrefix(user, "+")
	isNumber := digits != "" && strings.Trim(digits, "0123456789") == ""
	limit := r.ExtensionDigits
	if limit == 0 {
		limit = DefaultExtensionDigits
	}
	if isNumber && !number && len(digits) <= limit {
		return event.Agent, "extension"
	}
	if contains(r.CustomerDomains, domain) {
		return event.Customer, "customer domain"
	}
	if isNumber && number && len(digits) >= 8 {
		return event.Customer, "public number"
	}
	return event.UnknownRole, "nothing tells"
}

func contains(domains []string, domain string) bool {
	for _, d := range domains {
		if domain != "" && strings.EqualFold(d, domain) {
			return true
		}
	}
	return false
}

// caller is the role of whoever called, or was called.
func (r Roles) caller(called bool) event.Role {
	if called == (r.Direction != "outbound") {
		return event.Customer
	}
	return event.Agent
}

// complete takes the one role of two for known that the other leaves. Two of the
// same role, as between colleagues or customers, stay as they are.
func complete(pair []*party) {
	for i, p := range pair {
		other := pair[1-i].role
		if p.role != event.UnknownRole {
			continue
		}
		switch other {
		case event.Customer:
			p.role, p.by = event.Agent, "the other is the customer"
		case event.Agent:
			p.role, p.by = event.Customer, "the other is the agent"
		}
	}
}

func (r Roles) firstStream(pair []*party) {
	if len(pair) != 2 || pair[0].role != event.UnknownRole || pair[1].role != event.UnknownRole {
		return
	}
	switch r.FirstStream {
	case "caller":
		pair[0].role, pair[0].by = r.caller(true), "first stream"
	case "called":
		pair[0].role, pair[0].by = r.caller(false), "first stream"
	}
}

// sameUser compares the user parts of two addresses: domains change on the way.
func sameUser(a, b string) bool {
	ua, _, _ := strings.Cut(a, "@")
	ub, _, _ := strings.Cut(b, "@")
	return ua != "" && strings.EqualFold(strings.TrimPrefix(ua, "+"), strings.TrimPrefix(ub, "+"))
}

// handle is the customer's address as other channels know it: a number where it
// is one, else the SIP address.
func handle(aor string) (event.Handle, bool) {
	user, _, _ := strings.Cut(aor, "@")
	digits := strings.TrimPrefix(user, "+")
	if digits != "" && strings.Trim(digits, "0123456789") == "" {
		switch {
		case len(digits) >= 8 && len(digits) <= 15 && len(user) > len(digits):
			return event.Handle{Kind: event.Phone, Value: user}, true
		case strings.HasPrefix(digits, "00") && len(digits) >= 10 && len(digits) <= 17:
			return event.Handle{Kind: event.Phone, Value: "+" + digits[2:]}, true
		case len(digits) >= 10 && len(digits) <= 15:
			return event.Handle{Kind: event.Phone, Value: "+" + digits}, true
		}
	}
	if user == "" || strings.EqualFold(user, "anonymous") || strings.EqualFold(user, "unknown") || strings.EqualFold(user, "restricted") {
		return event.Handle{}, false
	}
	return event.Handle{Kind: event.Visitor, Value: "sip:" + strings.ToLower(aor)}, true
}
