package api

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"throughline/bus/embedded"
	"throughline/bus/embedded/embeddedtest"
	"throughline/event"
	"throughline/ingest"
	"throughline/ingest/ingesttest"
	"throughline/problem"
)

func TestMain(m *testing.M) { os.Exit(embeddedtest.Main(m)) }

type client struct {
	t   testing.TB
	url string
	kit *ingesttest.Kit
}

func newClient(t testing.TB, k *ingesttest.Kit, door ingest.DoorConfig) client {
	t.Helper()
	a, err := New(Config{MaxBody: 1 << 20, Tenant: func(r *http.Request) string { return "acme" }}, k.Intake, ingest.NewDoor(door))
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	a.Routes(mux, func(h http.Handler) http.Handler { return h })
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return client{t, s.URL, k}
}

func (c client) post(path, body string, headers ...string) (int, string) {
	c.t.Helper()
	req, err := http.NewRequest(http.MethodPost, c.url+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return resp.StatusCode, string(answer)
}

// accepted posts and wants 202.
func (c client) accepted(path, body string, headers ...string) receipt {
	c.t.Helper()
	status, answer := c.post(path, body, headers...)
	var r receipt
	if err := json.Unmarshal([]byte(answer), &r); err != nil || status != http.StatusAccepted {
		c.t.Fatalf("POST %s: %d %s", path, status, answer)
	}
	return r
}

func TestAMessageLands(t *testing.T) {
	c := newClient(t, ingesttest.New(t, ingest.SessionsConfig{}), ingest.DoorConfig{})
	r := c.accepted("/v1/messages", `{"id":"m1","channel":"sms","customer":{"phone":"+49 30 123456","crm_id":"K-7","name":"Ana"},"text":"my card is 4111 1111 1111 1111",
		"at":"2026-01-02T03:04:05+01:00","language":"pt-BR","account":"49555","queue":"billing","case":"T-9","attrs":{"source":"crm"}}`)
	reply := c.accepted("/v1/messages", `{"interaction":"`+r.Interaction+`","role":"agent","agent":"a7","text":"Which order is it?","reply_to":"m1"}`)
	if reply.Interaction != r.Interaction || reply.Customer != r.Customer {
		t.Errorf("the reply went elsewhere: %+v, %+v", reply, r)
	}
	got := c.kit.Stored(t)
	if got.Counts() != "turns=2 changes=1 identities=3 consents=0" {
		t.Errorf("stored %s", got.Counts())
	}
	slices.SortFunc(got.Turns, func(a, b event.Turn) int { return strings.Compare(string(a.Role), string(b.Role)) })
	agent, said := got.Turns[0], got.Turns[1]
	if agent.Role != event.Agent || agent.Agent != "a7" || agent.ReplyTo != r.ID || agent.Channel != event.SMS {
		t.Errorf("reply is %+v", agent)
	}
	if said.ID != ingest.TurnID("acme", event.SMS, "m1") || said.Language != "pt-BR" || said.Attrs["source"] != "crm" || strings.Contains(said.Text, "4111") ||
		!said.At.Equal(time.Date(2026, 1, 2, 2, 4, 5, 0, time.UTC)) {
		t.Errorf("turn is %+v", said)
	}
	if s := got.Changes[0]; s.Queue != "billing" || s.Case != "T-9" || s.Account != "49555" || s.Direction != "inbound" {
		t.Errorf("start is %+v", s)
	}
}

func TestEveryMistakeIsNamed(t *testing.T) {
	c := newClient(t, ingesttest.New(t, ingest.SessionsConfig{}), ingest.DoorConfig{})
	const ok = `"channel":"sms","customer":{"phone":"+4930123456"},"text":"x"`
	tests := []struct {
		name, body string
		want       []string // pointer: begin of detail
	}{
		{"empty", `{}`, []string{"#/customer: is missing", "#/text: is missing", "#/channel: is missing"}},
		{"unknown", `{` + ok + `,"chanel":1,"zzz":2}`, []string{"#/chanel: is not a field here: did you mean channel?", "#/zzz: is not a field here"}},
		{"types", `{"channel":7,"customer":"x","text":["a"],"attrs":{"a":1}}`, []string{"#/text: is a JSON array and must be a string", "#/attrs/a: is a JSON number and must be a string", "#/channel: is a JSON number and must be a string", "#/customer: is a JSON string and must be an object"}},
		{"values", `{"channel":"fax","role":"boss","customer":{"phone":"030 123"},"text":"x","at":"yesterday","language":"not a tag"}`,
			[]string{"#/role: must be one of customer, agent", "#/at: must be a time", "#/language: must be a BCP 47", "#/channel: must be one of whatsapp", "#/customer/phone: must be an international"}},
		{"mail", `{"channel":"email","customer":{"email":"Ana <a@b.c>","tel":"1"},"text":"x"}`, []string{"#/customer/email: must be a bare", "#/customer/tel: is not a field here"}},
		{"nobody", `{"channel":"sms","customer":{"name":"Ana"},"text":"x"}`, []string{"#/customer: names nobody"}},
		{"long", `{` + ok + `,"id":"` + strings.Repeat("x", 201) + `","agent":"` + strings.Repeat("x", 201) + `"}`, []string{"#/id: is 201 bytes long and may be 200", "#/agent: is 201 bytes"}},
		{"long text", `{"channel":"sms","customer":{"phone":"+4930123456"},"text":"` + strings.Repeat("x", MaxText+1) + `"}`, []string{"#/text: is 65537 bytes long and may be 65536"}},
		{"future", `{` + ok + `,"at":"2999-01-01T00:00:00Z"}`, []string{"#/at: is in the future"}},
		{"agent without role", `{` + ok + `,"agent":"a1"}`, []string{"#/agent: is given although"}},
		{"array", `[{` + ok + `},{` + ok + `,"role":"x"},{}]`, []string{"#/1/role: must be one of", "#/2/customer: is missing", "#/2/text: is missing", "#/2/channel: is missing"}},
		{"array of numbers", `[1]`, []string{"#/0: is a JSON number and must be an object"}},
		{"empty array", `[]`, []string{"#: has 0 messages"}},
		{"too many", `[` + strings.Repeat(`{},`, 1000) + `{}]`, []string{"#: has 1001 messages"}},
		{"stranger", `[{` + ok + `},{"interaction":"i_nobody","text":"x"}]`, []string{"#/1/interaction: is not an open interaction"}},
		{"too many attrs", `{` + ok + `,"attrs":{` + manyAttrs(33) + `}}`, []string{"#/attrs: has 33 entries"}},
		{"not JSON", `{"text":`, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			status, answer := c.post("/v1/messages", tt.body)
			var p problem.Problem
			if err := json.Unmarshal([]byte(answer), &p); err != nil || status != 400 {
				t.Fatalf("%d %s %v", status, answer, err)
			}
			if len(p.Errors) != len(tt.want) {
				t.Fatalf("got %+v, want %v", p.Errors, tt.want)
			}
			for i, e := range p.Errors {
				if got := e.Pointer + ": " + e.Detail; !strings.HasPrefix(got, tt.want[i]) {
					t.Errorf("got %s, want %s", got, tt.want[i])
				}
			}
		})
	}
	if status, _ := c.post("/v1/messages", strings.Repeat(" ", 1<<20+1)); status != 413 {
		t.Errorf("a large body is answered %d", status)
	}
	if got := c.kit.Stored(t).Counts(); got != "turns=0 changes=0 identities=0 consents=0" {
		t.Errorf("a refused request stored %s", got)
	}
}

