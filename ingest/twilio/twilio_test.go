package twilio

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/prometheus/client_golang/prometheus"

	"throughline/event"
	"throughline/ingest/calls"
	"throughline/ingest/calls/callstest"
	"throughline/ingest/ingesttest"
	"throughline/media"
	"throughline/media/codec"
)

const patient = ingesttest.Patience

type house struct {
	*callstest.Kit
	server  *Server
	metrics *prometheus.Registry
	url     string
}

func open(t testing.TB, cfg Config, doorCfg calls.Config) *house {
	t.Helper()
	kit := callstest.New(t, doorCfg)
	cfg.Tenant = func(*http.Request) string { return "acme" }
	cfg.Logger = slog.New(slog.NewTextHandler(io.Discard, nil))
	reg := prometheus.NewRegistry()
	cfg.Metrics = reg
	if cfg.Grace == 0 {
		cfg.Grace = 50 * time.Millisecond
	}
	s, err := New(cfg, kit.Door)
	if err != nil {
		t.Fatal(err)
	}
	return &house{Kit: kit, server: s, metrics: reg, url: callstest.Serve(t, s) + Path}
}

// odd is how many frames were counted so.
func (h *house) odd(t *testing.T, what string) float64 {
	t.Helper()
	families, err := h.metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == "throughline_twilio_odd_frames_total" && m.GetLabel()[0].GetValue() == what {
				return m.GetCounter().GetValue()
			}
		}
	}
	return 0
}

type client struct {
	t  testing.TB
	ws *websocket.Conn
}

func (h *house) dial(t testing.TB, query string, protocols ...string) *client {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patient)
	defer cancel()
	ws, _, err := websocket.Dial(ctx, h.url+query, &websocket.DialOptions{Subprotocols: protocols})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ws.CloseNow() })
	if len(protocols) > 0 && ws.Subprotocol() != protocols[0] {
		t.Errorf("subprotocol is %q", ws.Subprotocol())
	}
	return &client{t: t, ws: ws}
}

func (c *client) write(kind websocket.MessageType, b []byte) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patient)
	defer cancel()
	if err := c.ws.Write(ctx, kind, b); err != nil {
		c.t.Fatal(err)
	}
}

func (c *client) say(s string)  { c.t.Helper(); c.write(websocket.MessageText, []byte(s)) }
func (c *client) bare(b []byte) { c.t.Helper(); c.write(websocket.MessageBinary, b) }
func (c *client) hangUp()       { _ = c.ws.Close(websocket.StatusNormalClosure, "") }
func (c *client) die()          { _ = c.ws.CloseNow() }
func (c *client) closed() string { // the reason for which the server closes
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patient)
	defer cancel()
	_, _, err := c.ws.Read(ctx)
	return fmt.Sprint(err)
}

const (
	hello = `{"event":"connected","protocol":"Call","version":"1.0.0"}`
	begun = `{"event":"start","sequenceNumber":"1","streamSid":"MZ1","start":{"streamSid":"MZ1","accountSid":"AC1","callSid":"CA1","tracks":["inbound","outbound"],` +
		`"mediaFormat":{"encoding":"audio/x-mulaw","sampleRate":8000,"channels":1},"customParameters":{"customer":"+1-555-555-1234","agent":"a7","queue":"claims","FirstName":"Jane"}}}`
	stopped = `{"event":"stop","sequenceNumber":"9","streamSid":"MZ1","stop":{"accountSid":"AC1","callSid":"CA1"}}`
)

// frame is 20 ms or what else b holds, as Twilio writes it.
func (c *client) frame(track string, chunk, ms int, b []byte) {
	c.t.Helper()
	c.say(fmt.Sprintf(`{"event":"media","sequenceNumber":"%d","streamSid":"MZ1","media":{"track":%q,"chunk":"%d","timestamp":"%d","payload":%q}}`,
		chunk+1, track, chunk, ms, base64.StdEncoding.EncodeToString(b)))
}

func interaction(call string) string {
	return calls.Description{Tenant: "acme", Source: "twilio", ID: call}.Interaction()
}

