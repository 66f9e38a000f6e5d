package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"throughline/event"
)

// The defaults of Options.
const (
	DefaultSpeed = 60 // an hour of the script in a minute
	// DefaultSettle is for what was sent to arrive everywhere. Only a day of which
	// something is missing takes it whole.
	DefaultSettle = 3 * time.Minute
	// OnceTakes is how long the day takes with Once where no speed is given.
	OnceTakes = 40 * time.Second
)

// Target is the Throughline that is played against, as an outside program
// reaches it.
type Target struct {
	BaseURL     string // of the HTTP surface, http://127.0.0.1:8080
	Token       string // for it; empty where this machine needs none
	AppSecret   string // signs the WhatsApp webhooks
	VerifyToken string // of the same
	// ClickHouseURL is the HTTP interface for reading; user, password and
	// ?database= may stand in it. The database is throughline where none is given.
	ClickHouseURL string
	// SIP is host:port of the recording server, SIP over TCP; empty: the calls of
	// the day are not played.
	SIP string
	// Speech tells why calls do not become words at this moment, "" where they do.
	// Then their words are not asked for. Nil: they do.
	Speech func() string
	// DataDirs hold the broker's and the engine's files, Logs what the program
	// wrote; their bytes are searched for planted secrets. Both may be empty.
	DataDirs, Logs []string
}

// Options say how to play. The zero value loops at DefaultSpeed.
type Options struct {
	Speed float64 // script time in real time; 0: DefaultSpeed, or with Once as OnceTakes says
	// Once plays the day once and looks for everything it sent; otherwise it is
	// played again and again, by new people, until ctx ends.
	Once   bool
	Settle time.Duration // with Once: how long to wait for everything; 0: DefaultSettle
	Out    io.Writer     // progress for people; nil: nowhere
}

// Play plays the day. With Options.Once it returns the report, and an error that
// names what is missing unless all is there. Otherwise it returns when ctx ends.
func Play(ctx context.Context, t Target, o Options) (Report, error) {
	d, err := bundled()
	if err != nil {
		return Report{}, err
	}
	s, err := newShow(d, t, o)
	if err != nil {
		return Report{}, err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	group, gctx := errgroup.WithContext(ctx)
	group.Go(func() error { return s.listener.run(gctx) })
	var report Report
	group.Go(func() error {
		defer stop()
		var err error
		if report, err = s.play(gctx); err != nil && ctx.Err() != nil {
			return nil // somebody asked us to stop
		}
		return err
	})
	if err := group.Wait(); err != nil {
		return report, fmt.Errorf("demo: %w", err)
	}
	if o.Once && report.Run == "" {
		return report, fmt.Errorf("demo: %w", context.Canceled)
	}
	return report, nil
}

// show is a day being played.
type show struct {
	day      day
	target   Target
	options  Options
	courier  *courier
	meta     *meta
	listener *listener
	phones   *controller            // nil where the day has no calls
	current  atomic.Pointer[ledger] // of the round that is played
	out      sync.Mutex
}

func newShow(d day, t Target, o Options) (*show, error) {
	for name, address := range map[string]string{"BaseURL": t.BaseURL, "ClickHouseURL": t.ClickHouseURL} {
		u, err := url.Parse(address)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return nil, fmt.Errorf("demo target: %s must be of the form http://host:port", name)
		}
	}
	if t.AppSecret == "" || t.VerifyToken == "" {
		return nil, errors.New("demo target: AppSecret and VerifyToken are needed to sign webhooks")
	}
	t.BaseURL = strings.TrimSuffix(t.BaseURL, "/")
	switch {
	case o.Speed < 0:
		return nil, fmt.Errorf("demo options: speed is %g and must be above 0", o.Speed)
	case o.Speed == 0 && o.Once:
		o.Speed = float64(d.ends()-d.begins()) / float64(OnceTakes)
	case o.Speed == 0:
		o.Speed = DefaultSpeed
	}
	if o.Settle <= 0 {
		o.Settle = DefaultSettle
	}
	if o.Out == nil {
		o.Out = io.Discard
	}
	if t.SIP == "" {
		d.Calls = nil
	}
	s := &show{day: d, target: t, options: o}
	s.current.Store(newLedger())
	patience := time.Duration(0)
	if o.Once {
		patience = o.Settle
	}
	s.courier = newCourier(t.BaseURL, t.Token, patience, s.current.Load)
	s.meta = &meta{courier: s.courier, secret: t.AppSecret, number: d.Number}
	s.listener = newListener(t.BaseURL, t.Token, s.current.Load)
	return s, nil
}

