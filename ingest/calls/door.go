package calls

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"throughline/event"
	"throughline/governance"
)

// Publisher stores events and returns when all are acknowledged; *bus.Bus is one.
type Publisher interface {
	Publish(ctx context.Context, msgs ...event.Message) error
}

// Consents tells what a customer allows; *governance.Ledger is one.
type Consents interface {
	Allowed(tenant, customer string, purpose event.Purpose, channel event.Channel) (bool, string)
}

// ErrBusy says that as many calls as allowed are going on: refuse with 503.
var ErrBusy = errors.New("too many calls at once")

// ErrStopping says that the process takes no more calls: refuse with 503.
var ErrStopping = errors.New("calls are being stopped")

// ErrEnded says that a call with these ids has already come to its end.
var ErrEnded = errors.New("call has ended")

// Parts is what a Door is made of. Gate and Bus are required; without Consents
// everything is allowed.
type Parts struct {
	Gate     *governance.Gate
	Consents Consents
	Bus      Publisher
	Metrics  prometheus.Registerer // nil: not registered
	Logger   *slog.Logger          // nil: slog.Default()
	Now      func() time.Time      // nil: time.Now
	// Tenant says whose a request about a call is; nil: calls of all tenants may be
	// asked about.
	Tenant func(*http.Request) string
	// Ended tells whether an interaction has ended elsewhere or in an earlier life of
	// this process, as far back as is known; nil: nothing is known. It must not wait.
	Ended func(interaction string) bool
}

// Door lets calls in. It is safe for concurrent use.
type Door struct {
	cfg      Config
	gate     *governance.Gate
	consents Consents
	bus      Publisher
	metrics  *metrics
	log      *slog.Logger
	now      func() time.Time
	tenant   func(*http.Request) string
	endedBy  func(interaction string) bool
	told     []func(interaction string)

	life context.Context // ends when what is still buffered is given up
	end  context.CancelFunc

	buffered atomic.Int64 // bytes of audio waiting for Kafka, all legs
	senders  sync.WaitGroup

	mu       sync.Mutex
	stopping bool
	calls    map[string]*Call
	ended    map[string]time.Time // lately
	pruned   time.Time            // when the oldest of them were last forgotten
	left     map[string]event.Interaction
}

// New makes a Door; Run must be running while there are calls.
func New(cfg Config, p Parts) (*Door, error) {
	if p.Gate == nil || p.Bus == nil {
		return nil, errors.New("calls door: Gate and Bus are required")
	}
	if p.Logger == nil {
		p.Logger = slog.Default()
	}
	if p.Now == nil {
		p.Now = time.Now
	}
	d := &Door{cfg: cfg.withDefaults(), gate: p.Gate, consents: p.Consents, bus: p.Bus, now: p.Now, tenant: p.Tenant, endedBy: p.Ended,
		log: p.Logger.With("component", "calls"), calls: map[string]*Call{}, ended: map[string]time.Time{}, left: map[string]event.Interaction{}}
	d.metrics = newMetrics(p.Metrics, d)
	d.life, d.end = context.WithCancel(context.Background())
	return d, nil
}

// Description is what a source knows of a call when it begins.
type Description struct {
	Tenant    string
	Source    string // "siprec", "rtp", "twilio", …: with ID it makes the interaction's id
	ID        string // the provider's own id of the call
	Customer  event.Handle
	Direction string // "inbound" or "outbound", seen from the centre
	Account   string // the number or trunk on our side
	Queue     string
	Agent     string
	Case      string
	At        time.Time // when it began, by the source's clock; zero: now
	Holds     bool      // the source tells when the call is on hold
	Attrs     map[string]string
}

// Interaction is the id of the call that d describes.
func (d Description) Interaction() string { return event.ID("i", d.Tenant, d.Source, d.ID) }

// Begin takes a call in. It never waits for Kafka: what it publishes is buffered.
// A second Begin with the same ids gives the call that is going on, which then
// needs as many ends as it had beginnings: some recorders send each leg on its own.
// A call that has ended, by whatever process, is ErrEnded: nothing comes after an end.
func (d *Door) Begin(ctx context.Context, desc Description) (*Call, error) {
	return d.begin(ctx, desc, true)
}

