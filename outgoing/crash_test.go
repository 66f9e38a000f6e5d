package outgoing

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"throughline/bus"
	"throughline/bus/embedded"
	"throughline/event"
)

// The environment of a child: the test binary as a process that tells the
// receiver at envURL what the broker at envBroker holds, until it is killed.
const (
	envBroker = "THROUGHLINE_OUTGOING_BROKER"
	envURL    = "THROUGHLINE_OUTGOING_URL"
)

// rate is what a child may send in a second.
const rate = 500

func TestMain(m *testing.M) {
	if os.Getenv(envBroker) == "" {
		os.Exit(m.Run())
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	// A parent that dies closes the pipe, and the child goes with it.
	go func() { _, _ = os.Stdin.Read(make([]byte, 1)); os.Exit(0) }()
	if err := child(ctx, os.Getenv(envBroker), os.Getenv(envURL)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func child(ctx context.Context, broker, url string) error {
	b, err := dial(broker)
	if err != nil {
		return err
	}
	teller, err := New(Config{Logger: slog.New(slog.DiscardHandler), Targets: []Target{{
		Name: "platform", URL: url, Secrets: []string{testSecret}, Private: true, History: true, Rate: rate,
	}}})
	if err != nil {
		return err
	}
	return b.Run(ctx, teller.Stages()[0])
}

func dial(addr string) (*bus.Bus, error) {
	return bus.Dial(bus.Config{Brokers: []string{addr}, Partitions: 4, SessionTimeout: 6 * time.Second, Logger: slog.New(slog.DiscardHandler)})
}

func startChild(t *testing.T, broker, url string) (kill func()) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), envBroker+"="+broker, envURL+"="+url)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	kill = func() {
		_ = cmd.Process.Signal(syscall.SIGKILL)
		_ = cmd.Wait()
		_ = stdin.Close()
	}
	t.Cleanup(kill)
	return kill
}

func startBroker(t *testing.T) (string, *bus.Bus) {
	t.Helper()
	broker, err := embedded.Open(embedded.Config{Dir: t.TempDir(), Listen: "127.0.0.1:0", Partitions: 4, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { _ = broker.Run(ctx); close(done) }()
	b, err := dial(broker.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cctx, end := context.WithTimeout(context.Background(), 5*time.Second)
		defer end()
		_ = b.Close(cctx)
		cancel()
		<-done
	})
	if err := b.Ensure(t.Context(), event.Alerts().Spec); err != nil {
		t.Fatal(err)
	}
	return broker.Addr(), b
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Fatalf("never came true: %s", what)
}

// TestKilledInBetween kills a process that delivers to a moody target and lets
// two others go on: nothing is lost, order holds, and what is repeated is at
// most what each change of hands leaves open.
func TestKilledInBetween(t *testing.T) {
	if testing.Short() {
		t.Skip("takes ten seconds: the group notices a dead process after six")
	}
	const customers, each = 20, 40
	addr, b := startBroker(t)
	r := &receiver{t: t, behave: func(w http.ResponseWriter, _ *http.Request, _ Notice) bool {
		time.Sleep(rand.N(20 * time.Millisecond))
		if rand.N(20) > 0 {
			return false
		}
		w.WriteHeader(http.StatusBadGateway)
		return true
	}}
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	for n := range each {
		var msgs []event.Message
		for c := range customers {
			msgs = append(msgs, event.Alerts().Message(alert(fmt.Sprint("c", c), n+1, time.Now())))
		}
		if err := b.Publish(t.Context(), msgs...); err != nil {
			t.Fatal(err)
		}
	}
	kill := startChild(t, addr, server.URL)
	eventually(t, "a third is delivered", func() bool { return r.count() > customers*each/3 })
	kill()
	startChild(t, addr, server.URL)
	startChild(t, addr, server.URL)
	eventually(t, "all is delivered", func() bool { return r.count() == customers*each })
	r.mu.Lock()
	defer r.mu.Unlock()
	r.inOrder()
	// A death, and each of the two that join, ends what is in hand of each
	// partition, and what was delivered since the last commit a moment before.
	if most := 3 * (4*batch + rate/4); r.repeats > most {
		t.Errorf("%d were repeated, want at most %d", r.repeats, most)
	}
	t.Logf("%d delivered, %d repeated", len(r.accepted), r.repeats)
}

// TestRefusedIsSetAside reads what the dead-letter topic says of an event that
// a target refused, while another event of the same batch was accepted once.
func TestRefusedIsSetAside(t *testing.T) {
	addr, b := startBroker(t)
	r := &receiver{t: t, behave: func(w http.ResponseWriter, _ *http.Request, n Notice) bool {
		if n.Priority != 2 {
			return false
		}
		w.WriteHeader(http.StatusNotFound)
		return true
	}}
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	var msgs []event.Message
	for n := range 5 {
		msgs = append(msgs, event.Alerts().Message(alert("c", n+1, time.Now())))
	}
	if err := b.Publish(t.Context(), msgs...); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- child(ctx, addr, server.URL) }()
	eventually(t, "the others are delivered", func() bool { return r.count() == 4 })
	dead := readDead(t, addr)
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	r.inOrder()
	if r.repeats != 0 {
		t.Errorf("%d were repeated", r.repeats)
	}
	if string(dead.Key) != "c" || !strings.Contains(string(dead.Value), `"priority":2`) || !strings.Contains(header(dead, "error"), "target platform: event a_") ||
		!strings.HasSuffix(header(dead, "error"), "refused: answered 404") || header(dead, "stage") != "outgoing-platform" {
		t.Errorf("the dead letter says %q of stage %q, key %q", header(dead, "error"), header(dead, "stage"), dead.Key)
	}
}

func header(m kafka.Message, name string) string {
	for _, h := range m.Headers {
		if h.Key == name {
			return string(h.Value)
		}
	}
	return ""
}

func readDead(t *testing.T, addr string) kafka.Message {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	defer cancel()
	found := make(chan kafka.Message, 4)
	for p := range 4 {
		reader := kafka.NewReader(kafka.ReaderConfig{Brokers: []string{addr}, Topic: event.Alerts().Dead().Name, Partition: p, MaxWait: 100 * time.Millisecond})
		defer reader.Close()
		go func() {
			if m, err := reader.ReadMessage(ctx); err == nil {
				found <- m
			}
		}()
	}
	select {
	case m := <-found:
		return m
	case <-ctx.Done():
		t.Fatal("nothing came to the dead-letter topic")
		panic("unreachable")
	}
}