func heard(samples []int16) []int16 {
	return codec.AppendLinearULaw(nil, codec.AppendULaw(nil, samples))
}

func (h *house) end(t *testing.T) event.Interaction {
	t.Helper()
	return h.Ended(t, 1)[0]
}

// TestRealCall sends a real two-party call and compares what comes back from Kafka.
func TestRealCall(t *testing.T) {
	customer := callstest.Samples(t, callstest.Data(t, "calls_two_channel", "auto_repairs_40_customer.wav"))
	agent := callstest.Samples(t, callstest.Data(t, "calls_two_channel", "auto_repairs_40_agent.wav"))
	h := open(t, Config{}, calls.Config{})
	c := h.dial(t, "")
	c.say(hello)
	c.say(begun)
	in, out := codec.AppendULaw(nil, customer), codec.AppendULaw(nil, agent)
	for n := 0; n*160 < len(in); n++ {
		end := min(n*160+160, len(in))
		c.frame("inbound", n+1, n*20, in[n*160:end])
		c.frame("outbound", n+1, n*20, out[n*160:end])
	}
	c.say(`{"event":"dtmf","streamSid":"MZ1","sequenceNumber":"5","dtmf":{"track":"inbound_track","digit":"1"}}`)
	c.say(`{"event":"mark","sequenceNumber":"4","streamSid":"MZ1","mark":{"name":"m1"}}`)
	c.say(stopped)
	end := h.end(t)
	if end.Change != event.Ended || end.Reason != ReasonStopped || end.Interaction != interaction("CA1") {
		t.Errorf("ended as %+v", end)
	}
	if want := event.CustomerID("acme", event.Handle{Kind: event.Phone, Value: "+15555551234"}); end.Customer != want {
		t.Error("customer is not found by the parameter")
	}
	legs := h.Legs(t, end.Interaction, 8000)
	for role, want := range map[event.Role][]int16{event.Customer: customer, event.Agent: agent} {
		l := legs[role]
		if l == nil || !slices.Equal(l.Samples, heard(want)) || !l.Last || len(l.Gaps) != 0 {
			t.Errorf("audio of the %s is not what was sent", role)
		}
	}
	if legs[event.Agent].Chunks[0].Agent != "a7" {
		t.Error("the agent's id is lost")
	}
	queue := ""
	for _, i := range h.Changes(t) {
		raw, _ := json.Marshal(i)
		if strings.Contains(string(raw), "Jane") || strings.Contains(string(raw), "digit") {
			t.Errorf("kept what nobody asked for: %s", raw)
		}
		queue += i.Queue
	}
	if queue != "claims" {
		t.Errorf("queue is %q", queue)
	}
}