// begin takes a call in. One that is not live may be made again: its events are the
// same.
func (d *Door) begin(ctx context.Context, desc Description, live bool) (*Call, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("begin call: %w", err)
	}
	if desc.Tenant == "" || desc.Source == "" || desc.ID == "" {
		return nil, errors.New("begin call: Tenant, Source and ID are required")
	}
	if desc.Customer.Value == "" {
		desc.Customer = event.Handle{Kind: event.Visitor, Value: desc.Source + ":" + desc.ID}
	}
	id := desc.Interaction()
	d.mu.Lock()
	defer d.mu.Unlock()
	if c := d.calls[id]; c != nil {
		if c.hold() {
			return c, nil
		}
		return nil, ErrEnded // it ends just now
	}
	if _, over := d.ended[id]; over || live && d.endedBy != nil && d.endedBy(id) {
		return nil, ErrEnded
	}
	switch {
	case d.stopping:
		d.metrics.refused.WithLabelValues(desc.Source).Inc()
		return nil, ErrStopping
	case len(d.calls) >= d.cfg.MaxCalls:
		d.metrics.refused.WithLabelValues(desc.Source).Inc()
		return nil, ErrBusy
	}
	before, resumed := d.left[id]
	delete(d.left, id)
	c := newCall(d, id, desc)
	d.calls[id] = c
	d.metrics.begun.WithLabelValues(desc.Source).Inc()
	c.introduce()
	if resumed {
		c.customer = before.Customer // what comes stays with what was said before
		c.resume(before)
	} else {
		c.start()
	}
	d.senders.Add(1)
	go c.out.run()
	return c, nil
}

// OnPause has tell called when a call is paused or unpaused by request, so that its
// source can be asked to send nothing meanwhile. It is called before calls are
// taken, and tell may not wait for the call.
func (d *Door) OnPause(tell func(interaction string)) { d.told = append(d.told, tell) }

func (d *Door) tell(interaction, by string) {
	if by != ByRequest {
		return
	}
	for _, tell := range d.told {
		tell(interaction)
	}
}

// Find gives a call that is going on.
func (d *Door) Find(interaction string) (*Call, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	c, ok := d.calls[interaction]
	return c, ok
}

// Join gives a call that is going on to one more holder: it needs one End more.
func (d *Door) Join(interaction string) (*Call, bool) {
	c, ok := d.Find(interaction)
	return c, ok && c.hold()
}

// Open is the number of calls going on.
func (d *Door) Open() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.calls)
}

// tick is how often legs are looked after.
const tick = 200 * time.Millisecond

// Run looks after the calls until ctx ends: packets held back, silence, consent,
// reports of quality. Then it fails the calls that are still going on, and gives
// Kafka DrainWithin to take what is buffered.
func (d *Door) Run(ctx context.Context) error {
	t := time.NewTicker(tick)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			d.lookAfter(d.now())
		case <-ctx.Done():
			return d.stop()
		}
	}
}

func (d *Door) lookAfter(now time.Time) {
	for _, c := range d.open() {
		c.lookAfter(now)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if now.Sub(d.pruned) < time.Minute {
		return
	}
	d.pruned = now
	for id, at := range d.ended {
		if now.Sub(at) > keepEnded {
			delete(d.ended, id)
		}
	}
}

func (d *Door) open() []*Call {
	d.mu.Lock()
	defer d.mu.Unlock()
	all := make([]*Call, 0, len(d.calls))
	for _, c := range d.calls {
		all = append(all, c)
	}
	return all
}

// stop is idempotent and bounded.
func (d *Door) stop() error {
	d.mu.Lock()
	d.stopping = true
	d.mu.Unlock()
	for _, c := range d.open() {
		c.finish(event.Failed, ReasonStopped)
	}
	drained := make(chan struct{})
	go func() { d.senders.Wait(); close(drained) }()
	t := time.NewTimer(d.cfg.DrainWithin)
	defer t.Stop()
	select {
	case <-drained:
		d.end()
		return nil
	case <-t.C:
		d.end()
		<-drained
		return errors.New("stop calls: Kafka did not take everything that was buffered")
	}
}

// keepEnded and maxEnded bound how long and how many ended calls are still known,
// so that a late or repeated beginning does not open them again.
const (
	keepEnded = time.Hour
	maxEnded  = 20_000
)

func (d *Door) forget(c *Call) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.calls[c.id] == c {
		delete(d.calls, c.id)
	}
	if len(d.ended) < maxEnded {
		d.ended[c.id] = d.now()
	}
}

// refused names the purpose that the customer does not allow, and why; "" if
// the audio may be kept.
func (d *Door) refused(tenant, customer string) string {
	if d.consents == nil {
		return ""
	}
	for _, p := range [...]event.Purpose{event.Record, event.Transcribe} {
		if ok, why := d.consents.Allowed(tenant, customer, p, event.Voice); !ok {
			return string(p) + ": " + why
		}
	}
	return ""
}
