package whatsapp_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"throughline/bus/embedded"
	"throughline/bus/embedded/embeddedtest"
	"throughline/event"
	"throughline/ingest"
	"throughline/ingest/ingesttest"
	"throughline/ingest/whatsapp"
	"throughline/problem"
)

func TestMain(m *testing.M) { os.Exit(embeddedtest.Main(m)) }

const secret = "the app secret"

func serve(t testing.TB, k *ingesttest.Kit, reg prometheus.Registerer, door ingest.DoorConfig) string {
	t.Helper()
	w, err := whatsapp.New(whatsapp.Config{AppSecrets: []string{"the next secret", secret}, VerifyToken: "verify me", MaxBody: 64 << 10,
		Tenant: func(*http.Request) string { return "acme" }, Metrics: reg}, k.Intake, ingest.NewDoor(door))
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	w.Routes(mux)
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s.URL + whatsapp.Path
}

func sign(key, body string) string {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(body))
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

func post(t testing.TB, url, body, signature string) (int, http.Header, string) {
	t.Helper()
	req, err := http.NewRequest(http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if signature != "" {
		req.Header.Set("X-Hub-Signature-256", signature)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(answer)
}

// textBody is a webhook with one text message.
func textBody(from, id, text string) string {
	return fmt.Sprintf(`{"object":"whatsapp_business_account","entry":[{"id":"77","changes":[{"field":"messages","value":{"messaging_product":"whatsapp",`+
		`"metadata":{"display_phone_number":"4930555","phone_number_id":"106"},"contacts":[{"profile":{"name":"Ana"},"wa_id":%[1]q}],`+
		`"messages":[{"from":%[1]q,"id":%[2]q,"timestamp":"1795338000","type":"text","text":{"body":%[3]q}}]}}]}]}`, from, id, text)
}

func TestVerifyChallenge(t *testing.T) {
	url := serve(t, ingesttest.New(t, ingest.SessionsConfig{}), nil, ingest.DoorConfig{})
	tests := []struct {
		query  string
		status int
		body   string
	}{
		{"?hub.mode=subscribe&hub.verify_token=verify+me&hub.challenge=1158201444", 200, "1158201444"},
		{"?hub.mode=subscribe&hub.verify_token=guess&hub.challenge=1", 403, ""},
		{"?hub.mode=unsubscribe&hub.verify_token=verify+me&hub.challenge=1", 400, ""},
		{"", 400, ""},
	}
	for _, tt := range tests {
		resp, err := http.Get(url + tt.query)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != tt.status || tt.body != "" && string(body) != tt.body {
			t.Errorf("%q: %d %q %v", tt.query, resp.StatusCode, body, err)
		}
	}
}

func TestRefusals(t *testing.T) {
	k := ingesttest.New(t, ingest.SessionsConfig{})
	reg := prometheus.NewRegistry()
	url := serve(t, k, reg, ingest.DoorConfig{})
	good := textBody("4930123456", "wamid.1", "hello")
	tests := []struct {
		name, body, signature string
		status                int
		pointer               string
	}{
		{"no signature", good, "", 401, ""},
		{"signature of another key", good, sign("guess", good), 401, ""},
		{"signature of another body", good, sign(secret, good+" "), 401, ""},
		{"not hex", good, "sha256=zz", 401, ""},
		{"sha1", good, strings.Replace(sign(secret, good), "sha256", "sha1", 1), 401, ""},
		{"too large", strings.Repeat(" ", 64<<10+1), "sha256=00", 413, ""},
		{"not JSON", `{"object":`, "+", 400, ""},
		{"other object", `{"object":"page","entry":[]}`, "+", 400, "#/object"},
		{"no entry", `{"object":"whatsapp_business_account"}`, "+", 400, "#/entry"},
		{"wrong type", strings.Replace(good, `"hello"`, `7`, 1), "+", 400, "#/entry/0/changes/0/value/messages/0/text/body"},
		{"wrong type of id", strings.Replace(good, `"wamid.1"`, `{}`, 1), "+", 400, "#/entry/0/changes/0/value/messages/0/id"},
		{"no id", strings.Replace(good, `"id":"wamid.1",`, ``, 1), "+", 400, "#/entry/0/changes/0/value/messages/0/id"},
		{"bad time", strings.Replace(good, `1795338000`, `soon`, 1), "+", 400, "#/entry/0/changes/0/value/messages/0/timestamp"},
		{"no text", strings.Replace(good, `"text":{"body"`, `"texts":{"body"`, 1), "+", 400, "#/entry/0/changes/0/value/messages/0/text"},
		{"long text", strings.Replace(good, `hello`, strings.Repeat("x", 64<<10-600), 1), "+", 200, ""},
		{"long id", strings.Replace(good, `wamid.1`, strings.Repeat("x", 513), 1), "+", 400, "#/entry/0/changes/0/value/messages/0/id"},
		{"nobody", strings.ReplaceAll(good, `"4930123456"`, `""`), "+", 400, "#/entry/0/changes/0/value/messages/0/from"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.signature == "+" {
				tt.signature = sign(secret, tt.body)
			}
			status, header, answer := post(t, url, tt.body, tt.signature)
			if status != tt.status {
				t.Fatalf("status %d, want %d: %s", status, tt.status, answer)
			}
			if status == 200 {
				return
			}
			var p problem.Problem
			if err := json.Unmarshal([]byte(answer), &p); err != nil || header.Get("Content-Type") != problem.ContentType || p.Status != status {
				t.Errorf("answer %s, %v", answer, err)
			}
			if tt.pointer != "" && (len(p.Errors) != 1 || p.Errors[0].Pointer != tt.pointer) {
				t.Errorf("points at %+v, want %s", p.Errors, tt.pointer)
			}
		})
	}
	if got := k.Stored(t).Counts(); got != "turns=1 changes=1 identities=1 consents=0" {
		t.Errorf("stored %s", got)
	}
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	counted := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == "throughline_whatsapp_signatures_refused_total" {
				counted[m.GetLabel()[0].GetValue()] = m.GetCounter().GetValue()
			}
		}
	}
	if counted["missing"] != 1 || counted["wrong"] != 4 {
		t.Errorf("refused signatures are counted as %v", counted)
	}
}