// TestOrder disturbs the order of twenty frames of 20 ms and looks at the sound.
func TestOrder(t *testing.T) {
	tone := callstest.Tone(300, 20*160)
	sound := codec.AppendULaw(nil, tone)
	straight := make([]int, 20)
	for i := range straight {
		straight[i] = i
	}
	swap := func(i, j int) []int {
		o := slices.Clone(straight)
		o[i], o[j] = o[j], o[i]
		return o
	}
	silentAt := func(from, to int) []int16 { // in frames
		want := heard(tone)
		clear(want[from*160 : to*160])
		return want
	}
	tests := []struct {
		name  string
		order []int
		want  []int16 // nil: the tone as it is
		gaps  []media.GapKind
		odd   string
	}{
		{"straight", straight, nil, nil, ""},
		{"neighbours swapped", swap(5, 6), nil, nil, "reordered"},
		{"far apart", swap(2, 12), nil, nil, "reordered"},
		{"first comes second", swap(0, 1), nil, nil, "reordered"},
		{"last comes early", swap(19, 10), nil, nil, "reordered"},
		{"twice", slices.Insert(slices.Clone(straight), 7, 3), nil, nil, "late"},
		{"twice while held", []int{0, 2, 2, 1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19}, nil, nil, "repeated"},
		{"one lost", slices.Delete(slices.Clone(straight), 4, 5), nil, nil, "missing"}, // 20 ms are within the tolerance
		{"ten lost", slices.Delete(slices.Clone(straight), 4, 14), silentAt(4, 14), []media.GapKind{media.Lost}, "missing"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := open(t, Config{}, calls.Config{})
			c := h.dial(t, "")
			c.say(begun)
			for _, n := range tt.order {
				c.frame("inbound", n+1, n*20, sound[n*160:n*160+160])
			}
			c.say(stopped)
			h.end(t)
			l := h.Legs(t, interaction("CA1"), 8000)[event.Customer]
			want := tt.want
			if want == nil {
				want = heard(tone)
			}
			if tt.name == "one lost" {
				want = slices.Delete(heard(tone), 4*160, 5*160)
			}
			if tt.gaps != nil {
				// Concealment fills the beginning of a loss: what counts is where the rest stands.
				if len(l.Samples) != len(want) || !slices.Equal(l.Samples[:4*160], want[:4*160]) || !slices.Equal(l.Samples[15*160:], want[15*160:]) {
					t.Errorf("%d samples, %d wanted, or they stand elsewhere", len(l.Samples), len(want))
				}
			} else if !slices.Equal(l.Samples, want) {
				t.Errorf("sound is not what was sent: %d samples, %d wanted", len(l.Samples), len(want))
			}
			var kinds []media.GapKind
			for _, g := range l.Gaps {
				kinds = append(kinds, g.Kind)
			}
			if !slices.Equal(kinds, tt.gaps) {
				t.Errorf("gaps %v, want %v", kinds, tt.gaps)
			}
			if tt.odd != "" && h.odd(t, tt.odd) == 0 {
				t.Errorf("nothing was counted as %s", tt.odd)
			}
		})
	}
}

// TestPause has a party send nothing for two seconds, told by timestamps alone.
func TestPause(t *testing.T) {
	h := open(t, Config{}, calls.Config{})
	c := h.dial(t, "")
	c.say(begun)
	one, two := callstest.Tone(300, 800), callstest.Tone(500, 800)
	c.frame("inbound", 1, 1000, codec.AppendULaw(nil, one))
	c.frame("outbound", 1, 2100, codec.AppendULaw(nil, one)) // speaks 1.1 s later
	c.frame("inbound", 2, 3100, codec.AppendULaw(nil, two))
	c.frame("inbound", 3, 1<<40, codec.AppendULaw(nil, two)) // a timestamp that cannot be
	c.say(stopped)
	h.end(t)
	legs := h.Legs(t, interaction("CA1"), 8000)
	want := slices.Concat(heard(one), make([]int16, 16000), heard(two), heard(two))
	if l := legs[event.Customer]; !slices.Equal(l.Samples, want) || len(l.Gaps) != 1 || l.Gaps[0].Kind != media.Silent {
		t.Errorf("%d samples, %d wanted, gaps %v", len(l.Samples), len(want), l.Gaps)
	}
	if l := legs[event.Agent]; !slices.Equal(l.Samples, slices.Concat(make([]int16, 8800), heard(one))) {
		t.Errorf("the agent's first words stand elsewhere: %d samples", len(l.Samples))
	}
}

