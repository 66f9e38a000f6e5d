package webchat

import (
	"sync"
	"time"

	"throughline/event"
	"throughline/ingest"
)

const (
	keepTurns = 500              // of one conversation, for clients that resume
	keepEnded = 10 * time.Minute // after its end, for clients that resume late
	keepRaw   = 1024             // agents' words on their way to the visitor
)

// hub knows the conversations as the topic tells them, and who listens. The
// place of a message in its conversation is its place on the topic, so it
// survives a restart and is the same for every process.
type hub struct {
	sessions *ingest.Sessions

	mu    sync.Mutex
	convs map[string]*conversation  // by interaction
	conns map[string]map[*conn]bool // by tenant and customer
	raw   map[string]string         // turn → what an agent wrote, uncleared, until it was delivered
	order [keepRaw]string           // the turns of raw, the next to forget at at
	at    int                       //
	now   func() time.Time          //
}

type conversation struct {
	turns []said
	seqs  map[string]int // turn → seq
	next  int
	last  time.Time
	ended time.Time
}

type said struct {
	seq   int
	id    string
	cid   string
	role  event.Role
	agent string
	text  string // cleared
	at    time.Time
}

func newHub(s *ingest.Sessions) *hub {
	return &hub{sessions: s, convs: map[string]*conversation{}, conns: map[string]map[*conn]bool{}, raw: map[string]string{}, now: time.Now}
}

func listeners(tenant, customer string) string { return tenant + "/" + customer }

// hear keeps what an agent wrote for as long as it takes to reach the visitor:
// they must read the number that they are told to call. The other way round
// nobody sees more than the gate lets through.
func (h *hub) hear(t event.Turn) {
	if t.Channel != event.WebChat || t.Role != event.Agent && t.Role != event.Bot {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.raw, h.order[h.at])
	h.order[h.at], h.raw[t.ID] = t.ID, t.Text
	h.at = (h.at + 1) % keepRaw
}

// turn takes a turn from the topic: it gets its number, its sender the
// acknowledgement, and everybody else the message.
func (h *hub) turn(t event.Turn) {
	if t.Channel != event.WebChat {
		return
	}
	if _, ok := h.sessions.Find(t.Interaction); !ok {
		return // over long ago
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	c := h.convs[t.Interaction]
	if c == nil {
		c = &conversation{seqs: map[string]int{}, next: 1}
		h.convs[t.Interaction] = c
	}
	if _, again := c.seqs[t.ID]; again {
		return
	}
	s := said{seq: c.next, id: t.ID, cid: t.Provider, role: t.Role, agent: t.Agent, text: t.Text, at: t.At}
	c.next++
	c.last = h.now()
	c.seqs[t.ID] = s.seq
	c.turns = append(c.turns, s)
	if len(c.turns) > keepTurns {
		delete(c.seqs, c.turns[0].id)
		c.turns = c.turns[1:]
	}
	live := s
	if words, ok := h.raw[t.ID]; ok {
		live.text = words
		delete(h.raw, t.ID)
	}
	for conn := range h.conns[listeners(t.Tenant, t.Customer)] {
		switch {
		case conn.placed(t.ID, out{Type: "ack", Conv: t.Interaction, CID: s.cid, Seq: s.seq, ID: t.ID}):
		case conn.shows(t.Interaction):
			conn.push(conn.frame(t.Interaction, live, s))
		}
	}
}

// change takes a change of an interaction from the topic.
func (h *hub) change(i event.Interaction) {
	if i.Channel != event.WebChat || !i.Change.Terminal() {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if c := h.convs[i.Interaction]; c != nil {
		c.ended = h.now()
	}
	for conn := range h.conns[listeners(i.Tenant, i.Customer)] {
		if conn.shows(i.Interaction) {
			conn.push(out{Type: "ended", Conv: i.Interaction, Reason: i.Reason})
		}
	}
}

// join adds a listener and returns what it must be shown first: the welcome,
// and the messages that it does not have.
func (h *hub) join(c *conn, conv string, hello in, welcome out) [][]byte {
	h.mu.Lock()
	defer h.mu.Unlock()
	key := listeners(c.claims.Tenant, c.customer)
	if h.conns[key] == nil {
		h.conns[key] = map[*conn]bool{}
	}
	h.conns[key][c] = true
	welcome.Conv, welcome.Next = conv, 1
	have := 0
	if hello.Conv == conv {
		have = hello.Last
	}
	var missed []said
	if known := h.convs[conv]; known != nil {
		welcome.Next, missed = known.next, known.turns
	}
	if have >= welcome.Next || have < 0 { // numbers that this conversation never gave
		have, welcome.Reset = 0, true
	}
	welcome.Reset = welcome.Reset || hello.Conv != conv && hello.Conv != ""
	frames := [][]byte{welcome.encode()}
	for _, s := range missed {
		if s.seq > have {
			frames = append(frames, c.frame(conv, s, s).encode())
		}
	}
	return frames
}

func (h *hub) leave(c *conn) {
	h.mu.Lock()
	defer h.mu.Unlock()
	key := listeners(c.claims.Tenant, c.customer)
	delete(h.conns[key], c)
	if len(h.conns[key]) == 0 {
		delete(h.conns, key)
	}
}

// seq is the number of a message that is stored already. It is not ok where the
// message has still to be read back; it is 0 where it is not kept any more.
func (h *hub) seq(conv, turn string) (seq int, ok bool) {
	_, known := h.sessions.Find(conv)
	h.mu.Lock()
	defer h.mu.Unlock()
	c := h.convs[conv]
	if c == nil {
		return 0, !known
	}
	seq, ok = c.seqs[turn]
	return seq, ok || len(c.turns) == keepTurns
}

// forget drops conversations that nobody can resume any more.
func (h *hub) forget() {
	now := h.now()
	h.mu.Lock()
	defer h.mu.Unlock()
	for id, c := range h.convs {
		if !c.ended.IsZero() && now.Sub(c.ended) > keepEnded || now.Sub(c.last) > 2*h.sessions.Idle(event.WebChat) {
			delete(h.convs, id)
		}
	}
}
