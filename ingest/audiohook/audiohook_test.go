package audiohook

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"throughline/event"
	"throughline/ingest/calls"
	"throughline/ingest/calls/callstest"
	"throughline/ingest/ingesttest"
	"throughline/media"
	"throughline/media/codec"
)

const (
	org     = "d7934305-0972-4844-938e-9060eef73d05"
	conv    = "090eaa2f-72fa-480a-83e0-8667ff89c0ec"
	person  = "883efee8-3d6c-4537-b500-6d7ca4b92fa0"
	sess    = "e160e428-53e2-487c-977d-96989bf5c99d"
	stereo  = `[{"type":"audio","format":"PCMU","channels":["external","internal"],"rate":8000},{"type":"audio","format":"PCMU","channels":["external"],"rate":8000}]`
	patient = ingesttest.Patience
)

// house is a server with its kit.
type house struct {
	*callstest.Kit
	server *Server
	url    string
}

func open(t testing.TB, cfg Config, doorCfg calls.Config) *house {
	t.Helper()
	kit := callstest.New(t, doorCfg)
	cfg.Tenant = func(*http.Request) string { return "acme" }
	cfg.Logger = slog.New(slog.NewTextHandler(io.Discard, nil))
	if cfg.Grace == 0 {
		cfg.Grace = 50 * time.Millisecond
	}
	s, err := New(cfg, kit.Door)
	if err != nil {
		t.Fatal(err)
	}
	return &house{Kit: kit, server: s, url: callstest.Serve(t, s) + Path}
}

// client is Genesys, well or badly behaved.
type client struct {
	t      testing.TB
	ws     *websocket.Conn
	id     string
	seq    int64
	server int64
}

func (h *house) dial(t testing.TB, id string) *client {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patient)
	defer cancel()
	ws, _, err := websocket.Dial(ctx, h.url, &websocket.DialOptions{HTTPHeader: http.Header{"Audiohook-Session-Id": {id}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ws.CloseNow() })
	return &client{t: t, ws: ws, id: id}
}

// going is a call that goes on.
func (h *house) going(t testing.TB, id string) *calls.Call {
	t.Helper()
	c, ok := h.Door.Find(id)
	if !ok {
		t.Fatal("the call does not go on")
	}
	return c
}

func (c *client) raw(s string) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patient)
	defer cancel()
	if err := c.ws.Write(ctx, websocket.MessageText, []byte(s)); err != nil {
		c.t.Fatal(err)
	}
}

func (c *client) say(kind, position, parameters string) {
	c.t.Helper()
	c.seq++
	c.raw(fmt.Sprintf(`{"version":"2","id":%q,"type":%q,"seq":%d,"serverseq":%d,"position":%q,"parameters":%s}`, c.id, kind, c.seq, c.server, position, parameters))
}

func (c *client) open(conversation, participant, media, more string) {
	c.t.Helper()
	c.say("open", "PT0S", fmt.Sprintf(`{"organizationId":%q,"conversationId":%q,"participant":{"id":%q,"ani":"+1-555-555-1234","aniName":"John Doe","dnis":"+1-800-555-6789"},"media":%s,"language":"en-US"%s}`,
		org, conversation, participant, media, more))
}

func (c *client) audio(b []byte) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patient)
	defer cancel()
	if err := c.ws.Write(ctx, websocket.MessageBinary, b); err != nil {
		c.t.Fatal(err)
	}
}

type answer struct {
	Version    string          `json:"version"`
	ID         string          `json:"id"`
	Type       string          `json:"type"`
	Seq        int64           `json:"seq"`
	ClientSeq  int64           `json:"clientseq"`
	Parameters json.RawMessage `json:"parameters"`
}

