package ingest

import (
	"cmp"
	"container/list"
	"math"
	"sync"
	"time"

	"throughline/event"
)

// The defaults of SessionsConfig.
const (
	DefaultWhatsAppIdle = 24 * time.Hour // the customer service window of WhatsApp
	DefaultWebChatIdle  = 30 * time.Minute
	DefaultSMSIdle      = 24 * time.Hour
	DefaultEmailIdle    = 72 * time.Hour
	DefaultVoiceIdle    = 4 * time.Hour
	DefaultMaxSessions  = 200_000
	DefaultMemory       = 100_000
	DefaultSweepEvery   = 15 * time.Second
)

// keepEnded is how long an ended interaction is still known as ended, so that
// ending it again is a duplicate and not a stranger.
const keepEnded = time.Hour

// SessionsConfig says when a conversation is over. The zero value works.
type SessionsConfig struct {
	WhatsAppIdle time.Duration `yaml:"whatsapp_idle" default:"24h" doc:"a WhatsApp conversation ends after this silence"`
	WebChatIdle  time.Duration `yaml:"webchat_idle" default:"30m" doc:"a web chat ends after this silence"`
	SMSIdle      time.Duration `yaml:"sms_idle" default:"24h" doc:"an SMS conversation ends after this silence"`
	EmailIdle    time.Duration `yaml:"email_idle" default:"72h" doc:"a mail conversation ends after this silence"`
	VoiceIdle    time.Duration `yaml:"voice_idle" default:"4h" doc:"a call whose end nobody reported ends after this silence"`
	MaxSessions  int           `yaml:"max_open" default:"200000" doc:"open interactions kept in memory; above it the longest silent ones are ended"`
	Memory       int           `yaml:"recent_ids" default:"100000" doc:"ids of messages remembered (up to twice as many) to answer redeliveries"`
	SweepEvery   time.Duration `yaml:"sweep_every" default:"15s" doc:"time between looks for conversations that are over"`

	Now func() time.Time `yaml:"-"` // nil: time.Now
}

