package siprec

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
)

// errMetadata says that octets are no recording metadata. A call is taken
// without it.
var errMetadata = errors.New("recording metadata malformed")

// element is one XML element by its local name: vendors use four namespaces and
// prefixes for the same thing.
type element struct {
	name  string
	attrs map[string]string
	text  string
	kids  []*element
}

// Bounds of a metadata document.
const (
	maxElements = 4096
	maxDepth    = 32
)

func parseXML(b []byte) (*element, error) {
	dec := xml.NewDecoder(bytes.NewReader(b))
	dec.Strict = false
	dec.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil } // what matters is ASCII
	root := &element{}
	stack := []*element{root}
	count := 0
	for {
		tok, err := dec.RawToken()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			// The decoder's error may quote a person's name.
			return nil, fmt.Errorf("metadata: not XML at byte %d: %w", dec.InputOffset(), errMetadata)
		}
		top := stack[len(stack)-1]
		switch tok := tok.(type) {
		case xml.StartElement:
			if count++; count > maxElements || len(stack) > maxDepth {
				return nil, fmt.Errorf("metadata: more than %d elements or deeper than %d: %w", maxElements, maxDepth, errMetadata)
			}
			e := &element{name: strings.ToLower(tok.Name.Local), attrs: make(map[string]string, len(tok.Attr))}
			for _, a := range tok.Attr {
				e.attrs[strings.ToLower(a.Name.Local)] = strings.TrimSpace(a.Value)
			}
			top.kids = append(top.kids, e)
			stack = append(stack, e)
		case xml.EndElement:
			if len(stack) == 1 || !strings.EqualFold(top.name, tok.Name.Local) {
				return nil, fmt.Errorf("metadata: an end without its beginning: %w", errMetadata)
			}
			stack = stack[:len(stack)-1]
		case xml.CharData:
			if len(stack) > 1 {
				top.text = strings.TrimSpace(top.text + string(tok))
			}
		}
	}
	if len(stack) != 1 || len(root.kids) == 0 {
		return nil, fmt.Errorf("metadata: cut off: %w", errMetadata)
	}
	return root, nil
}

// first is the first attribute that is there.
func (e *element) first(names ...string) string {
	for _, n := range names {
		if v := e.attrs[n]; v != "" {
			return v
		}
	}
	return ""
}

// walk visits e and everything in it.
func (e *element) walk(visit func(e, parent *element)) {
	for _, k := range e.kids {
		visit(k, e)
		k.walk(visit)
	}
}

// find is the first element below e with one of the names.
func (e *element) find(names ...string) *element {
	for _, k := range e.kids {
		for _, n := range names {
			if k.name == n {
				return k
			}
		}
		if found := k.find(names...); found != nil {
			return found
		}
	}
	return nil
}

func (e *element) textOf(names ...string) string {
	if f := e.find(names...); f != nil {
		return f.text
	}
	return ""
}

// participant is a person of a recorded call.
type participant struct {
	id      string
	aor     string // address of record, "sip:" removed
	order   int
	calling string // "true" or "false" where a vendor says who called
	role    string // where a vendor says who is who
	sends   map[string]bool
	sent    bool // once had a stream of their own
	left    bool
	told    bool // the person was described, not only mentioned
}

// metadata is what is known of a recording session (RFC 7865), after all updates.
type metadata struct {
	session      string // of the communication session
	group        string
	reason       string
	direction    string
	from, to     string            // of the original call, where a vendor says them
	labels       map[string]string // stream id → label
	mixed        map[string]bool   // label → it carries all voices
	participants map[string]*participant
	holes        bool // something came that builds on what never came, or that could not be read
}

// apply merges a document. A complete one replaces what was known.
func (m *metadata) apply(b []byte) error {
	root, err := parseXML(b)
	if err != nil {
		return err
	}
	var before map[string]*participant
	partial := strings.EqualFold(root.textOf("datamode"), "partial")
	if m.participants == nil || !partial {
		before = m.participants
		*m = metadata{holes: partial, labels: map[string]string{}, mixed: map[string]bool{}, participants: map[string]*participant{}}
	}
	root.walk(m.visit)
	for id, p := range m.participants {
		if b := before[id]; b != nil && b.sent {
			p.sent = true // who had a stream and has none now is on hold
		}
	}
	return nil
}

// incomplete tells whether the peer knows more than it has told.
func (m *metadata) incomplete() bool {
	if m.holes || m.participants == nil {
		return true
	}
	for _, p := range m.participants {
		if !p.told && !p.left {
			return true
		}
	}
	return false
}

