package assist

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"sync"

	"throughline/bus"
	"throughline/event"
)

// Config says which policy decides.
type Config struct {
	Policy string `yaml:"policy" doc:"path of the policy file; empty uses the one that is shipped. It holds for every tenant that has put none in force"`

	Targets []string     `yaml:"-"` // names of the outgoing targets; nil: they are not known in this process
	Logger  *slog.Logger `yaml:"-"` // nil: slog.Default()
}

// Desk holds the policy in force for each tenant. It is safe for concurrent use.
type Desk struct {
	log        *slog.Logger
	targets    []string
	configured *Policy
	text       []byte // of configured

	mu      sync.RWMutex
	tenants map[string]*history
	acting  sync.Mutex     // held over a look into the memories of all shards
	shards  map[int]*shard // of the partitions that this process decides for, or has lately
	changed chan struct{}  // closed and made anew with each change
}

// history is what a tenant has put in force, oldest first, each version once.
type history struct {
	active *Policy // nil: the configured one
	list   []event.Policy
}

// NewDesk loads the configured policy.
func NewDesk(cfg Config) (*Desk, error) {
	text, err := textOf(cfg.Policy)
	if err != nil {
		return nil, err
	}
	p, err := Load(cmp.Or(cfg.Policy, "policy.default.yaml"), text)
	if err != nil {
		return nil, err
	}
	if cfg.Targets != nil {
		if err := p.CheckTargets(cfg.Targets); err != nil {
			return nil, err
		}
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	return &Desk{log: cfg.Logger.With("component", "assist"), targets: cfg.Targets, configured: p, text: text,
		tenants: map[string]*history{}, shards: map[int]*shard{}, changed: make(chan struct{})}, nil
}

// For is the policy in force for a tenant.
func (d *Desk) For(tenant string) *Policy {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if h := d.tenants[tenant]; h != nil && h.active != nil {
		return h.active
	}
	return d.configured
}

// enter makes a partition's shard known to the others.
func (d *Desk) enter(partition int, s *shard) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.shards[partition] = s
}

// others are the shards of this process but s.
func (d *Desk) others(s *shard) []*shard {
	d.mu.RLock()
	defer d.mu.RUnlock()
	out := make([]*shard, 0, len(d.shards))
	for _, o := range d.shards {
		if o != s {
			out = append(out, o)
		}
	}
	return out
}

// Follow keeps the policies in force up to date until ctx ends; known is closed
// when those are that were put in force before.
func (d *Desk) Follow(ctx context.Context, b *bus.Bus, known chan<- struct{}) error {
	src := event.Policies().Source
	end, err := bus.Replay(ctx, b, src, 0, d.apply)
	if err != nil {
		return err
	}
	close(known)
	return bus.Follow(ctx, b, src, 0, end, d.apply)
}

// apply puts a version in force. One that this program cannot read leaves what
// is in force as it is.
func (d *Desk) apply(r bus.Record[event.Policy]) error {
	if r.Deleted {
		return nil
	}
	in, p := r.Value, (*Policy)(nil)
	if in.Version != "" {
		var err error
		if p, err = Load("policy "+in.Version, []byte(in.Text)); err != nil {
			d.log.Error("a policy that was put in force cannot be read here; the one before stays", "tenant", in.Tenant, "version", in.Version, "error", err)
			return nil
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	h := d.tenants[in.Tenant]
	if h == nil {
		h = &history{}
		d.tenants[in.Tenant] = h
	}
	h.active = p
	h.list = append(slices.DeleteFunc(h.list, func(old event.Policy) bool { return old.Version == in.Version }), in)
	close(d.changed)
	d.changed = make(chan struct{})
	d.log.Info("policy in force", "tenant", in.Tenant, "version", cmp.Or(in.Version, d.configured.Version), "by", in.By)
	return nil
}

// await returns when the activation named by request is in force here.
func (d *Desk) await(ctx context.Context, tenant, request string) error {
	for {
		d.mu.RLock()
		changed, h := d.changed, d.tenants[tenant]
		there := h != nil && slices.ContainsFunc(h.list, func(p event.Policy) bool { return p.Request == request })
		d.mu.RUnlock()
		if there {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
		}
	}
}

// versions lists what a tenant has put in force, the one in force last.
func (d *Desk) versions(tenant string) []event.Policy {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if h := d.tenants[tenant]; h != nil {
		return slices.Clone(h.list)
	}
	return nil
}