func manyAttrs(n int) string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf(`"k%d":"v"`, i)
	}
	return strings.Join(all, ",")
}

func TestSendingAgainIsOneEffect(t *testing.T) {
	c := newClient(t, ingesttest.New(t, ingest.SessionsConfig{}), ingest.DoorConfig{})
	const body = `[{"id":"m1","channel":"sms","customer":{"phone":"+4930123456"},"text":"a"},{"id":"m2","channel":"sms","customer":{"phone":"+4930123456"},"text":"b"}]`
	const keyed = `{"channel":"sms","customer":{"phone":"+4930123456"},"text":"c"}`
	var wg sync.WaitGroup
	answers := make([]string, 10)
	for i := range answers {
		wg.Go(func() {
			_, all := c.post("/v1/messages", body)
			_, one := c.post("/v1/messages", keyed, "Idempotency-Key", "k1")
			answers[i] = strings.ReplaceAll(all+one, `"duplicate":true`, `"duplicate":false`)
		})
	}
	wg.Wait()
	for _, a := range answers[1:] {
		if a != answers[0] {
			t.Errorf("answers differ:\n%s\n%s", answers[0], a)
		}
	}
	if got := c.kit.Stored(t); got.Counts() != "turns=3 changes=1 identities=1 consents=0" || len(got.Turns) != 3 {
		t.Errorf("stored %s in %d turns", got.Counts(), len(got.Turns))
	}
}