// hear reads the next message and checks its numbers.
func (c *client) hear(want string) answer {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patient)
	defer cancel()
	_, b, err := c.ws.Read(ctx)
	if err != nil {
		c.t.Fatalf("waiting for %s: %v", want, err)
	}
	var a answer
	if err := json.Unmarshal(b, &a); err != nil {
		c.t.Fatal(err)
	}
	c.server++
	if a.Version != "2" || a.ID != c.id || a.Seq != c.server || a.ClientSeq > c.seq {
		c.t.Errorf("numbers of %s are wrong: %s", want, b)
	}
	if a.Type != want {
		c.t.Fatalf("got %s, want %s", b, want)
	}
	return a
}

func (c *client) close(reason string) {
	c.t.Helper()
	c.say("close", "PT0S", `{"reason":"`+reason+`"}`)
	c.hear("closed")
	_ = c.ws.Close(websocket.StatusNormalClosure, "")
}

// interleave encodes both sides as PCMU.
func interleave(external, internal []int16) []byte {
	e, i := codec.AppendULaw(nil, external), codec.AppendULaw(nil, internal)
	both := make([]byte, 0, 2*len(e))
	for k := range e {
		both = append(both, e[k], i[k])
	}
	return both
}

// heard is what is left of samples after PCMU.
func heard(samples []int16) []int16 {
	return codec.AppendLinearULaw(nil, codec.AppendULaw(nil, samples))
}

// TestRealCall sends a real two-party call and compares what comes back from Kafka.
func TestRealCall(t *testing.T) {
	customer := callstest.Samples(t, callstest.Data(t, "calls_two_channel", "auto_repairs_40_customer.wav"))
	agent := callstest.Samples(t, callstest.Data(t, "calls_two_channel", "auto_repairs_40_agent.wav"))
	h := open(t, Config{}, calls.Config{})
	c := h.dial(t, sess)
	c.open(conv, person, stereo, "")
	var opened openedParameters
	if err := json.Unmarshal(c.hear("opened").Parameters, &opened); err != nil || len(opened.Media) != 1 || len(opened.Media[0].Channels) != 2 || opened.StartPaused {
		t.Fatalf("opened %+v, %v", opened, err)
	}
	all := interleave(customer, agent)
	sizes := []int{3200, 320, 1600, 46, 8, 16000}
	for i := 0; len(all) > 0; i++ {
		n := min(len(all), sizes[i%len(sizes)])
		c.audio(all[:n])
		all = all[n:]
		if i%20 == 0 {
			c.say("ping", "PT0S", `{"rtt":"PT0.02S"}`)
			c.hear("pong")
		}
	}
	c.close("end")
	end := h.Ended(t, 1)[0]
	if end.Change != event.Ended || end.Reason != ReasonClosed {
		t.Errorf("ended as %+v", end)
	}
	if want := event.CustomerID("acme", event.Handle{Kind: event.Phone, Value: "+15555551234"}); end.Customer != want {
		t.Error("customer is not found by the number")
	}
	legs := h.Legs(t, end.Interaction, 8000)
	for role, want := range map[event.Role][]int16{event.Customer: customer, event.Agent: agent} {
		l := legs[role]
		if l == nil {
			t.Errorf("there is no leg of the %s", role)
			continue
		}
		if !slices.Equal(l.Samples, heard(want)) {
			t.Errorf("audio of the %s is not what was sent: %d samples of %d", role, len(l.Samples), len(want))
			continue
		}
		if !l.Last || len(l.Gaps) != 0 {
			t.Errorf("leg of the %s: last %v, gaps %v", role, l.Last, l.Gaps)
		}
	}
}

func TestL16Mono(t *testing.T) {
	h := open(t, Config{}, calls.Config{})
	c := h.dial(t, sess)
	c.open(conv, person, `[{"type":"audio","format":"OPUS","channels":["external"],"rate":48000},{"type":"audio","format":"L16","channels":["external"],"rate":16000}]`, "")
	c.hear("opened")
	want := callstest.Tone(300, 16000)
	raw := codec.AppendL16(nil, want)
	codec.SwapL16(raw)
	c.audio(raw)
	c.close("end")
	legs := h.Legs(t, h.Ended(t, 1)[0].Interaction, 16000)
	if l := legs[event.Customer]; l == nil || !slices.Equal(l.Samples, want) {
		t.Error("L16 does not come back as it was sent")
	}
}

