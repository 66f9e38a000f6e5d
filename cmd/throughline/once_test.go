package main

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"throughline/cmd/throughline/throughlinetest"
)

// planted are numbers of test cards; none may ever reach a disk.
var planted = []string{"4111111111111111", "5500005555555559", "378282246310005"}

// sender keeps sending messages as Meta does: each until it is answered 2xx.
type sender struct {
	mu       sync.RWMutex // held for writing while nobody is there
	accepted atomic.Int64
	sent     atomic.Int64
	from     sync.Map // who has written
}

// customers are how many have written: as many as there was time for.
func (s *sender) customers() (n int) {
	s.from.Range(func(any, any) bool { n++; return true })
	return n
}

func (s *sender) run(ctx context.Context, p *throughlinetest.Process, worker int) {
	for n := 0; ctx.Err() == nil; n++ {
		id := fmt.Sprintf("wamid.%d.%d", worker, n)
		text := fmt.Sprintf("message %d: where is my order? It is late again. My card is %s", n, spaced(planted[n%len(planted)]))
		from := fmt.Sprintf("4915100000%02d", (worker*7+n)%23)
		s.sent.Add(1)
		s.from.Store(from, true)
		for {
			header, body := throughlinetest.Webhook(id, from, text)
			s.mu.RLock()
			rctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
			status, _, err := p.Post(rctx, "/v1/webhooks/whatsapp", header, body)
			cancel()
			s.mu.RUnlock()
			if err == nil && status/100 == 2 {
				s.accepted.Add(1)
				break
			}
			time.Sleep(5 * time.Millisecond)
		}
		time.Sleep(time.Duration(rand.IntN(8)) * time.Millisecond)
	}
}

// spaced writes a card number as people do.
func spaced(pan string) string {
	var b strings.Builder
	for i, c := range pan {
		if i > 0 && i%4 == 0 {
			b.WriteByte(' ')
		}
		b.WriteRune(c)
	}
	return b.String()
}

// TestKilledTwentyTimes kills the program, or its engine, at random moments
// while messages keep coming. Every accepted message must be in ClickHouse
// exactly once, its features too, and no card number anywhere.
func TestKilledTwentyTimes(t *testing.T) {
	if testing.Short() {
		t.Skip("takes minutes")
	}
	const kills = 20
	p := program(t)
	p.Start()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var s sender
	var workers sync.WaitGroup
	for w := range 3 {
		workers.Go(func() { s.run(ctx, p, w) })
	}
	for k := range kills {
		if end, bounded := t.Deadline(); bounded && k >= kills/2 && time.Until(end) < 12*time.Minute {
			t.Logf("this machine takes long to start: %d kills of %d", k, kills)
			break
		}
		time.Sleep(time.Duration(50+rand.IntN(900)) * time.Millisecond)
		if children := p.Children(); k%4 == 3 && len(children) > 0 {
			_ = syscall.Kill(children[0], syscall.SIGKILL) // the engine; its parent starts it again
			continue
		}
		// Senders that are under way see the connection break, at any moment of
		// their request; new ones wait until there is somebody to ask.
		if err := p.Cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		s.mu.Lock()
		<-p.Ended()
		p.Start()
		s.mu.Unlock()
	}
	cancel()
	workers.Wait()
	want := fmt.Sprint(s.sent.Load())
	t.Logf("%s messages over %d kills", want, kills)
	if s.accepted.Load() != s.sent.Load() {
		t.Fatalf("%d sent, %d accepted: the senders stop only when all are", s.sent.Load(), s.accepted.Load())
	}
	p.Eventually(want+"\t"+want, "SELECT count(), uniqExact(provider) FROM turns")
	p.Eventually(want+"\t"+want, "SELECT count(), uniqExact(turn) FROM features")
	p.Eventually("1", "SELECT count() = uniqExact(id) FROM alerts")
	p.Eventually("1", "SELECT count() = uniqExact(id) FROM interactions")
	who := fmt.Sprint(s.customers())
	p.Eventually(who+"\t"+who, "SELECT count(), uniqExact(customer) FROM interactions WHERE change = 'started'")
	// The journeys' own count of turns agrees.
	p.Eventually(want, "SELECT sum(turns) FROM journeys_now")
	p.Stop()
	findNone(t, p, planted)
}

// findNone looks for secrets in every byte the program wrote, in the form given
// and as people space them, and in its log.
func findNone(t *testing.T, p *throughlinetest.Process, secrets []string) {
	t.Helper()
	var needles [][]byte
	for _, s := range secrets {
		needles = append(needles, []byte(s), []byte(spaced(s)))
	}
	files := 0
	err := filepath.WalkDir(p.Dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files++
		for i, n := range needles {
			if bytes.Contains(b, n) {
				t.Errorf("%s holds planted number %d", path, i/2)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 10 {
		t.Errorf("only %d files were searched", files)
	}
	log := p.Log()
	for i, n := range needles {
		if strings.Contains(log, string(n)) {
			t.Errorf("the log holds planted number %d", i/2)
		}
	}
}

// TestRefusals checks that what is refused is named, counted, and leaves nothing.
func TestRefusals(t *testing.T) {
	p := program(t)
	p.Start()
	ctx := context.Background()
	header, body := throughlinetest.Webhook("wamid.x", "491510000001", "hello")
	wrong := header.Clone()
	wrong.Set("X-Hub-Signature-256", "sha256="+strings.Repeat("0", 64))
	long := strings.Repeat("x", 70_000)
	for name, c := range map[string]struct {
		path   string
		header http.Header
		body   []byte
		status int
		says   string
	}{
		"wrong signature":   {"/v1/webhooks/whatsapp", wrong, body, 401, "X-Hub-Signature-256"},
		"missing signature": {"/v1/webhooks/whatsapp", http.Header{}, body, 401, "X-Hub-Signature-256"},
		"malformed":         {"/v1/messages", http.Header{}, []byte(`{"channel":`), 400, "JSON"},
		"wrong type":        {"/v1/messages", http.Header{}, []byte(`{"channel":"sms","customer":{"phone":"+4915112345678"},"role":"customer","text":7}`), 400, "text"},
		"too long":          {"/v1/messages", http.Header{}, []byte(`{"channel":"sms","customer":{"phone":"+4915112345678"},"role":"customer","text":"` + long + `"}`), 400, "text"},
		"unknown field":     {"/v1/messages", http.Header{}, []byte(`{"chanel":"sms","customer":{"phone":"+4915112345678"},"role":"customer","text":"x"}`), 400, "channel"},
		"unknown route":     {"/v1/nothing", http.Header{}, nil, 404, ""},
	} {
		t.Run(name, func(t *testing.T) {
			status, answer, err := p.Post(ctx, c.path, c.header, c.body)
			if err != nil || status != c.status || !strings.Contains(answer, c.says) {
				t.Errorf("status %d %v: %s; want %d naming %q", status, err, answer, c.status, c.says)
			}
		})
	}
	if status, answer, err := p.Post(ctx, "/v1/webhooks/whatsapp", header, body); err != nil || status != 200 {
		t.Fatalf("a good webhook gives %d %v: %s", status, err, answer)
	}
	p.Eventually("1", "SELECT count() FROM turns")
	p.Stop()
}