func (c SessionsConfig) withDefaults() SessionsConfig {
	c.WhatsAppIdle = cmp.Or(max(c.WhatsAppIdle, 0), DefaultWhatsAppIdle)
	c.WebChatIdle = cmp.Or(max(c.WebChatIdle, 0), DefaultWebChatIdle)
	c.SMSIdle = cmp.Or(max(c.SMSIdle, 0), DefaultSMSIdle)
	c.EmailIdle = cmp.Or(max(c.EmailIdle, 0), DefaultEmailIdle)
	c.VoiceIdle = cmp.Or(max(c.VoiceIdle, 0), DefaultVoiceIdle)
	c.MaxSessions = cmp.Or(max(c.MaxSessions, 0), DefaultMaxSessions)
	c.Memory = cmp.Or(max(c.Memory, 0), DefaultMemory)
	c.SweepEvery = cmp.Or(max(c.SweepEvery, 0), DefaultSweepEvery)
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

// Sessions knows the open interactions. Kafka is its only memory: it is
// restored from the topics on start and follows them, so that several processes
// agree on which interaction a message belongs to.
type Sessions struct {
	cfg    SessionsConfig
	memory *memory

	mu      sync.Mutex
	byID    map[string]*session
	threads map[string]*session          // thread → where its next message belongs
	silent  map[event.Channel]*list.List // open sessions, the longest silent at the back
	ended   *list.List                   // ended ones, the first ended at the back
	open    int

	ready    chan struct{}
	watchers []Watcher
}

// Watcher sees what is read from the topics, in the order of each partition.
// Both functions must return quickly. A nil function sees nothing.
type Watcher struct {
	Turn   func(event.Turn)
	Change func(event.Interaction)
	// Channel is the one whose open interactions are seen from their first turn
	// on after a restart; of others only the latest turns are read again.
	Channel event.Channel
}

// session is one open (or just ended) interaction. All fields are guarded by Sessions.mu.
type session struct {
	id, thread                string
	tenant, customer, account string
	channel                   event.Channel
	began                     time.Time // when its first event was accepted
	last                      time.Time
	ended                     time.Time // zero: open
	// order is the offset of its start on the topic. Where two processes opened
	// a thread at once the lower one is current for both; until it was read back
	// a start is the last.
	order   int64
	element *list.Element
}

const notReadYet = math.MaxInt64

// NewSessions makes Sessions that are not ready until Run has restored them.
func NewSessions(cfg SessionsConfig) *Sessions {
	cfg = cfg.withDefaults()
	return &Sessions{
		cfg: cfg, memory: newMemory(cfg.Memory),
		byID: map[string]*session{}, threads: map[string]*session{},
		silent: map[event.Channel]*list.List{}, ended: list.New(),
		ready: make(chan struct{}),
	}
}

// Watch adds w. It must be called before Run.
func (s *Sessions) Watch(w Watcher) { s.watchers = append(s.watchers, w) }

// Ready is closed when the topics have been read up to where they ended at start.
func (s *Sessions) Ready() <-chan struct{} { return s.ready }

func (s *Sessions) isReady() bool {
	select {
	case <-s.ready:
		return true
	default:
		return false
	}
}

// Idle is the silence after which an interaction on ch is over.
func (s *Sessions) Idle(ch event.Channel) time.Duration {
	switch ch {
	case event.WebChat:
		return s.cfg.WebChatIdle
	case event.SMS:
		return s.cfg.SMSIdle
	case event.Email:
		return s.cfg.EmailIdle
	case event.Voice:
		return s.cfg.VoiceIdle
	}
	return s.cfg.WhatsAppIdle
}

// Interaction is an interaction as Sessions knows it.
type Interaction struct {
	ID, Tenant, Customer, Account string
	Channel                       event.Channel
	Last                          time.Time // of its last turn or change
	Ended                         bool
}

// Find returns the interaction with this id, if it is open or ended only lately.
func (s *Sessions) Find(id string) (Interaction, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.byID[id]
	if e == nil {
		return Interaction{}, false
	}
	return e.public(), true
}

// Current returns the open interaction of a customer with one of our accounts,
// if there is one and it is not over by silence.
func (s *Sessions) Current(tenant string, ch event.Channel, account, customer string) (Interaction, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.threads[threadKey(tenant, ch, account, customer)]
	if e == nil || s.cfg.Now().Sub(e.last) > s.Idle(ch) {
		return Interaction{}, false
	}
	return e.public(), true
}

// current returns the open interaction of a thread; if that is over by silence,
// its end instead, which is to be published before the next one starts.
func (s *Sessions) current(thread string, now time.Time) (id string, over *event.Interaction) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.threads[thread]
	if e == nil {
		return "", nil
	}
	if s.over(e, now) {
		end := s.ending(e, ReasonIdle, now)
		return "", &end
	}
	return e.id, nil
}

// Open is the number of open interactions.
func (s *Sessions) Open() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.open
}

func (e *session) public() Interaction {
	return Interaction{ID: e.id, Tenant: e.tenant, Customer: e.customer, Account: e.account,
		Channel: e.channel, Last: e.last, Ended: !e.ended.IsZero()}
}

// start notes an interaction that began, at its place on the topic.
func (s *Sessions) start(i event.Interaction, order int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.byID[i.Interaction]
	if e == nil {
		e = s.add(i.Interaction, i.Tenant, i.Customer, i.Channel, i.Received)
	}
	if e.order > order {
		e.order = order
	}
	e.account = i.Account
	if !threaded(i) {
		return
	}
	e.thread = threadKey(i.Tenant, i.Channel, i.Account, i.Customer)
	if !e.ended.IsZero() {
		return
	}
	if c := s.threads[e.thread]; c == nil || e.order < c.order || s.over(c, i.Received) {
		s.threads[e.thread] = e
	}
}