func TestProbe(t *testing.T) {
	h := open(t, Config{}, calls.Config{})
	c := h.dial(t, sess)
	c.open(nilUUID, nilUUID, stereo, "")
	c.hear("opened")
	c.audio(make([]byte, 320))
	c.close("end")
	if n := len(h.Changes(t)); n != 0 || h.Door.Open() != 0 {
		t.Errorf("a probe made %d changes", n)
	}
}

// TestPause proves that what is said while paused reaches nobody, and that the
// time it took does not move what follows.
func TestPause(t *testing.T) {
	tests := []struct {
		name  string
		pause func(*house, *client, string)
		after func(*house, *client, string)
	}{
		{"by Genesys", func(_ *house, c *client, _ string) {
			c.say("paused", "PT1S", `{}`)
		}, func(_ *house, c *client, _ string) {
			c.say("resumed", "PT3S", `{"start":"PT1S","discarded":"PT2S"}`)
		}},
		{"by us, audio on its way", func(h *house, c *client, id string) {
			h.going(c.t, id).Pause(calls.ByRequest, "card")
			c.hear("pause")
			c.audio(interleave(callstest.Tone(900, 8000), callstest.Tone(900, 8000)))
			c.say("paused", "PT2S", `{}`)
		}, func(h *house, c *client, id string) {
			h.going(c.t, id).Unpause(calls.ByRequest)
			c.hear("resume")
			c.say("resumed", "PT3S", `{"start":"PT2S","discarded":"PT1S"}`)
		}},
		{"audio though paused", func(_ *house, c *client, _ string) {
			c.say("paused", "PT1S", `{}`)
			c.audio(interleave(callstest.Tone(900, 4000), callstest.Tone(900, 4000)))
		}, func(_ *house, c *client, _ string) {
			c.say("resumed", "PT3S", `{"start":"PT1S","discarded":"PT2S"}`)
		}},
		{"discarded", func(*house, *client, string) {}, func(_ *house, c *client, _ string) {
			c.say("discarded", "PT3S", `{"start":"PT1S","discarded":"PT2S"}`)
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := open(t, Config{}, calls.Config{})
			c := h.dial(t, sess)
			c.open(conv, person, stereo, "")
			c.hear("opened")
			id := calls.Description{Tenant: "acme", Source: "audiohook", ID: org + "/" + conv}.Interaction()
			before, after := callstest.Tone(200, 8000), callstest.Tone(400, 8000)
			c.audio(interleave(before, before))
			c.say("ping", "PT1S", `{}`)
			c.hear("pong") // the second before the pause is in
			tt.pause(h, c, id)
			tt.after(h, c, id)
			c.audio(interleave(after, after))
			c.close("end")
			h.Ended(t, 1)
			want := slices.Concat(heard(before), make([]int16, 16000), heard(after))
			for role, l := range h.Legs(t, id, 8000) {
				if !slices.Equal(l.Samples, want) {
					t.Errorf("%s: %d samples are not a second, two of silence, a second", role, len(l.Samples))
				}
				if len(l.Gaps) != 1 || l.Gaps[0] != (media.Gap{Kind: media.Withheld, Ticks: 16000}) {
					t.Errorf("%s: gaps %v", role, l.Gaps)
				}
			}
		})
	}
}