func TestMisbehaviour(t *testing.T) {
	sound := codec.AppendULaw(nil, callstest.Tone(300, 160))
	tests := []struct {
		name   string
		does   func(*client)
		change event.Change // "": no call
		reason string
		odd    string
	}{
		{"no start", func(c *client) { c.say(hello); c.frame("inbound", 1, 0, sound); c.hangUp() }, "", "", "before_start"},
		{"stop without start", func(c *client) { c.say(stopped); c.hangUp() }, "", "", "before_start"},
		{"start twice", func(c *client) { c.say(begun); c.say(begun); c.frame("inbound", 1, 0, sound); c.say(stopped) }, event.Ended, ReasonStopped, "second_start"},
		{"foreign track", func(c *client) { c.say(begun); c.frame("sideways", 1, 0, sound); c.say(stopped) }, event.Ended, ReasonStopped, "foreign_track"},
		{"foreign stream", func(c *client) {
			c.say(begun)
			c.say(`{"event":"media","streamSid":"MZ2","media":{"track":"inbound","chunk":"1","timestamp":"0","payload":""}}`)
			c.say(`{"event":"stop","streamSid":"MZ2"}`)
			c.say(stopped)
		}, event.Ended, ReasonStopped, "foreign_stream"},
		{"not JSON", func(c *client) { c.say(begun); c.say(`{"event":`); c.say("hello world"); c.say(stopped) }, event.Ended, ReasonStopped, "malformed"},
		{"not base64", func(c *client) {
			c.say(begun)
			c.say(`{"event":"media","streamSid":"MZ1","media":{"track":"inbound","chunk":"1","timestamp":"0","payload":"§§"}}`)
			c.say(stopped)
		}, event.Ended, ReasonStopped, "unusable"},
		{"binary among text", func(c *client) { c.say(begun); c.bare(sound); c.say(stopped) }, event.Ended, ReasonStopped, "unusable"},
		{"events of tomorrow", func(c *client) { c.say(begun); c.say(`{"event":"hologram","streamSid":"MZ1"}`); c.say(stopped) }, event.Ended, ReasonStopped, ""},
		{"huge frame", func(c *client) {
			c.say(begun)
			c.frame("inbound", 1, 0, sound)
			ctx, cancel := context.WithTimeout(context.Background(), patient)
			defer cancel()
			_ = c.ws.Write(ctx, websocket.MessageText, make([]byte, readLimit+1)) // the server may hang up before the end
		}, event.Failed, ReasonLost, ""},
		{"abrupt close", func(c *client) {
			c.say(begun)
			c.frame("inbound", 1, 0, sound)
			time.Sleep(50 * time.Millisecond)
			c.die()
		}, event.Failed, ReasonLost, ""},
		{"abrupt close before audio", func(c *client) { c.say(begun); time.Sleep(50 * time.Millisecond); c.die() }, event.Abandoned, ReasonNoAudio, ""},
		{"close without stop", func(c *client) { c.say(begun); c.frame("inbound", 1, 0, sound); c.hangUp() }, event.Ended, ReasonClosed, ""},
		{"unknown encoding", func(c *client) {
			c.say(strings.Replace(begun, "audio/x-mulaw", "audio/amr-wb", 1))
			if why := c.closed(); !strings.Contains(why, "encoding is none of") {
				c.t.Errorf("closed by %s", why)
			}
		}, event.Failed, ReasonUndecodable, ""},
		{"absurd rate", func(c *client) {
			c.say(strings.Replace(begun, `"sampleRate":8000`, `"sampleRate":"99999999"`, 1))
			if why := c.closed(); !strings.Contains(why, "sample rate") {
				c.t.Errorf("closed by %s", why)
			}
		}, event.Failed, ReasonUndecodable, ""},
		{"nameless call", func(c *client) {
			c.say(`{"event":"start","start":{}}`)
			if why := c.closed(); !strings.Contains(why, "name the call") {
				c.t.Errorf("closed by %s", why)
			}
		}, "", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := open(t, Config{}, calls.Config{})
			c := h.dial(t, "")
			tt.does(c)
			if tt.change != "" {
				end := h.end(t)
				reason, _, _ := strings.Cut(end.Reason, ";") // then who was not heard
				if end.Change != tt.change || reason != tt.reason {
					t.Errorf("%s by %q, want %s by %q", end.Change, end.Reason, tt.change, tt.reason)
				}
			} else {
				ingesttest.Await(t, "the end of the connection", func() bool { return h.server.streams.Len() == 0 })
				if n := len(h.Changes(t)); n != 0 {
					t.Errorf("%d changes of no call", n)
				}
			}
			if tt.odd != "" && h.odd(t, tt.odd) == 0 {
				t.Errorf("nothing was counted as %s", tt.odd)
			}
			h.Idle(t)
		})
	}
}