func (s *show) play(ctx context.Context) (Report, error) {
	defer s.courier.tick.Stop()
	select {
	case <-s.listener.ready:
	case <-ctx.Done():
		return Report{}, ctx.Err()
	}
	if err := s.meta.verify(ctx, s.target.VerifyToken); err != nil {
		return Report{}, err
	}
	if err := s.meta.forge(ctx); err != nil {
		return Report{}, err
	}
	if len(s.day.Calls) > 0 {
		var err error
		if s.phones, err = newController(s.target.SIP); err != nil {
			return Report{}, err
		}
		defer s.phones.close()
	}
	for n := 0; ; n++ {
		began := time.Now()
		c := newCast(s.day, began, n)
		l := newLedger()
		s.current.Store(l)
		s.tell("%s  %d conversations, %g times as fast as life, and %d calls", "day "+fmt.Sprint(n+1), len(s.day.Conversations), round1(s.options.Speed), len(s.day.Calls))
		failed := s.round(ctx, c, l)
		if ctx.Err() != nil {
			return Report{}, ctx.Err()
		}
		if s.options.Once {
			return s.account(ctx, c, l, began, failed)
		}
		s.tell("that was the day; it begins again with other people")
	}
}

// round plays every conversation and call of the day, each at its time. It returns what
// failed on our way to the service.
func (s *show) round(ctx context.Context, c cast, l *ledger) []error {
	var mu sync.Mutex
	var failed []error
	var wg sync.WaitGroup
	start := time.Now()
	tried := func(at clock, id string, err error) {
		if err == nil || ctx.Err() != nil {
			return
		}
		s.tell("%s  %s: %v", at, id, err)
		mu.Lock()
		defer mu.Unlock()
		failed = append(failed, fmt.Errorf("%s: %w", id, err))
	}
	for _, k := range s.day.Calls {
		wg.Go(func() {
			if s.until(ctx, start.Add(s.real(time.Duration(k.At)-s.day.begins()))); ctx.Err() == nil {
				tried(k.At, k.ID, s.ring(ctx, c, l, k))
			}
		})
	}
	over := map[string]chan struct{}{} // by person: their last conversation
	for _, conv := range s.day.Conversations {
		before, mine := over[conv.Who], make(chan struct{})
		over[conv.Who] = mine
		wg.Go(func() {
			defer close(mine)
			s.until(ctx, start.Add(s.real(time.Duration(conv.At)-s.day.begins())))
			if before != nil {
				select {
				case <-before:
				case <-ctx.Done():
				}
			}
			if ctx.Err() != nil {
				return
			}
			tried(conv.At, conv.ID, s.converse(ctx, c, l, conv))
		})
	}
	wg.Wait()
	return failed
}

// real is how long a stretch of the script takes.
func (s *show) real(d time.Duration) time.Duration {
	return time.Duration(float64(d) / s.options.Speed)
}