func (m *metadata) visit(e, parent *element) {
	switch e.name {
	case "recording":
		m.set(&m.session, e.first("session"))
	case "group":
		m.set(&m.group, e.first("group_id", "id"))
	case "session":
		if id := e.first("session_id", "id", "session"); id != "" {
			m.session = id
		}
		m.set(&m.direction, e.first("direction"))
		m.set(&m.reason, e.textOf("reason"))
	case "calldata":
		m.set(&m.from, uri(e.textOf("fromhdr")))
		m.set(&m.to, uri(e.textOf("tohdr")))
	case "participant":
		m.participant(e)
	case "stream":
		id, label := e.first("stream_id", "id", "streamid"), e.first("label")
		if label == "" {
			label = e.textOf("label")
		}
		if id == "" {
			id = label
		}
		m.labels[id] = label
		if mode := strings.ToLower(e.first("mode") + e.textOf("mode", "mixing")); strings.Contains(mode, "mixed") {
			m.mixed[label] = true
		}
	case "participantstreamassoc":
		if parent.name != "participant" {
			m.associate(m.person(e.first("participant_id", "participant", "id")), e)
		}
	case "participantsessionassoc":
		p := m.person(e.first("participant_id", "participant", "id"))
		p.left = e.textOf("disassociate-time", "disassociatetime") != "" || e.first("disassociate-time") != ""
	}
}

// set takes what is there; an update that leaves something out changes nothing.
func (m *metadata) set(to *string, value string) {
	if value != "" {
		*to = value
	}
}

func (m *metadata) person(id string) *participant {
	p := m.participants[id]
	if p == nil {
		p = &participant{id: id, order: len(m.participants), sends: map[string]bool{}}
		m.participants[id] = p
	}
	return p
}

func (m *metadata) participant(e *element) {
	p := m.person(e.first("participant_id", "id"))
	p.told = true
	for _, k := range e.kids {
		switch k.name {
		case "nameid":
			m.set(&p.aor, uri(k.first("aor")))
		case "aor", "uri":
			m.set(&p.aor, uri(k.text))
		}
	}
	m.set(&p.aor, uri(e.first("aor")))
	m.set(&p.calling, strings.ToLower(e.textOf("callingparty")))
	if p.calling == "" && strings.EqualFold(e.textOf("calledparty"), "true") {
		p.calling = "false"
	}
	m.set(&p.role, strings.ToLower(e.textOf("role", "participantrole", "partyrole")))
	if e.find("send") != nil || e.find("recv") != nil {
		m.associate(p, e)
	}
}

// associate takes the streams that a participant sends, which may be none: on hold.
func (m *metadata) associate(p *participant, e *element) {
	clear(p.sends)
	e.walk(func(k, _ *element) {
		if k.name == "send" && k.text != "" {
			p.sends[k.text] = true
			p.sent = true
		}
	})
}

// speaker is who talks on the stream with a label, nil if that is not told.
func (m *metadata) speaker(label string) *participant {
	var found *participant
	for _, p := range m.participants {
		for id := range p.sends {
			if m.labels[id] != label && id != label || p.left {
				continue
			}
			if found != nil && found != p {
				return nil // several talk on it: it is mixed
			}
			found = p
		}
	}
	return found
}

// onHold tells whether somebody who has a stream in this call sends none now.
func (m *metadata) onHold() bool {
	for _, p := range m.participants {
		if p.sent && len(p.sends) == 0 && !p.left {
			return true
		}
	}
	return false
}

// inOrder is the n-th participant who is still there.
func (m *metadata) inOrder(n int) *participant {
	for i := range len(m.participants) {
		for _, p := range m.participants {
			if p.order == i && !p.left {
				if n == 0 {
					return p
				}
				n--
			}
		}
	}
	return nil
}

func (m *metadata) present() (n int) {
	for _, p := range m.participants {
		if !p.left {
			n++
		}
	}
	return n
}

// uri is the address in a header or attribute: without name, scheme and parameters.
func uri(s string) string {
	if _, in, ok := strings.Cut(s, "<"); ok {
		s, _, _ = strings.Cut(in, ">")
	}
	s = strings.TrimSpace(s)
	for _, scheme := range [...]string{"sips:", "sip:", "tel:"} {
		if len(s) > len(scheme) && strings.EqualFold(s[:len(scheme)], scheme) {
			s = s[len(scheme):]
			break
		}
	}
	s, _, _ = strings.Cut(s, ";")
	s, _, _ = strings.Cut(s, "?")
	return s
}