// TestSilentTrack reports a party that was announced and is not heard.
func TestSilentTrack(t *testing.T) {
	h := open(t, Config{}, calls.Config{SilenceAfter: 3 * time.Second})
	c := h.dial(t, "")
	c.say(begun)
	var silent []event.Role
	n := 0
	ingesttest.Await(t, "a report of silence", func() bool {
		c.frame("inbound", n+1, n*20, codec.AppendULaw(nil, callstest.Tone(300, 160)))
		n++
		return slices.ContainsFunc(h.Changes(t), func(i event.Interaction) bool { return i.Reason == calls.ReasonNoAudio })
	})
	c.say(stopped)
	h.end(t)
	for _, i := range h.Changes(t) {
		if i.Reason == calls.ReasonNoAudio {
			silent = append(silent, i.Role)
		}
	}
	if !slices.Equal(silent, []event.Role{event.Agent}) {
		t.Errorf("reported as silent: %v", silent)
	}
}

// TestTwoStreams sends each party in a stream of its own, and one of them again
// after its connection broke.
func TestTwoStreams(t *testing.T) {
	h := open(t, Config{Grace: patient}, calls.Config{})
	stream := func(sid, track string) *client {
		c := h.dial(t, "")
		c.say(`{"event":"start","streamSid":"` + sid + `","start":{"callSid":"CA1","tracks":["` + track + `"]}}`)
		c.say(`{"event":"media","streamSid":"` + sid + `","media":{"track":"` + track + `","chunk":"1","timestamp":"0","payload":"` +
			base64.StdEncoding.EncodeToString(codec.AppendULaw(nil, callstest.Tone(300, 800))) + `"}}`)
		return c
	}
	legs := func(n int) {
		t.Helper()
		ingesttest.Await(t, fmt.Sprint(n, " legs"), func() bool {
			joined := 0
			for _, i := range h.Changes(t) {
				if i.Change == event.Joined {
					joined++
				}
			}
			return joined >= n
		})
	}
	a := stream("MZ1", "inbound")
	legs(1)
	b := stream("MZ2", "outbound")
	legs(2)
	b.die()
	b = stream("MZ3", "outbound")
	legs(3)
	a.say(`{"event":"stop","streamSid":"MZ1"}`)
	b.say(`{"event":"stop","streamSid":"MZ3"}`)
	ends := h.Ended(t, 1)
	joined, started := 0, 0
	for _, i := range h.Changes(t) {
		switch i.Change {
		case event.Joined:
			joined++
		case event.Started:
			started++
		}
	}
	if started != 1 || joined != 3 || len(ends) != 1 || ends[0].Change != event.Ended {
		t.Errorf("started %d, joined %d, ends %+v", started, joined, ends)
	}
}