func (s *show) until(ctx context.Context, at time.Time) {
	t := time.NewTimer(time.Until(at))
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// tell writes a line of progress: our own titles, never anybody's words.
func (s *show) tell(format string, args ...any) {
	s.out.Lock()
	defer s.out.Unlock()
	_, _ = fmt.Fprintf(s.options.Out, format+"\n", args...)
}

// conversing is one conversation while it is played.
type conversing struct {
	show   *show
	conv   conversation
	cast   cast
	player player
	ledger *ledger
	desk   *desk
	line   line
	first  string            // the first message's id
	ids    map[string]string // of the script, to the provider's
}

func (s *show) converse(ctx context.Context, c cast, l *ledger, conv conversation) error {
	v := &conversing{show: s, conv: conv, cast: c, player: c.people[conv.Who], ledger: l,
		desk: &desk{courier: s.courier, ledger: l}, ids: map[string]string{}}
	v.line = v.open()
	defer v.line.close(ctx)
	s.tell("%s  %-8s  %s", conv.At, conv.Channel, conv.Title)
	for i, due := 0, time.Now(); i < len(conv.Steps); {
		n := 1
		for i+n < len(conv.Steps) && conv.Steps[i+n].Together {
			n++
		}
		due = due.Add(s.real(conv.Steps[i].In))
		s.until(ctx, due)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err := v.steps(ctx, i, n); err != nil {
			return fmt.Errorf("step %d: %w", i+1, err)
		}
		i += n
	}
	return nil
}

// open chooses the way by which the conversation travels.
func (v *conversing) open() line {
	switch v.conv.Channel {
	case event.WhatsApp:
		return &whatsApp{meta: v.show.meta, ledger: v.ledger, player: v.player}
	case event.WebChat:
		return newChat(v.show.target.BaseURL, v.show.day.Widget, v.player.name, v.conv.ID, v.ledger)
	}
	return &direct{desk: v.desk, where: v.where()}
}

// where finds the conversation for a message that does not name its interaction.
func (v *conversing) where() object {
	who := object{"name": v.player.name}
	if v.player.phone != "" {
		who["phone"] = v.player.phone
	}
	if v.conv.Channel == event.Email {
		who["email"] = v.player.mail
	}
	account := map[event.Channel]string{event.WhatsApp: v.show.day.Number.ID, event.SMS: v.show.day.Shortcode, event.Email: v.show.day.Mailbox}
	return object{"channel": v.conv.Channel, "account": account[v.conv.Channel], "customer": who}
}

// steps plays n steps from i on: one, or several messages that go together.
func (v *conversing) steps(ctx context.Context, i, n int) error {
	s := v.conv.Steps[i]
	id := v.cast.messageID(v.conv, i)
	switch {
	case s.said() && s.role() == event.Customer:
		var said []words
		for k := i; k < i+n; k++ {
			said = append(said, v.words(k))
		}
		v.sending(said...)
		return v.line.say(ctx, said...)
	case s.said():
		return v.answer(ctx, v.words(i))
	case s.Identify != "":
		return v.desk.identify(ctx, id, v.player, s)
	case s.Preference != "":
		return v.show.meta.deliver(ctx, v.show.meta.preference(v.player, s.Preference))
	}
	interaction, err := v.interaction(ctx)
	if err != nil {
		return err
	}
	if s.End != "" {
		v.ledger.sentChange(v.conv.ID, event.Ended)
		return v.desk.end(ctx, interaction, s.End)
	}
	v.ledger.sentChange(v.conv.ID, s.Event)
	return v.desk.happens(ctx, interaction, id, s)
}

// words are what step i says.
func (v *conversing) words(i int) words {
	s := v.conv.Steps[i]
	w := words{step: s, id: v.cast.messageID(v.conv, i), replyTo: v.ids[s.ReplyTo]}
	w.text, w.secrets = v.player.words(s.Says)
	if v.first == "" {
		v.first = w.id
	}
	if s.ID != "" {
		v.ids[s.ID] = w.id
	}
	return w
}

// sending notes that said goes out now.
func (v *conversing) sending(said ...words) {
	for _, w := range said {
		v.ledger.sending(message{ID: w.id, Conversation: v.conv.ID, Person: v.conv.Who, Channel: v.conv.Channel,
			Kind: w.step.kind(), Role: w.step.role(), Secrets: w.secrets})
	}
}

// answer sends what our side says.
func (v *conversing) answer(ctx context.Context, w words) error {
	wa, onWhatsApp := v.line.(*whatsApp)
	if w.step.Echo {
		v.sending(w)
		return wa.echo(ctx, w)
	}
	where := v.where() // the first word is ours: nobody has opened the interaction
	if w.id != v.first {
		interaction, err := v.interaction(ctx)
		if err != nil {
			return err
		}
		where = object{"interaction": interaction}
	}
	if onWhatsApp {
		where["at"] = whole()
	}
	v.sending(w)
	if err := v.desk.write(ctx, w, where); err != nil || !onWhatsApp {
		return err
	}
	return wa.statuses(ctx, w.id, w.step.Statuses)
}

// interaction is what the service calls the conversation.
func (v *conversing) interaction(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, v.show.options.Settle)
	defer cancel()
	id, err := v.ledger.interaction(ctx, v.first)
	if err != nil {
		return "", fmt.Errorf("the first message was not seen on the stream: %w", err)
	}
	return id, nil
}