func TestMisbehaviour(t *testing.T) {
	opened := func(c *client) { c.open(conv, person, stereo, ""); c.hear("opened") }
	tests := []struct {
		name   string
		does   func(*client)
		info   string // of the disconnect; "" if the connection is simply lost
		reason string // of the call's end; "" if there is no call
	}{
		{"no open", func(c *client) { c.say("update", "PT0S", `{"language":"en"}`) }, "first message must be open", ""},
		{"audio first", func(c *client) { c.audio(make([]byte, 320)) }, "before opened", ""},
		{"open twice", func(c *client) { opened(c); c.open(conv, person, stereo, "") }, "session is open", ReasonFault},
		{"seq gap", func(c *client) { opened(c); c.seq++; c.say("ping", "PT0S", `{}`) }, "seq does not follow", ReasonFault},
		{"seq again", func(c *client) { opened(c); c.seq--; c.say("ping", "PT0S", `{}`) }, "seq does not follow", ReasonFault},
		{"serverseq ahead", func(c *client) { opened(c); c.server += 9; c.say("ping", "PT0S", `{}`); c.server -= 9 }, "serverseq", ReasonFault},
		{"other session", func(c *client) {
			opened(c)
			mine := c.id
			c.id = conv
			c.say("ping", "PT0S", `{}`)
			c.id = mine
		}, "id is not", ReasonFault},
		{"not JSON", func(c *client) { opened(c); c.raw(`{"version":`) }, "not JSON", ReasonFault},
		{"version 3", func(c *client) {
			c.raw(`{"version":"3","id":"` + sess + `","type":"open","seq":1,"serverseq":0,"position":"PT0S","parameters":{}}`)
		}, "version", ""},
		{"bad position", func(c *client) { opened(c); c.say("ping", "1.5s", `{}`) }, "duration", ReasonFault},
		{"bad parameters", func(c *client) { opened(c); c.say("close", "PT0S", `{"reason":5}`) }, "parameters of close", ReasonFault},
		{"no media", func(c *client) { c.open(conv, person, `[]`, "") }, "media holds no audio", ""},
		{"foreign channels", func(c *client) {
			c.open(conv, person, `[{"type":"audio","format":"PCMU","channels":["a","b"],"rate":8000}]`, "")
		}, "media holds no audio", ""},
		{"half a sample", func(c *client) { opened(c); c.audio(make([]byte, 321)) }, "cut within a sample", ReasonFault},
		{"huge text", func(c *client) { opened(c); c.say("ping", "PT0S", `{"x":"`+strings.Repeat("a", maxText)+`"}`) }, "64 KiB", ReasonFault},
		{"huge frame", func(c *client) {
			opened(c)
			ctx, cancel := context.WithTimeout(context.Background(), patient)
			defer cancel()
			_ = c.ws.Write(ctx, websocket.MessageBinary, make([]byte, readLimit+2)) // the server may hang up before the end
		}, "", ReasonLost},
		{"abrupt close", func(c *client) { opened(c); c.audio(make([]byte, 3200)); _ = c.ws.CloseNow() }, "", ReasonLost},
		{"error and silence", func(c *client) {
			opened(c)
			c.say("error", "PT0S", `{"code":503,"message":"busy"}`)
			_ = c.ws.CloseNow()
		}, "", ReasonLost},
		{"close by error", func(c *client) { opened(c); c.close("error") }, "", ReasonClientErr},
		{"moved and not back", func(c *client) { opened(c); c.close("reconnect") }, "", ReasonMoved},
	}
	h := open(t, Config{}, calls.Config{})
	ends := 0
	for i, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := h.dial(t, sess)
			tt.does(c)
			if tt.info != "" {
				a := c.hear("disconnect")
				if !strings.Contains(string(a.Parameters), tt.info) {
					t.Errorf("disconnect says %s, want %q", a.Parameters, tt.info)
				}
			}
			_ = c.ws.CloseNow()
			if tt.reason != "" {
				ends++
				all := h.Ended(t, ends)
				if !slices.ContainsFunc(all, func(e event.Interaction) bool { return e.Change == event.Failed && e.Reason == tt.reason }) {
					t.Errorf("test %d: no end by %q", i, tt.reason)
				}
			}
		})
		if tt.reason != "" {
			// The next one needs a conversation that has not ended: the door remembers.
			h = open(t, Config{}, calls.Config{})
			ends = 0
		}
	}
}

