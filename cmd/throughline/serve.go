package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"throughline/assist"
	"throughline/bus"
	brokers "throughline/bus/embedded"
	"throughline/dashboards"
	"throughline/event"
	"throughline/governance"
	"throughline/governance/access"
	"throughline/ingest"
	"throughline/ingest/api"
	"throughline/ingest/webchat"
	"throughline/ingest/whatsapp"
	"throughline/journey"
	"throughline/sink"
	engines "throughline/sink/embedded"
)

func serve(ctx context.Context, args []string) error {
	f := flags("serve [--config FILE] [--roles LIST]", "Run the pipeline until interrupted. Without a config file everything runs here, on embedded Kafka and ClickHouse.")
	path := f.String("config", "", "settings `file` (YAML); throughline config default prints one")
	list := f.String("roles", "", "comma-separated `list` of "+strings.Join(roles, ", ")+"; empty: all")
	if err := parse(f, args, 0, 0); err != nil {
		return err
	}
	s, err := load(*path)
	if err != nil {
		return err
	}
	taken := roles
	if *list != "" {
		taken = nil
		for role := range strings.SplitSeq(*list, ",") {
			taken = append(taken, strings.TrimSpace(role))
		}
	}
	kept := secrets{dir: s.DataDir}
	if err := s.fillSecrets(&kept, taken); err != nil {
		return err
	}
	h, err := newHouse(s, taken)
	if err != nil {
		return err
	}
	if err := kept.write(); err != nil { // not before everything is known to be right
		return err
	}
	if len(s.Kafka.Brokers) > 0 {
		for _, key := range kept.keys {
			h.log.Warn("this process has made a secret of its own; where others take messages or calls, too, set the same for all", "setting", key)
		}
	}
	return h.run(ctx, nil)
}

// addresses are where a running house can be reached.
type addresses struct{ HTTP, Kafka, ClickHouse string }

// tell adds to attrs where what runs can be reached.
func (at addresses) tell(attrs ...any) []any {
	attrs = append(attrs, "http", "http://"+at.HTTP, "kafka", at.Kafka)
	if at.ClickHouse != "" {
		attrs = append(attrs, "clickhouse", "http://"+at.ClickHouse)
	}
	return attrs
}

// garbageRoom lets the heap grow by twice as much before garbage is collected:
// the collector takes it for living, though it is never touched and so lies on
// no page. Little lives in a quiet centre's heap; without this a collection ran,
// and kept webhooks waiting, more than once a second at 200 messages a second.
// A higher GOGC would cost a large centre as many times its heap.
const garbageRoom = 64 << 20

// caughtUp is how long after the start its garbage is given back to the system:
// several times the models' size, and a hundred megabytes of what the stages read
// again. A program that then has nothing to do would keep it.
const caughtUp = 5 * time.Second