// threaded tells whether later messages of the customer may join i: calls and
// backfilled conversations stand alone.
func threaded(i event.Interaction) bool {
	return i.Channel != event.Voice && i.Attrs[historicAttr] == ""
}

func (s *Sessions) over(e *session, now time.Time) bool {
	return now.Sub(e.last) > s.Idle(e.channel)
}

// add makes an open session. The caller holds mu.
func (s *Sessions) add(id, tenant, customer string, ch event.Channel, at time.Time) *session {
	e := &session{id: id, tenant: tenant, customer: customer, channel: ch, began: at, last: at, order: notReadYet}
	s.byID[id] = e
	l := s.silent[ch]
	if l == nil {
		l = list.New()
		s.silent[ch] = l
	}
	e.element = l.PushFront(e)
	s.open++
	return e
}

// watchedSince is when the first of the known interactions that a watcher wants
// whole began.
func (s *Sessions) watchedSince() (began time.Time, wanted bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range s.watchers {
		for _, e := range s.byID {
			if e.channel == w.Channel && w.Turn != nil && (!wanted || e.began.Before(began)) {
				began, wanted = e.began, true
			}
		}
	}
	return began, wanted
}

// aliveUntil notes that open interactions may have gone on until a moment: what
// was said before it has not been read. They end later for it, never too soon.
func (s *Sessions) aliveUntil(at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.silent {
		for e := l.Front(); e != nil; e = e.Next() {
			if open := e.Value.(*session); open.last.Before(at) {
				open.last = at
			}
		}
	}
}

// touch notes that something was said in an interaction.
func (s *Sessions) touch(id string, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.byID[id]; e != nil {
		s.move(e, at)
	}
}

func (s *Sessions) move(e *session, at time.Time) {
	if e.ended.IsZero() && at.After(e.last) {
		e.last = at
		s.silent[e.channel].MoveToFront(e.element)
	}
}

// end notes that an interaction is over.
func (s *Sessions) end(id string, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.byID[id]
	if e == nil || !e.ended.IsZero() {
		return
	}
	e.ended = at
	s.silent[e.channel].Remove(e.element)
	e.element = s.ended.PushFront(e)
	s.open--
	if s.threads[e.thread] == e {
		delete(s.threads, e.thread)
	}
}

// apply notes a change, which stands at offset of its topic.
func (s *Sessions) apply(i event.Interaction, offset int64) {
	switch {
	case i.Change == event.Started:
		s.start(i, offset)
	case i.Change.Terminal():
		s.end(i.Interaction, i.Received)
	case i.Change != event.Delivery: // that a message was read is no sign of life
		s.touch(i.Interaction, i.Received)
	}
}

// readChange applies what was read from the topic of interactions.
func (s *Sessions) readChange(i event.Interaction, offset int64) {
	s.apply(i, offset)
	s.memory.put(i.ID, i.Interaction)
	for _, w := range s.watchers {
		if w.Change != nil {
			w.Change(i)
		}
	}
}

// readTurn applies what was read from the topic of turns.
func (s *Sessions) readTurn(t event.Turn) {
	s.memory.put(t.ID, t.Interaction)
	s.mu.Lock()
	if e := s.byID[t.Interaction]; e != nil {
		s.move(e, t.Received)
	} else if s.orphan(t) {
		// Its start is older than the topic's retention: it must still end.
		s.add(t.Interaction, t.Tenant, t.Customer, t.Channel, t.Received)
	}
	s.mu.Unlock()
	for _, w := range s.watchers {
		if w.Turn != nil {
			w.Turn(t)
		}
	}
}

// orphan tells whether t shows an open interaction that nobody has heard of. One
// whose end was read, or which was silent for long, is history.
func (s *Sessions) orphan(t event.Turn) bool {
	if t.Historic || s.cfg.Now().Sub(t.Received) > 2*s.Idle(t.Channel) {
		return false
	}
	_, ended := s.memory.find(endedID(t.Interaction))
	return !ended
}