func TestUnknownMessagesAreTolerated(t *testing.T) {
	h := open(t, Config{}, calls.Config{})
	c := h.dial(t, sess)
	c.open(conv, person, stereo, `,"tomorrow":{"a":[1]},"customConfig":"x"`)
	c.hear("opened")
	c.say("teleported", "PT0S", `{"where":"mars"}`)
	c.say("dtmf", "PT0S", `{"digit":"7"}`)
	c.say("playback_started", "PT0S", `{}`)
	c.say("update", "PT0S", `{"language":"es-US"}`)
	c.say("ping", "PT99S", `{}`) // far from the audio: counted
	c.hear("pong")
	c.close("end")
	end := h.Ended(t, 1)[0]
	for _, i := range h.Changes(t) {
		if b, _ := json.Marshal(i); strings.Contains(string(b), "mars") || strings.Contains(string(b), `"7"`) || strings.Contains(string(b), "John") {
			t.Errorf("kept what is nobody's business: %s", b)
		}
	}
	if end.Change != event.Ended {
		t.Errorf("ended as %s", end.Change)
	}
}

// TestReconnect goes on with the call in a second session.
func TestReconnect(t *testing.T) {
	h := open(t, Config{Grace: patient}, calls.Config{})
	first := h.dial(t, sess)
	first.open(conv, person, stereo, "")
	first.hear("opened")
	one, two := callstest.Tone(200, 4000), callstest.Tone(400, 4000)
	first.audio(interleave(one, one))
	first.close("reconnect")
	second := h.dial(t, person)
	second.open(conv, person, stereo, `,"continuedSessions":[{"id":"`+sess+`","serverseq":1,"clientseq":2}]`)
	second.hear("opened")
	second.audio(interleave(two, two))
	second.close("end")
	started := 0
	h.Idle(t)
	ends := h.Ended(t, 1)
	for _, i := range h.Changes(t) {
		if i.Change == event.Started {
			started++
		}
	}
	if started != 1 || len(ends) != 1 || ends[0].Change != event.Ended {
		t.Errorf("started %d times, ended %+v", started, ends)
	}
}

// TestPauseByRequestStands: neither a new connection nor Genesys itself lets audio
// pass before whoever paused the call does.
func TestPauseByRequestStands(t *testing.T) {
	h := open(t, Config{Grace: patient}, calls.Config{})
	id := calls.Description{Tenant: "acme", Source: "audiohook", ID: org + "/" + conv}.Interaction()
	first := h.dial(t, sess)
	first.open(conv, person, stereo, "")
	first.hear("opened")
	h.going(t, id).Pause(calls.ByRequest, "card")
	first.hear("pause")
	first.close("reconnect")
	second := h.dial(t, person)
	second.open(conv, person, stereo, "")
	if a := second.hear("opened"); !strings.Contains(string(a.Parameters), `"startPaused":true`) {
		t.Errorf("a call that is paused is opened with %s", a.Parameters)
	}
	secret, after := callstest.Tone(900, 4000), callstest.Tone(400, 8000)
	second.audio(interleave(secret, secret))
	second.say("resumed", "PT0.5S", `{"start":"PT0.5S","discarded":"PT0S"}`)
	second.hear("pause") // still
	second.audio(interleave(secret, secret))
	second.say("ping", "PT1S", `{}`)
	second.hear("pong") // all of that is in
	h.going(t, id).Unpause(calls.ByRequest)
	second.hear("resume")
	second.say("resumed", "PT1S", `{"start":"PT1S","discarded":"PT0S"}`)
	second.audio(interleave(after, after))
	second.close("end")
	h.Ended(t, 1)
	kept := map[string][]byte{}
	ingesttest.Await(t, "the audio of both sides", func() bool {
		clear(kept)
		ends := 0
		for _, a := range ingesttest.All(t, h.Bus, event.Audio().Source) {
			var k media.Chunk
			if err := k.UnmarshalBinary(a.Payload); err != nil {
				t.Fatal(err)
			}
			for _, p := range k.Parts {
				kept[a.Leg] = append(kept[a.Leg], p.Payload...)
			}
			if a.Last {
				ends++
			}
		}
		return ends == 4 // of two sessions
	})
	sides := 0
	for _, octets := range kept {
		if len(octets) == 0 {
			continue
		}
		if sides++; !bytes.Equal(octets, codec.AppendULaw(nil, after)) {
			t.Errorf("%d octets are kept of a side, want the %d after the pause", len(octets), len(after))
		}
	}
	if sides != 2 {
		t.Errorf("audio of %d sides is kept", sides)
	}
}