// run starts everything in the order in which it is needed, calls up once all
// is ready, and stops in reverse when ctx ends or a part fails.
func (h *house) run(ctx context.Context, up func(addresses)) (err error) {
	room := make([]byte, garbageRoom)
	defer runtime.KeepAlive(room)
	defer func() {
		if ctx.Err() != nil { // asked to stop, perhaps while it waited for what it needs: no failure
			err = nil
		}
	}()
	shutdown, err := startTracing(ctx)
	if err != nil {
		return err
	}
	defer shutdown()
	s := h.settings
	life := newLifecycle(h.log)
	defer life.stop()
	began := time.Now()
	var reading func() (reading, error)
	if h.takes("nlp") {
		reading = h.openReading(ctx)
	}

	var at addresses
	if at.Kafka, err = h.startBroker(life); err != nil {
		return err
	}
	if asksStore(h.roles) {
		if err := h.startEngine(ctx, life, &at); err != nil {
			return err
		}
	}
	s.Kafka.Metrics, s.Kafka.Logger = h.registry, h.log
	b, err := bus.Dial(s.Kafka.Config)
	if err != nil {
		return err
	}
	life.start(service{name: "bus", run: func(ctx context.Context) error {
		<-ctx.Done()
		cctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		return b.Close(cctx)
	}})
	if err := b.Ensure(ctx, event.All()...); err != nil {
		return fmt.Errorf("kafka at %s: %w", strings.Join(s.Kafka.Brokers, ","), err)
	}
	ready := ready{needed: []func(context.Context) error{b.Ready}}
	var store *sink.Store // nil: no role of this process asks it
	if asksStore(h.roles) {
		if store, err = sink.Open(s.ClickHouse.Config); err != nil {
			return err
		}
		life.start(service{name: "store", run: func(ctx context.Context) error { <-ctx.Done(); return store.Close() }})
		ready.store = store.Ready
	}

	if h.takes("nlp") {
		if err := h.startReading(life, reading); err != nil {
			return err
		}
	}
	if h.desk != nil {
		known := make(chan struct{})
		life.start(service{name: "policies", ready: known, run: func(ctx context.Context) error { return h.desk.Follow(ctx, b, known) }})
		if err := life.ready(ctx); err != nil { // nothing is decided by a policy that is no longer in force
			return err
		}
	}
	h.startStages(life, b, store)
	mux := http.NewServeMux()
	if h.broker != nil {
		ready.needed = append(ready.needed, h.broker.Ready)
	}
	if h.takes("dashboards") {
		if err := h.startDashboards(life, b, store, mux); err != nil {
			return err
		}
	}
	if h.takes("patterns") {
		if err := h.startPatterns(life, b, store, mux); err != nil {
			return err
		}
	}
	if h.takes("transcribe") || h.takes("ingest") { // whoever has a gate
		known := make(chan struct{})
		life.start(service{name: "consents", ready: known, run: func(ctx context.Context) error { return followConsents(ctx, b, h.ledger, known) }})
	}
	if h.takes("transcribe") {
		h.startTranscriber(life, b)
	}
	if h.takes("ingest") {
		if err := h.startIngest(life, b, mux); err != nil {
			return err
		}
	}
	if at.HTTP, err = h.startHTTP(life, mux, ready); err != nil {
		return err
	}
	if err := life.ready(ctx); err != nil {
		return err
	}
	defer time.AfterFunc(caughtUp, debug.FreeOSMemory).Stop()
	h.log.Info("ready", at.tell("after", time.Since(began).Round(time.Millisecond), "roles", strings.Join(h.roles, ","))...)
	if up != nil {
		up(at)
	}
	return life.wait(ctx)
}

// startBroker runs the embedded broker unless brokers are configured.
func (h *house) startBroker(life *lifecycle) (addr string, err error) {
	s := h.settings
	if len(s.Kafka.Brokers) > 0 {
		return strings.Join(s.Kafka.Brokers, ","), nil
	}
	broker, err := brokers.Open(brokers.Config{
		Dir: filepath.Join(s.DataDir, "kafka"), Listen: s.Kafka.Listen, Sync: s.Kafka.Sync,
		Partitions: s.Kafka.Partitions, MaxMessage: s.Kafka.MaxMessageBytes, Logger: h.log,
	})
	some := len(h.roles) < len(roles)
	if err != nil && some {
		return "", fmt.Errorf("%w; or set kafka.brokers to the Kafka that the other roles use", unlistened(err))
	}
	if err != nil {
		return "", unlistened(err)
	}
	if some {
		h.log.Warn("kafka.brokers is empty, so this process has a Kafka of its own: processes with the other roles must be given its address as kafka.brokers", "kafka", broker.Addr())
	}
	s.Kafka.Brokers, h.broker = []string{broker.Addr()}, broker
	s.Kafka.Fresh = min(max(2, runtime.GOMAXPROCS(0)), bus.DefaultPartitions) // each costs fetches and inserts, and more than there are processors bring nothing
	life.start(service{name: "broker", run: broker.Run})
	return broker.Addr(), nil
}

// startEngine runs the embedded engine unless a server is configured.
func (h *house) startEngine(ctx context.Context, life *lifecycle, at *addresses) error {
	s := h.settings
	if s.ClickHouse.URL != "" {
		at.ClickHouse = strings.TrimPrefix(strings.TrimPrefix(s.ClickHouse.URL, "http://"), "https://")
		return nil
	}
	if err := os.MkdirAll(s.ClickHouse.Dir, 0o700); err != nil {
		return fmt.Errorf("clickhouse.dir: %w", err)
	}
	engine := engines.New(engines.Config{
		Dir: s.ClickHouse.Dir, Listen: s.ClickHouse.Listen, Progress: os.Stderr, Log: h.log,
		Reader: engines.Account{User: engines.DefaultReader, Password: s.ClickHouse.Reader.Password},
	})
	life.start(service{name: "engine", run: engine.Run, ready: engine.Ready(), within: 20 * time.Second})
	if err := life.ready(ctx); err != nil {
		return err
	}
	w := engine.Writer()
	s.ClickHouse.URL, s.ClickHouse.User, s.ClickHouse.Password = "http://"+engine.Addr(), w.User, w.Password
	at.ClickHouse = engine.Addr()
	return nil
}