func TestLifeOfAnInteraction(t *testing.T) {
	c := newClient(t, ingesttest.New(t, ingest.SessionsConfig{}), ingest.DoorConfig{})
	r := c.accepted("/v1/messages", `{"id":"m1","channel":"webchat","customer":{"visitor":"v1"},"text":"hello"}`)
	at := "/v1/interactions/" + r.Interaction
	c.accepted(at+"/events", `{"type":"joined","role":"agent","agent":"a7","at":"2026-01-01T00:00:00Z"}`)
	if again := c.accepted(at+"/events", `{"type":"joined","role":"agent","agent":"a7","at":"2026-01-01T00:00:00Z"}`); !again.Duplicate {
		t.Error("the same event counted twice")
	}
	c.accepted(at+"/events", `{"type":"transferred","queue":"tier2","reason":"needs an engineer"}`)
	c.accepted(at+"/end", `{"reason":"solved"}`)
	if again := c.accepted(at+"/end", `{"reason":"solved"}`); !again.Duplicate || again.Interaction != r.Interaction {
		t.Errorf("ending again is %+v", again)
	}
	if status, _ := c.post(at+"/events", `{"type":"held"}`); status != 404 {
		t.Errorf("an event after the end is answered %d", status)
	}
	if status, _ := c.post("/v1/interactions/i_nobody/end", `{"reason":"x"}`); status != 404 {
		t.Errorf("the end of a stranger is answered %d", status)
	}
	for _, bad := range []struct{ path, body, want string }{
		{at + "/events", `{}`, "#/type"}, {at + "/events", `{"type":"started"}`, "#/type"}, {at + "/end", `{}`, "#/reason"}, {at + "/end", `{"reason":"x","outcome":"won"}`, "#/outcome"},
	} {
		if status, answer := c.post(bad.path, bad.body); status != 400 || !strings.Contains(answer, bad.want) {
			t.Errorf("%s: %d %s", bad.body, status, answer)
		}
	}
	var changes []string
	for _, i := range c.kit.Stored(t).Changes {
		changes = append(changes, strings.TrimSpace(fmt.Sprint(i.Change, " ", i.Agent, i.Queue, " ", i.Reason)))
	}
	if got := strings.Join(changes, "; "); got != "started; joined a7; transferred tier2 needs an engineer; ended  solved" {
		t.Errorf("life was %q", got)
	}
}