// TestLookAlikes covers the other platforms by what their documents show of them.
func TestLookAlikes(t *testing.T) {
	tone, other := callstest.Tone(300, 1600), callstest.Tone(500, 1600)
	little := func(s ...[]int16) []byte {
		var b []byte
		for i := range s[0] {
			for _, c := range s {
				b = codec.AppendL16(b, c[i:i+1])
			}
		}
		codec.SwapL16(b)
		return b
	}
	alaw := codec.AppendALaw(nil, tone)
	odd := []byte{0xfb, 0xef, 0xbe, 0xff} // "++++" and "////" in base64: the alphabets differ
	tests := []struct {
		name     string
		query    string
		protocol []string
		does     func(*client)
		call     string
		phone    string
		rate     int
		want     map[event.Role][]int16
	}{
		{"Telnyx", "", nil, func(c *client) {
			c.say(`{"event":"connected","version":"1.0.0"}`)
			c.say(`{"event":"start","sequence_number":"1","stream_id":"s1","start":{"user_id":"u","call_control_id":"v3:c1","from":"+15555551234","to":"+18005556789","direction":"incoming","media_format":{"encoding":"PCMA","sample_rate":8000,"channels":1}}}`)
			c.say(`{"event":"media","sequence_number":"4","stream_id":"s1","media":{"track":"inbound","chunk":"2","timestamp":"100","payload":"` + base64.StdEncoding.EncodeToString(alaw[800:]) + `"}}`)
			c.say(`{"event":"media","sequence_number":"3","stream_id":"s1","media":{"track":"inbound","chunk":"1","timestamp":"0","payload":"` + base64.StdEncoding.EncodeToString(alaw[:800]) + `"}}`)
			c.say(`{"event":"stop","sequence_number":"5","stream_id":"s1","stop":{"call_control_id":"v3:c1"}}`)
		}, "v3:c1", "+15555551234", 8000, map[event.Role][]int16{event.Customer: codec.AppendLinearALaw(nil, alaw)}},
		{"Exotel", "", nil, func(c *client) {
			c.say(`{"event":"start","sequence_number":1,"stream_sid":"s2","start":{"stream_sid":"s2","call_sid":"e1","account_sid":"x","from":"+915555551234","to":"+918005556789","custom_parameters":{"queue":"q"},"media_format":{"encoding":"base64","sample_rate":"8000","bit_rate":"128kbps"}}}`)
			c.say(`{"event":"media","sequence_number":2,"stream_sid":"s2","media":{"chunk":1,"timestamp":"0","payload":"` + base64.StdEncoding.EncodeToString(little(tone)) + `"}}`)
			c.say(`{"event":"stop","sequence_number":3,"stream_sid":"s2","stop":{"reason":"callended"}}`)
		}, "e1", "+915555551234", 8000, map[event.Role][]int16{event.Customer: tone}},
		{"Plivo", "", nil, func(c *client) {
			c.say(`{"event":"start","sequenceNumber":1,"start":{"callId":"p1","streamId":"s3","accountId":"x","tracks":["inbound"],"mediaFormat":{"encoding":"audio/x-l16","sampleRate":16000}}}`)
			c.say(`{"event":"media","sequenceNumber":2,"streamId":"s3","media":{"track":"inbound","timestamp":"1667885190553","chunk":2,"payload":"` + base64.StdEncoding.EncodeToString(little(tone)) + `"}}`)
			c.say(`{"event":"stop","sequenceNumber":3,"streamId":"s3"}`)
		}, "p1", "", 16000, map[event.Role][]int16{event.Customer: tone}},
		{"base64 without padding, URL alphabet", "", nil, func(c *client) {
			c.say(strings.Replace(begun, `,"outbound"`, "", 1))
			c.say(`{"event":"media","streamSid":"MZ1","media":{"track":"inbound","chunk":"1","timestamp":"0","payload":"` + base64.RawURLEncoding.EncodeToString(odd) + `"}}`)
			c.say(`{"event":"media","streamSid":"MZ1","media":{"track":"inbound","chunk":"2","timestamp":"0","payload":"` + base64.StdEncoding.EncodeToString(odd) + `"}}`)
			c.say(stopped)
		}, "CA1", "+15555551234", 8000, map[event.Role][]int16{event.Customer: codec.AppendLinearULaw(nil, append(slices.Clone(odd), odd...))}},
		{"jambonz, stereo", "", []string{"audio.jambonz.org"}, func(c *client) {
			c.say(`{"callSid":"j1","direction":"outbound","from":"+18005556789","to":"+15555551234","sampleRate":16000,"mixType":"stereo","metadata":{"agent":"a7"}}`)
			c.bare(little(tone, other))
			c.say(`{"event":"dtmf","dtmf":"1","duration":"1600"}`)
			c.hangUp()
		}, "j1", "+15555551234", 16000, map[event.Role][]int16{event.Customer: tone, event.Agent: other}},
		{"FreeSWITCH mod_audio_stream, mono", "?call=f1&rate=16000&customer=%2B15555551234", nil, func(c *client) {
			c.say(`{"anything":"the user likes"}`)
			c.bare(little(tone))
			c.hangUp()
		}, "f1", "+15555551234", 16000, map[event.Role][]int16{event.Customer: tone}},
		{"FreeSWITCH without metadata, stereo", "?call=f2&mix=stereo", []string{"audio.drachtio.org"}, func(c *client) {
			c.bare(little(tone, other))
			c.hangUp()
		}, "f2", "", 8000, map[event.Role][]int16{event.Customer: tone, event.Agent: other}},
		{"mixed", "?call=f3&mix=mixed", nil, func(c *client) {
			c.bare(little(tone))
			c.hangUp()
		}, "f3", "", 8000, map[event.Role][]int16{event.UnknownRole: tone}},
		{"Vonage", "", nil, func(c *client) {
			c.say(`{"event":"websocket:connected","content-type":"audio/l16;rate=16000","uuid":"v1","from":"+15555551234"}`)
			c.bare(little(tone))
			c.say(`{"event":"websocket:dtmf","digit":"5","duration":260}`)
			c.hangUp()
		}, "v1", "+15555551234", 16000, map[event.Role][]int16{event.Customer: tone}},
		{"Asterisk chan_websocket", "", []string{"media"}, func(c *client) {
			c.say("MEDIA_START connection_id:m1 channel:WebSocket/x channel_id:1.2 format:ulaw optimal_frame_size:160 ptime:20")
			c.bare(codec.AppendULaw(nil, tone))
			c.say("DTMF_END digit:5")
			c.say("MEDIA_XOFF")
			c.hangUp()
		}, "1.2", "", 8000, map[event.Role][]int16{event.Customer: heard(tone)}},
		{"Asterisk in JSON, slin16", "?inbound=agent", []string{"media"}, func(c *client) {
			c.say(`{"event":"MEDIA_START","connection_id":"m2","channel_id":"1.3","format":"slin16","channel_variables":{"customer":"+15555551234"}}`)
			c.bare(little(tone))
			c.hangUp()
		}, "1.3", "+15555551234", 16000, map[event.Role][]int16{event.Agent: tone}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := open(t, Config{}, calls.Config{})
			c := h.dial(t, tt.query, tt.protocol...)
			tt.does(c)
			end := h.end(t)
			if end.Change != event.Ended || end.Interaction != interaction(tt.call) {
				t.Errorf("ended as %s by %q, the call's name is as wanted: %v", end.Change, end.Reason, end.Interaction == interaction(tt.call))
			}
			if tt.phone != "" && end.Customer != event.CustomerID("acme", event.Handle{Kind: event.Phone, Value: tt.phone}) {
				t.Error("the customer is somebody else")
			}
			legs := h.Legs(t, end.Interaction, tt.rate)
			if len(legs) != len(tt.want) {
				t.Errorf("%d legs, want %d", len(legs), len(tt.want))
			}
			for role, want := range tt.want {
				if l := legs[role]; l == nil || !slices.Equal(l.Samples, want) {
					t.Errorf("audio of %q is not what was sent", role)
				}
			}
			for _, i := range h.Changes(t) {
				if raw, _ := json.Marshal(i); strings.Contains(string(raw), `digit`) || strings.Contains(string(raw), "the user likes") {
					t.Errorf("kept what nobody asked for: %s", raw)
				}
			}
		})
	}
}

func TestTooManyCalls(t *testing.T) {
	h := open(t, Config{MaxStreams: 2}, calls.Config{MaxCalls: 1})
	a := h.dial(t, "")
	a.say(begun)
	a.frame("inbound", 1, 0, make([]byte, 160))
	ingesttest.Await(t, "the first call", func() bool { return h.Door.Open() == 1 })
	b := h.dial(t, "")
	_, resp, err := websocket.Dial(ingesttest.Deadline(t), h.url, nil)
	if err == nil || resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("a third connection: %v", err)
	}
	b.say(strings.ReplaceAll(begun, "CA1", "CA2"))
	if why := b.closed(); !strings.Contains(why, "too many calls") {
		t.Errorf("closed by %s", why)
	}
	a.say(stopped)
	if end := h.end(t); end.Change != event.Ended {
		t.Errorf("the call in progress ended as %s", end.Change)
	}
}
