package bench

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"throughline/bus"
	"throughline/cmd/throughline/throughlinetest"
	"throughline/event"
)

var build = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "throughline-bench")
	if err != nil {
		return "", err
	}
	exe := filepath.Join(dir, "throughline")
	out, err := exec.Command("go", "build", "-o", exe, "throughline/cmd/throughline").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build: %w\n%s", err, out)
	}
	return exe, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if exe, err := build(); err == nil {
		os.RemoveAll(filepath.Dir(exe))
	}
	os.Exit(code)
}

func product(b *testing.B, env ...string) *throughlinetest.Process {
	b.Helper()
	exe, err := build()
	if err != nil {
		b.Fatal(err)
	}
	return throughlinetest.New(b, exe, append([]string{"THROUGHLINE_CLICKHOUSE_LINGER=1s"}, env...)...)
}

// report prints quantiles of durations as metrics.
func report(b *testing.B, name string, took []time.Duration) {
	b.Helper()
	if len(took) == 0 {
		b.Fatalf("%s: nothing was measured", name)
	}
	slices.Sort(took)
	for q, label := range map[float64]string{0.5: "p50", 0.99: "p99"} {
		b.ReportMetric(float64(took[min(len(took)-1, int(q*float64(len(took))))].Microseconds())/1000, name+"-"+label+"-ms")
	}
}

// stream follows the product's server-sent features and gives the time at which
// each turn of interest was seen, by its provider's id.
type stream struct {
	mu   sync.Mutex
	seen map[string]time.Time
}

func follow(ctx context.Context, b *testing.B, p *throughlinetest.Process) *stream {
	b.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.HTTP+"/v1/stream?topics=features", nil)
	if err != nil {
		b.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil || resp.StatusCode != http.StatusOK {
		b.Fatalf("stream: %v %v", resp, err)
	}
	s := &stream{seen: map[string]time.Time{}}
	go func() {
		defer resp.Body.Close()
		scan := bufio.NewScanner(resp.Body)
		scan.Buffer(nil, 1<<20)
		for scan.Scan() {
			line := scan.Text()
			_, rest, ok := strings.Cut(line, `"provider":"`)
			if !ok {
				continue
			}
			id, _, _ := strings.Cut(rest, `"`)
			now := time.Now()
			s.mu.Lock()
			s.seen[id] = now
			s.mu.Unlock()
		}
	}()
	return s
}

// BenchmarkMessages sends signed WhatsApp webhooks at 200 a second: time to the
// 2xx, and time from sending to the features on the stream. The first ten
// seconds after the start are reported apart, as starting: that is when program
// and engine load what they need, and the engine merges what it stored first.
// The two minutes after them, in which the broker compacts too, are what a
// running centre sees. Beside them, the
// processor time that a message costs the program.
func BenchmarkMessages(b *testing.B) {
	p := product(b)
	p.Start()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	s := follow(ctx, b, p)
	for b.Loop() {
		for _, phase := range []struct {
			name    string
			seconds int
		}{{"starting-", 10}, {"", 120}} {
			used := processor(b, p.Cmd.Process.Pid)
			answered, sent := steadily(ctx, b, p, phase.name, 200, phase.seconds)
			report(b, phase.name+"webhook", answered)
			report(b, phase.name+"to-stream", s.since(b, sent))
			used = processor(b, p.Cmd.Process.Pid) - used
			b.ReportMetric(float64(strings.Count(p.Log(), "bytes_before")), phase.name+"compactions-until-then")
			b.ReportMetric(float64(used.Microseconds())/float64(len(sent)), phase.name+"program-µs/message")
		}
	}
	p.Stop()
}