// startStages runs the stages of the roles taken. Each reads as its own
// documentation in the worker.go of its package.
func (h *house) startStages(life *lifecycle, b *bus.Bus, store *sink.Store) {
	var stages []bus.Stage
	if h.takes("nlp") {
		stages = append(stages, h.read.model.Stage())
	}
	if h.takes("journey") {
		stages = append(stages, journey.Stage(h.settings.Journey))
	}
	if h.takes("assist") {
		stages = append(stages, h.desk.Stage())
	}
	if h.takes("outgoing") {
		stages = append(stages, h.teller.Stages()...)
	}
	for _, st := range stages {
		life.start(service{name: st.Name, run: func(ctx context.Context) error { return b.Run(ctx, st) }})
	}
	if h.takes("sink") {
		life.start(service{name: "sink", run: func(ctx context.Context) error { return runSink(ctx, h, b, store) }})
	}
}

// runSink brings the schema up, however long the server is away, and then runs
// the writers. Nothing else waits for it: what is not stored yet waits in Kafka.
func runSink(ctx context.Context, h *house, b *bus.Bus, store *sink.Store) error {
	for {
		err := store.Migrate(ctx)
		if err == nil {
			break
		}
		if ctx.Err() != nil {
			return nil
		}
		h.log.Warn("the store is not ready, trying again", "component", "sink", "error", err)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(2 * time.Second):
		}
	}
	group, gctx := errgroup.WithContext(ctx)
	for _, st := range store.Stages() {
		group.Go(func() error { return b.Run(gctx, st) })
	}
	return group.Wait()
}

func (h *house) startDashboards(life *lifecycle, b *bus.Bus, store *sink.Store, mux *http.ServeMux) error {
	s := h.settings
	s.Dashboards.Metrics, s.Dashboards.Logger = h.registry, h.log
	hub := dashboards.NewHub(b, s.Dashboards)
	life.start(service{name: "hub", run: hub.Run, ready: hub.Ready()})
	server, err := dashboards.NewServer(dashboards.Config{
		Hub: hub, Publisher: b, Store: store, Logger: h.log, Access: h.admitViewers,
		Actor:  func(ctx context.Context) string { return access.Of(ctx).Name },
		Tenant: func(ctx context.Context) string { return access.Of(ctx).Tenant },
	})
	if err != nil {
		return err
	}
	for _, pattern := range server.Routes() {
		mux.Handle(pattern, server)
	}
	policies := assist.NewServer(assist.ServerConfig{Desk: h.desk, Publish: b.Publish,
		Actor:  func(ctx context.Context) string { return access.Of(ctx).Name },
		Tenant: func(ctx context.Context) string { return access.Of(ctx).Tenant },
	})
	for pattern, answer := range policies.Routes() {
		mux.Handle(pattern, h.guard.Require(access.Supervisor)(answer))
	}
	mux.HandleFunc("POST /v1/session", h.guard.SignIn)
	mux.HandleFunc("POST /{$}", h.guard.SignIn)
	return h.routeSummaries(mux, server)
}

// admitViewers asks for a token: by a page of those who want the screen, by
// 401 of everybody else.
func (h *house) admitViewers(next http.Handler) http.Handler {
	screen, data := h.guard.Page(access.Supervisor, access.Agent)(next), h.guard.Require(access.Supervisor, access.Agent)(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/v1/") {
			data.ServeHTTP(w, r)
			return
		}
		screen.ServeHTTP(w, r)
	})
}