// A provider delivers ten times, at once, in any order and in other batches.
func TestTenDeliveriesAreOneEffect(t *testing.T) {
	k := ingesttest.New(t, ingest.SessionsConfig{})
	url := serve(t, k, nil, ingest.DoorConfig{})
	var changes, bodies []string
	for c := range 3 {
		for m := range 3 {
			body := textBody(fmt.Sprintf("49301234%02d", c), fmt.Sprintf("wamid.%d.%d", c, m), "hello")
			bodies = append(bodies, body)
			from := strings.Index(body, `{"field"`)
			changes = append(changes, strings.TrimSuffix(body[from:], `]}]}`))
		}
	}
	status := strings.Replace(bodies[0], `"messages":[`, `"statuses":[{"id":"wamid.0.0","status":"read","timestamp":"1795338001","recipient_id":"4930123400"}],"messages":[`, 1)
	bodies = append(bodies, status, `{"object":"whatsapp_business_account","entry":[{"id":"77","changes":[`+strings.Join(changes, ",")+`]}]}`)
	var wg sync.WaitGroup
	for d := range 10 {
		wg.Go(func() {
			order := slices.Clone(bodies)
			rand.New(rand.NewPCG(1, uint64(d))).Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
			for _, body := range order {
				if code, _, answer := post(t, url, body, sign(secret, body)); code != 200 {
					t.Errorf("delivery answered %d: %s", code, answer)
				}
			}
		})
	}
	wg.Wait()
	got := k.Stored(t)
	if got.Counts() != "turns=9 changes=4 identities=3 consents=0" || len(got.Turns) != 9 || len(got.Changes) != 4 {
		t.Errorf("stored %s in %d turns and %d changes", got.Counts(), len(got.Turns), len(got.Changes))
	}
	for _, c := range got.Changes {
		if c.Change == event.Delivery && (c.Message != ingest.TurnID("acme", event.WhatsApp, "wamid.0.0") || c.Status != "read") {
			t.Errorf("delivery is %+v", c)
		}
	}
}