// steadily sends webhooks at a rate, whether or not earlier ones are answered,
// and gives how long each took and when it was sent, by its id.
func steadily(ctx context.Context, b *testing.B, p *throughlinetest.Process, name string, rate, seconds int) ([]time.Duration, map[string]time.Time) {
	b.Helper()
	var mu sync.Mutex
	var answered []time.Duration
	sent := map[string]time.Time{}
	const each = 8 // messages of a customer
	var wg sync.WaitGroup
	tick := time.NewTicker(time.Second / time.Duration(rate))
	defer tick.Stop()
	for n := range rate * seconds {
		<-tick.C
		wg.Go(func() {
			id := fmt.Sprintf("wamid.%s%d.%d", name, b.N, n)
			header, body := throughlinetest.Webhook(id, fmt.Sprintf("49151%07d", n%(rate*seconds/each)), "where is my parcel? it should have been here on monday, this is getting annoying")
			began := time.Now()
			status, answer, err := p.Post(ctx, "/v1/webhooks/whatsapp", header, body)
			took := time.Since(began)
			if err != nil || status != http.StatusOK {
				b.Errorf("webhook: %d %v %s", status, err, answer)
				return
			}
			mu.Lock()
			answered = append(answered, took)
			sent[id] = began
			mu.Unlock()
		})
	}
	wg.Wait()
	return answered, sent
}

// since waits for all that was sent to be seen, and gives how long each took.
func (s *stream) since(b *testing.B, sent map[string]time.Time) []time.Duration {
	b.Helper()
	var took []time.Duration
	for end := time.Now().Add(20 * time.Second); len(took) < len(sent) && time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		took = took[:0]
		s.mu.Lock()
		for id, began := range sent {
			if at, ok := s.seen[id]; ok {
				took = append(took, at.Sub(began))
			}
		}
		s.mu.Unlock()
	}
	if len(took) != len(sent) {
		b.Errorf("%d of %d messages came to the stream", len(took), len(sent))
	}
	return took
}

// BenchmarkTurns sends turns in arrays over the API, as fast as they are taken,
// and waits until all of them are analysed, in journeys, and in ClickHouse: the
// rate of the slowest stage, with either model of texts. Beside it, the processor
// time that a turn costs the program and its engine, which other work on the
// machine moves little, and the bare broker taking and giving the same bytes.
// Each figure is the median of runs.
func BenchmarkTurns(b *testing.B) {
	b.Run("floor", func(b *testing.B) { throughAllStages(b, "floor", 60_000) })
	b.Run("encoder", func(b *testing.B) { throughAllStages(b, "encoder", 12_000) })
}

func throughAllStages(b *testing.B, model string, total int) {
	const runs = 3
	p := product(b, "THROUGHLINE_NLP_MODEL="+model)
	p.Start()
	for b.Loop() {
		figures := map[string][]float64{}
		for run := range runs {
			began, program, engine := time.Now(), processor(b, p.Cmd.Process.Pid), processor(b, p.Children()...)
			send(b, p, run*total, total)
			taken := time.Since(began)
			p.Eventually(fmt.Sprint((run+1)*total), "SELECT count() FROM features")
			p.Eventually(fmt.Sprint((run+1)*total), "SELECT sum(turns) FROM journeys_now")
			all := time.Since(began)
			program, engine = processor(b, p.Cmd.Process.Pid)-program, processor(b, p.Children()...)-engine
			for name, v := range map[string]float64{
				"accepted/s": float64(total) / taken.Seconds(), "turns/s": float64(total) / all.Seconds(),
				"program-µs/turn": float64(program.Microseconds()) / float64(total),
				"engine-µs/turn":  float64(engine.Microseconds()) / float64(total),
				"of-bare-broker":  float64(total) / all.Seconds() / bareBroker(b, p, total),
				"loaded-MB":       resident(b, p),
			} {
				figures[name] = append(figures[name], v)
			}
		}
		for name, values := range figures {
			slices.Sort(values)
			b.ReportMetric(values[len(values)/2], name)
		}
	}
	p.Stop()
}

// send puts n turns of 3,000 customers, the first of number first, through the
// API in arrays of 500, four requests at a time.
func send(b *testing.B, p *throughlinetest.Process, first, n int) {
	b.Helper()
	const array, customers = 500, 3000
	next := atomic.Int64{}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for {
				from := int(next.Add(array)) - array
				if from >= n {
					return
				}
				for {
					status, answer, err := p.Post(context.Background(), "/v1/messages", http.Header{"Content-Type": {"application/json"}}, messages(first+from, min(array, n-from), customers))
					if err == nil && status == http.StatusServiceUnavailable {
						time.Sleep(200 * time.Millisecond) // as it asks
						continue
					}
					if err != nil || status/100 != 2 {
						b.Errorf("messages: %d %v %.300s", status, err, answer)
					}
					break
				}
			}
		})
	}
	wg.Wait()
}