func TestConsentsAndIdentities(t *testing.T) {
	c := newClient(t, ingesttest.New(t, ingest.SessionsConfig{}), ingest.DoorConfig{})
	c.accepted("/v1/consents", `{"customer":{"phone":"+4930123456"},"purpose":"market","channel":"sms","allowed":false,"evidence":"form-7"}`)
	r := c.accepted("/v1/identities", `{"customer":{"crm_id":"K-7"},"same_as":{"phone":"+4930123456"},"by":"crm","why":"merged in the CRM"}`)
	got := c.kit.Stored(t)
	if len(got.Consents) != 1 || got.Consents[0].Allowed || got.Consents[0].Purpose != event.Market {
		t.Errorf("consents are %+v", got.Consents)
	}
	if i := got.Identities[slices.IndexFunc(got.Identities, func(i event.Identity) bool { return i.Into != "" })]; i.Customer != r.Customer || i.Into != got.Consents[0].Customer {
		t.Errorf("link is %+v", i)
	}
	for _, bad := range []struct{ path, body, want string }{
		{"/v1/consents", `{"customer":{"phone":"+4930123456"}}`, "#/purpose"},
		{"/v1/consents", `{"customer":{"phone":"+4930123456"},"purpose":"market"}`, "#/allowed"},
		{"/v1/consents", `{"customer":{"phone":"+4930123456"},"purpose":"market","allowed":"no"}`, "#/allowed"},
		{"/v1/identities", `{"customer":{"crm_id":"K-7"},"same_as":{"crm_id":"K-7"},"by":"crm"}`, "#/same_as"},
		{"/v1/identities", `{"customer":{"crm_id":"K-7"},"by":"crm"}`, "#/same_as"},
		{"/v1/identities", `{"customer":{"phone":"+4930123456"},"same_as":{"crm_id":"K-7"},"by":"crm","released":true,"undo":true}`, "#/undo"},
		{"/v1/identities", `{"customer":{"phone":"+4930123456"},"by":"crm","released":"yes"}`, "#/released"},
	} {
		if status, answer := c.post(bad.path, bad.body); status != 400 || !strings.Contains(answer, bad.want) {
			t.Errorf("%s: %d %s", bad.body, status, answer)
		}
	}
}

func TestReleasedHandle(t *testing.T) {
	c := newClient(t, ingesttest.New(t, ingest.SessionsConfig{}), ingest.DoorConfig{})
	c.accepted("/v1/identities", `{"customer":{"phone":"+4930123456"},"by":"agent","released":true,"why":"the number is somebody else's now"}`)
	got := c.kit.Stored(t).Identities
	if len(got) != 1 || !got[0].Released || got[0].Into != "" || got[0].By != "agent" {
		t.Errorf("identities are %+v", got)
	}
}

func TestBrokerAwayIs503(t *testing.T) {
	child := embeddedtest.Start(t, embedded.Config{})
	c := newClient(t, ingesttest.On(t, child.Addr(), ingest.SessionsConfig{}, nil), ingest.DoorConfig{Deadline: 300 * time.Millisecond})
	const body = `{"id":"m1","channel":"sms","customer":{"phone":"+4930123456"},"text":"a"}`
	child.Kill()
	if status, answer := c.post("/v1/messages", body); status != 503 || !strings.Contains(answer, "send it again") {
		t.Fatalf("%d %s", status, answer)
	}
	if err := child.Restart(ingesttest.Deadline(t)); err != nil {
		t.Fatal(err)
	}
	ingesttest.Await(t, "the recovery", func() bool {
		status, _ := c.post("/v1/messages", body)
		return status == 202
	})
	if got := c.kit.Stored(t).Counts(); got != "turns=1 changes=1 identities=1 consents=0" {
		t.Errorf("stored %s", got)
	}
}

func FuzzMessages(f *testing.F) {
	f.Add([]byte(`{"id":"m1","channel":"sms","customer":{"phone":"+49 30 123456","name":"Ana"},"text":"hi","at":"2026-01-02T03:04:05Z","attrs":{"a":"b"}}`))
	f.Add([]byte(`[{"interaction":"i_1","role":"agent","agent":"a","text":"x","reply_to":"t_1"},{}]`))
	f.Add([]byte(`{"texst":null,"a/b~":1}`))
	f.Add([]byte(`[`))
	sessions := ingest.NewSessions(ingest.SessionsConfig{})
	f.Fuzz(func(t *testing.T, body []byte) {
		arrivals, _, err := parseMessages(body, source{tenant: "acme", sessions: sessions})
		if err != nil {
			if p := problem.Of(err); p.Status != 400 {
				t.Fatalf("refused by %v", err)
			}
			return
		}
		for _, a := range arrivals {
			if a.Turn.ID == "" || a.Turn.Text == "" || a.Turn.Interaction == "" && (a.Channel == "" || len(a.Person.Handles) == 0) {
				t.Errorf("accepted %+v", a)
			}
		}
	})
}