func (h *house) startIngest(life *lifecycle, b *bus.Bus, mux *http.ServeMux) error {
	s := h.settings
	s.Ingest.Metrics, s.Ingest.Logger = h.registry, h.log
	sessions := ingest.NewSessions(s.Sessions)
	intake, err := ingest.NewIntake(ingest.Parts{Sessions: sessions, Gate: h.gate, Bus: b, Metrics: h.registry})
	if err != nil {
		return err
	}
	door := ingest.NewDoor(s.Ingest)
	tenant := func(*http.Request) string { return access.DefaultTenant }
	s.API.Tenant = access.Tenant
	messages, err := api.New(s.API, intake, door)
	if err != nil {
		return err
	}
	messages.Routes(mux, h.guard.Require(access.Source, access.Agent))
	if s.WhatsApp.Wanted() {
		s.WhatsApp.Tenant, s.WhatsApp.Metrics = tenant, h.registry
		hook, err := whatsapp.New(s.WhatsApp, intake, door)
		if err != nil {
			return err
		}
		hook.Routes(mux) // it is signed
	}
	s.WebChat.Tenant, s.WebChat.Metrics, s.WebChat.Logger = tenant, h.registry, h.log
	chat, err := webchat.New(s.WebChat, intake)
	if err != nil {
		return err
	}
	chat.Routes(mux) // it has tokens of its own
	life.start(service{name: "sessions", ready: sessions.Ready(), run: func(ctx context.Context) error { return sessions.Run(ctx, b) }})
	life.start(service{name: "webchat", run: chat.Run})
	return h.startCalls(life, b, door, sessions, mux)
}

// followConsents keeps the gate's ledger up to date: what people allow, and who
// is who. known is closed when it holds what was said before this process began.
func followConsents(ctx context.Context, b *bus.Bus, ledger *governance.Ledger, known chan<- struct{}) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		if err := follow(ctx, group, b, event.Consents().Source, func(r bus.Record[event.Consent]) error {
			if r.Deleted {
				ledger.Forget(r.Key)
				return nil
			}
			return ledger.Apply(r.Value)
		}); err != nil {
			return err
		}
		if err := follow(ctx, group, b, event.Identities().Source, func(r bus.Record[event.Identity]) error {
			if r.Deleted {
				return nil
			}
			return ledger.Join(r.Value)
		}); err != nil {
			return err
		}
		close(known)
		return nil
	})
	return group.Wait()
}

// follow applies what a topic holds, and then goes on in group with what comes.
func follow[T any](ctx context.Context, group *errgroup.Group, b *bus.Bus, src event.Source[T], apply func(bus.Record[T]) error) error {
	n, err := b.Partitions(ctx, src.Name)
	if err != nil {
		return err
	}
	for p := range n {
		end, err := bus.Replay(ctx, b, src, p, apply)
		if err != nil {
			return err
		}
		group.Go(func() error { return bus.Follow(ctx, b, src, p, end, apply) })
	}
	return nil
}

// startHTTP listens last, so that nobody is answered before all is there to
// keep the promise, and stops first.
func (h *house) startHTTP(life *lifecycle, mux *http.ServeMux, ready ready) (string, error) {
	s := h.settings.HTTP
	var up atomic.Bool
	h.routeHealth(mux, life, &up, ready)
	listener, err := net.Listen("tcp", s.Listen)
	if err != nil {
		return "", unlistened(fmt.Errorf("http.listen: %w", err))
	}
	server := &http.Server{Handler: traced(routed(mux)), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10}
	life.start(service{name: "http", within: s.Drain + 2*time.Second, run: func(ctx context.Context) error {
		streams, end := context.WithCancel(context.Background())
		defer end()
		server.BaseContext = func(net.Listener) context.Context { return streams }
		stopped := make(chan error, 1)
		go func() {
			<-ctx.Done()
			up.Store(false)
			end() // streams have no end of their own
			dctx, cancel := context.WithTimeout(context.Background(), s.Drain)
			defer cancel()
			err := server.Shutdown(dctx)
			if errors.Is(err, context.DeadlineExceeded) {
				err = server.Close()
			}
			stopped <- err
		}()
		up.Store(true)
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return <-stopped
	}})
	return listener.Addr().String(), nil
}

// unlistened names the way out where the address of the setting in err is taken.
func unlistened(err error) error {
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("%w: stop whoever has it, or set another address (port 0 finds a free one)", err)
	}
	return err
}