func TestTranscriptsComeBack(t *testing.T) {
	turn := event.Turn{ID: "t_1", Role: event.Agent, Text: "hello", StartMS: 3200, EndMS: 4300, Confidence: 0.93, Language: "en-us",
		Words: []event.Word{{Text: "hello", StartMS: 3200, EndMS: 3600}}}
	release := make(chan struct{})
	h := open(t, Config{Transcripts: func(ctx context.Context, _ string, emit func(event.Turn, bool) error) error {
		if err := emit(turn, false); err != nil {
			return err
		}
		select {
		case <-release:
		case <-ctx.Done():
			return ctx.Err()
		}
		return emit(turn, true)
	}}, calls.Config{})
	c := h.dial(t, sess)
	c.open(conv, person, stereo, "")
	c.hear("opened")
	first := c.hear("event")
	c.say("close", "PT0S", `{"reason":"end"}`)
	close(release) // the last words are recognised after the last audio
	last := c.hear("event")
	c.hear("closed")
	want := `{"entities":[{"type":"transcript","data":{"id":"` + uuid("t_1") + `","channelId":1,"isFinal":true,"offset":"PT3.2S","duration":"PT1.1S",` +
		`"alternatives":[{"confidence":0.93,"languages":["en-us"],"interpretations":[{"type":"display","transcript":"hello",` +
		`"tokens":[{"type":"word","value":"hello","confidence":0.93,"offset":"PT3.2S","duration":"PT0.4S"}]}]}]}}]}`
	if string(last.Parameters) != want {
		t.Errorf("transcript is\n%s\nwant\n%s", last.Parameters, want)
	}
	if string(first.Parameters) != strings.Replace(want, `"isFinal":true`, `"isFinal":false`, 1) {
		t.Errorf("growing transcript is %s", first.Parameters)
	}
}

func TestTooManyCallsAreRefused(t *testing.T) {
	h := open(t, Config{}, calls.Config{MaxCalls: 1})
	a := h.dial(t, sess)
	a.open(conv, person, stereo, "")
	a.hear("opened")
	b := h.dial(t, person)
	b.open(sess, person, stereo, "")
	if d := b.hear("disconnect"); !strings.Contains(string(d.Parameters), "too many calls") {
		t.Errorf("disconnect says %s", d.Parameters)
	}
	a.audio(make([]byte, 320))
	a.close("end")
	if end := h.Ended(t, 1)[0]; end.Change != event.Ended {
		t.Errorf("the call in progress ended as %s", end.Change)
	}
}

func TestStopAsksClientsToGo(t *testing.T) {
	kit := callstest.New(t, calls.Config{})
	s, err := New(Config{Tenant: func(*http.Request) string { return "acme" }}, kit.Door)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	s.Routes(mux)
	web := httptest.NewServer(mux)
	defer web.Close()
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	h := &house{Kit: kit, server: s, url: "ws" + strings.TrimPrefix(web.URL, "http") + Path}
	c := h.dial(t, sess)
	c.open(conv, person, stereo, "")
	c.hear("opened")
	stop()
	c.hear("reconnect")
	c.close("reconnect")
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(patient):
		t.Fatal("the server does not stop")
	}
	resp, err := http.Get(web.URL + Path)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("a stopped server answers %d", resp.StatusCode)
	}
}