func messages(first, n, customers int) []byte {
	words := []string{"where is my order? it should have been here on monday", "thank you, that solved it", "I want to cancel my contract, the price is too high",
		"can you change the delivery address please", "this is the third time I ask and nobody answers"}
	var out strings.Builder
	out.WriteByte('[')
	for k := first; k < first+n; k++ {
		if k > first {
			out.WriteByte(',')
		}
		role := `"customer"`
		if k%3 == 2 {
			role = `"agent","agent":"a7"`
		}
		fmt.Fprintf(&out, `{"id":"m%d","channel":"sms","customer":{"phone":"+49151%07d"},"role":%s,"text":%q}`, k, k%customers, role, words[k%len(words)])
	}
	out.WriteByte(']')
	return []byte(out.String())
}

// bareBroker publishes and reads n events of a turn's size with nothing in
// between, and gives events a second.
func bareBroker(b *testing.B, p *throughlinetest.Process, n int) float64 {
	b.Helper()
	c, err := bus.Dial(bus.Config{Brokers: []string{p.Kafka}})
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close(context.Background())
	topic := event.Topic[event.Alert]{Source: event.Source[event.Alert]{Spec: event.Spec{Name: fmt.Sprintf("bench%d", time.Now().UnixNano()), Retention: time.Hour}}, Key: func(a event.Alert) string { return a.Customer }}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	if err := c.Ensure(ctx, topic.Spec); err != nil {
		b.Fatal(err)
	}
	var got atomic.Int64
	done := make(chan struct{})
	stage := bus.Stage{Name: topic.Name, In: []bus.Input{bus.Each(topic.Source, func(context.Context, event.Alert) ([]event.Message, error) {
		if got.Add(1) == int64(n) {
			close(done)
		}
		return nil, nil
	})}}
	sctx, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- c.Run(sctx, stage) }()
	began := time.Now()
	for first := 0; first < n; first += 500 {
		msgs := make([]event.Message, 0, 500)
		for k := first; k < min(n, first+500); k++ {
			msgs = append(msgs, topic.Message(event.Alert{ID: fmt.Sprint(k), Customer: fmt.Sprint(k % 3000), Title: strings.Repeat("x", 600)}))
		}
		if err := c.Publish(ctx, msgs...); err != nil {
			b.Fatal(err)
		}
	}
	select {
	case <-done:
	case <-ctx.Done():
		b.Fatal("the bare broker did not give back what it took")
	}
	took := time.Since(began)
	stop()
	<-ended
	return float64(n) / took.Seconds()
}

// BenchmarkStart starts the product on a directory that has held a day's data:
// process start to ready, and resident memory after twenty seconds of nothing to do.
func BenchmarkStart(b *testing.B) {
	p := product(b)
	p.Start()
	for first := 0; first < 10_000; first += 500 {
		if status, answer, err := p.Post(context.Background(), "/v1/messages", http.Header{}, messages(first, 500, 300)); err != nil || status/100 != 2 {
			b.Fatalf("messages: %d %v %.300s", status, err, answer)
		}
	}
	p.Eventually("10000", "SELECT count() FROM features")
	p.Stop()
	var took []time.Duration
	for range 5 {
		began := time.Now()
		p.Start()
		took = append(took, time.Since(began))
		p.Stop()
	}
	p.Start()
	time.Sleep(20 * time.Second)
	for b.Loop() {
		report(b, "warm-start", took)
		b.ReportMetric(resident(b, p), "idle-MB")
	}
	p.Stop()
}

// resident sums the resident memory of the program and its engine, in MB.
func resident(b *testing.B, p *throughlinetest.Process) float64 {
	b.Helper()
	sum := 0.0
	for _, pid := range append(p.Children(), p.Cmd.Process.Pid) {
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		if err != nil {
			b.Fatal(err)
		}
		_, rest, _ := strings.Cut(string(status), "VmRSS:")
		var kb float64
		if _, err := fmt.Sscan(rest, &kb); err != nil {
			b.Fatal(err)
		}
		sum += kb / 1024
	}
	return sum
}