func TestBrokerAwayIs503AndNothingIsLost(t *testing.T) {
	child := embeddedtest.Start(t, embedded.Config{})
	k := ingesttest.On(t, child.Addr(), ingest.SessionsConfig{}, nil)
	url := serve(t, k, nil, ingest.DoorConfig{Deadline: 300 * time.Millisecond})
	send := func(id string) (int, http.Header) {
		body := textBody("4930123456", id, "hello")
		code, header, _ := post(t, url, body, sign(secret, body))
		return code, header
	}
	delivered := func(id string) { // by a provider that sends again
		t.Helper()
		ingesttest.Await(t, "the taking of "+id, func() bool { code, _ := send(id); return code == 200 })
	}
	delivered("wamid.before")
	child.Kill()
	for i := range 3 {
		if code, header := send(fmt.Sprint("wamid.away", i)); code != 503 || header.Get("Retry-After") == "" {
			t.Errorf("answered %d, Retry-After %q without a broker", code, header.Get("Retry-After"))
		}
	}
	if err := child.Restart(ingesttest.Deadline(t)); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"wamid.away0", "wamid.away1", "wamid.away2", "wamid.after"} {
		delivered(id)
	}
	if got := k.Stored(t).Counts(); got != "turns=5 changes=1 identities=1 consents=0" {
		t.Errorf("stored %s", got)
	}
}

// dataDir finds shared data beside the repository, or skips.
func dataDir(t testing.TB, name string) string {
	t.Helper()
	root := os.Getenv("THROUGHLINE_DATA")
	for dir := "."; root == ""; dir = filepath.Join("..", dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			root = filepath.Join(dir, "..", "shared", "data")
		} else if len(dir) > 64 {
			t.Skip("no go.mod above")
		}
	}
	dir := filepath.Join(root, name)
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("data set %s is not here; THROUGHLINE_DATA names the folder that holds it", name)
	}
	return dir
}

// Every body that Meta is known to send is accepted and lands. Bodies share
// message ids, so each has an account of its own here.
func TestEveryKnownBodyLands(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(dataDir(t, "whatsapp_cloud_webhooks"), "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no bodies: %v", err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var bodies map[string]json.RawMessage
		if err := json.Unmarshal(data, &bodies); err != nil {
			t.Fatal(err)
		}
		t.Run(filepath.Base(file), func(t *testing.T) {
			k := ingesttest.New(t, ingest.SessionsConfig{})
			n := 0
			for name, body := range bodies {
				n++
				arrivals, err := whatsapp.Parse(fmt.Sprint("tenant", n), body)
				if err != nil {
					t.Errorf("%s: refused: %v", name, err)
					continue
				}
				receipts, err := k.Intake.Accept(ingesttest.Deadline(t), arrivals...)
				if err != nil {
					t.Errorf("%s: not stored: %v", name, err)
				}
				if len(receipts) == 0 {
					t.Errorf("%s: nothing landed", name)
				}
				var what []string
				for _, a := range arrivals {
					what = append(what, describe(a))
				}
				t.Logf("%-32s %s", name, strings.Join(what, ", "))
			}
			got := k.Stored(t)
			if len(got.Turns)+len(got.Changes)+len(got.Consents) < n {
				t.Errorf("%d bodies made %s", n, got.Counts())
			}
		})
	}
}

func describe(a ingest.Arrival) string {
	switch {
	case a.Turn != nil:
		return fmt.Sprintf("turn %s by %s", a.Turn.Kind, a.Turn.Role)
	case a.Change != nil:
		return strings.TrimSpace(fmt.Sprintf("%s %s %s", a.Channel, a.Change.Change, a.Change.Status))
	case a.Consent != nil:
		return fmt.Sprintf("consent %s %v", a.Consent.Purpose, a.Consent.Allowed)
	default:
		return "identity"
	}
}

// BenchmarkWebhook is one webhook over real HTTP until its 200, at 200 a second
// as the product must take them; p50 and p99 are of the answers.
func BenchmarkWebhook(b *testing.B) {
	k := ingesttest.New(b, ingest.SessionsConfig{})
	url := serve(b, k, nil, ingest.DoorConfig{})
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	var mu sync.Mutex
	var took []time.Duration
	var wg sync.WaitGroup
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	b.ResetTimer()
	for i := range b.N {
		<-tick.C
		wg.Go(func() {
			body := textBody(fmt.Sprintf("4930%06d", i%500), fmt.Sprintf("wamid.%d.%d", b.N, i), "Where is my order? I have been waiting for two weeks now.")
			req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, url, bytes.NewReader([]byte(body)))
			if err != nil {
				b.Error(err)
				return
			}
			req.Header.Set("X-Hub-Signature-256", sign(secret, body))
			began := time.Now()
			resp, err := client.Do(req)
			if err != nil {
				b.Error(err)
				return
			}
			_, _ = io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
			d := time.Since(began)
			if resp.StatusCode != 200 {
				b.Errorf("answered %d", resp.StatusCode)
			}
			mu.Lock()
			took = append(took, d)
			mu.Unlock()
		})
	}
	wg.Wait()
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
}
