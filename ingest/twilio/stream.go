package twilio

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/coder/websocket"

	"throughline/event"
	"throughline/ingest/calls"
	"throughline/media/codec"
)

// How long a client may take.
const (
	startIn = 10 * time.Second
	pingIn  = 15 * time.Second
	pongIn  = 10 * time.Second
)

// The reasons with which calls end here.
const (
	ReasonStopped     = "stream stopped"
	ReasonClosed      = "stream closed"
	ReasonLost        = "connection lost"
	ReasonNoAudio     = "connection lost before any audio"
	ReasonUndecodable = "audio cannot be decoded"
)

// refusal is why a connection is closed; its text goes to the client.
type refusal struct {
	code websocket.StatusCode
	why  string
}

func (r refusal) Error() string { return r.why }

// errStop says that the platform ended the stream in good order.
var errStop = errors.New("stream stopped")

// stream is one connection; its loop is one goroutine.
type stream struct {
	server  *Server
	cancel  context.CancelFunc
	tenant  string
	query   url.Values
	arrived time.Time

	call   *calls.Call
	start  start
	format codec.Format
	roles  map[string]event.Role
	tracks map[string]*track
	seq    int64
	heard  bool          // audio has come
	since  time.Time     // when its first audio came
	zero   time.Duration // the timestamp of that
	zeroed bool

	octets []byte
	split  [][]byte
}

func (s *stream) count(what string) { s.server.metrics.odd.WithLabelValues(what).Inc() }

// run takes the stream to its end, and the call with it.
func (s *stream) run(ctx context.Context, ws *websocket.Conn) {
	quiet := time.AfterFunc(startIn, func() {
		_ = ws.Close(websocket.StatusPolicyViolation, "no start came")
	})
	defer quiet.Stop()
	go s.ping(ctx, ws)
	err := s.listen(ctx, ws, quiet)
	now := time.Now()
	for _, t := range s.tracks {
		t.drain(now)
	}
	how := websocket.CloseStatus(err)
	switch {
	case s.call == nil:
	case errors.Is(err, errStop):
		s.leave(ReasonStopped, s.call.End)
	case errors.As(err, new(refusal)):
		s.leave(ReasonUndecodable, s.call.Fail)
	case how == websocket.StatusNormalClosure || how == websocket.StatusGoingAway:
		s.leave(ReasonClosed, s.call.End)
	case !s.heard && ctx.Err() == nil:
		s.leave(ReasonNoAudio, s.call.Abandon)
	default:
		s.leave(ReasonLost, func(why string) { s.call.FailAfter(s.server.cfg.Grace, why) })
	}
	switch r, refused := errors.AsType[refusal](err); {
	case refused:
		_ = ws.Close(r.code, r.why)
	case errors.Is(err, errStop):
		_ = ws.Close(websocket.StatusNormalClosure, "")
	}
}

// leave ends the legs, and the call as end does.
func (s *stream) leave(why string, end func(string)) {
	for _, t := range s.tracks {
		t.leg.Close(why)
	}
	end(why)
}

// ping finds out that a client is gone although nobody closed the connection.
func (s *stream) ping(ctx context.Context, ws *websocket.Conn) {
	t := time.NewTicker(pingIn)
	defer t.Stop()
	for {
		select {
		case <-t.C:
		case <-ctx.Done():
			return
		}
		wait, cancel := context.WithTimeout(ctx, pongIn)
		err := ws.Ping(wait)
		cancel()
		if err != nil {
			s.cancel()
			return
		}
	}
}

func (s *stream) listen(ctx context.Context, ws *websocket.Conn, quiet *time.Timer) error {
	for {
		kind, raw, err := ws.Read(ctx)
		if err != nil {
			return err
		}
		arrival := time.Now()
		if kind == websocket.MessageBinary {
			err = s.bare(raw, arrival)
		} else {
			err = s.text(raw, arrival)
		}
		if err != nil {
			return err
		}
		if s.call != nil {
			quiet.Stop()
		}
	}
}

// text obeys a text frame. What is malformed or unknown is counted and passed
// over: a call is worth more than a frame.
func (s *stream) text(raw []byte, arrival time.Time) error {
	m, err := parse(raw)
	if err != nil {
		s.count("malformed")
		return nil
	}
	s.server.metrics.messages.WithLabelValues(string(m.kind)).Inc()
	if m.seq >= 0 {
		if s.seq >= 0 && m.seq > s.seq+1 {
			s.count("missing")
		}
		s.seq = max(s.seq, m.seq)
	}
	if m.kind == begin {
		if s.call != nil {
			s.count("second_start")
			return nil
		}
		return s.begin(m.start)
	}
	if s.call != nil && m.stream != "" && s.start.stream != "" && m.stream != s.start.stream {
		s.count("foreign_stream")
		return nil
	}
	switch m.kind {
	case audio:
		return s.media(m, arrival)
	case stop:
		if s.call != nil {
			return errStop
		}
		s.count("before_start")
	}
	return nil // digits of dtmf are card numbers and secrets: they are counted, no more
}

// begin takes the call in. Nothing in it waits for anything.
func (s *stream) begin(st start) error {
	s.complete(&st)
	if st.call == "" {
		s.server.metrics.refused.WithLabelValues("nameless").Inc()
		return refusal{websocket.StatusPolicyViolation, "name the call: callSid in start, or ?call= in the address"}
	}
	s.start = st
	desc := s.describe(st)
	call, err := s.server.door.Begin(context.Background(), desc)
	if errors.Is(err, calls.ErrEnded) && st.stream != "" {
		// A stream may be started again in a call whose streams had all ended.
		desc.ID += "/" + st.stream
		call, err = s.server.door.Begin(context.Background(), desc)
	}
	switch {
	case errors.Is(err, calls.ErrBusy), errors.Is(err, calls.ErrStopping):
		s.server.metrics.refused.WithLabelValues("calls").Inc()
		return refusal{websocket.StatusTryAgainLater, err.Error()}
	case errors.Is(err, calls.ErrEnded):
		s.server.metrics.refused.WithLabelValues("ended").Inc()
		return refusal{websocket.StatusPolicyViolation, err.Error()}
	case err != nil:
		return refusal{websocket.StatusInternalError, "the call could not be taken"}
	}
	s.call = call
	if s.format, err = formatOf(st); err != nil {
		s.server.metrics.refused.WithLabelValues("format").Inc()
		return refusal{websocket.StatusUnsupportedData, err.Error()}
	}
	s.roles = s.rolesOf(st)
	names := st.tracks
	if len(names) == 0 {
		names = []string{"inbound"}
	}
	for _, name := range names {
		if _, err := s.track(name); err != nil {
			return err
		}
	}
	if st.bare {
		s.split = make([][]byte, st.channels)
	}
	return nil
}

// complete adds what the address says. FreeSWITCH sends metadata of the user's own
// or none.
func (s *stream) complete(st *start) {
	if st.params == nil {
		st.params = map[string]string{}
	}
	for name, values := range s.query {
		if len(st.params) < 2*maxParams && len(values[0]) <= maxParam && st.params[name] == "" {
			st.params[name] = values[0]
		}
	}
	st.call = cmp.Or(st.call, s.query.Get("call"), st.stream)
	if !st.bare {
		return
	}
	if rate, err := strconv.Atoi(s.query.Get("rate")); err == nil {
		st.rate = rate
	}
	if mix := s.query.Get("mix"); mix != "" {
		st.mix(mix)
	}
	st.encoding = cmp.Or(s.query.Get("format"), st.encoding)
}

// describe says who calls whom, by the parameters that docs/streams.md lists.
func (s *stream) describe(st start) calls.Description {
	p := func(names ...string) string {
		for _, n := range names {
			if v := st.params[n]; v != "" {
				return v
			}
		}
		return ""
	}
	d := calls.Description{Tenant: s.tenant, Source: "twilio", ID: st.call, Queue: p("queue"), Agent: p("agent"), Case: p("case"),
		Account: p("account"), Attrs: map[string]string{"platform": st.platform}}
	for name, v := range st.params {
		if s.server.keep[name] {
			d.Attrs[name] = v
		}
	}
	if st.stream != "" {
		d.Attrs["stream"] = st.stream
	}
	// Platforms call it outbound-api, outbound-dial, outgoing …
	from, to := p("from", "From"), p("to", "To")
	switch dir := strings.ToLower(p("direction", "Direction")); {
	case strings.HasPrefix(dir, "out"):
		d.Direction = "outbound"
		from, to = to, from
	case strings.HasPrefix(dir, "in"):
		d.Direction = "inbound"
	}
	d.Account = cmp.Or(d.Account, calls.Caller(to).Value)
	d.Customer = calls.Caller(cmp.Or(p("customer", "customer_phone", "customerPhone"), from))
	if crm := p("crm"); crm != "" && d.Customer.Value == "" {
		d.Customer = event.Handle{Kind: event.CRM, Value: crm}
	}
	return d
}

// rolesOf gives the role of each track: the parameter inbound turns them round for
// one call, as where its stream was started on the agent's leg.
func (s *stream) rolesOf(st start) map[string]event.Role {
	in, _ := roleOf(s.server.cfg.Inbound)
	out, _ := roleOf(s.server.cfg.Outbound)
	if r, ok := roleOf(st.params["inbound"]); ok && r != in {
		if r == out {
			out = in
		}
		in = r
	}
	return map[string]event.Role{"inbound": in, "outbound": out, "mixed": event.UnknownRole}
}

// formatOf reads the format of the audio of one track.
func formatOf(st start) (codec.Format, error) {
	f := codec.Format{ClockRate: st.rate, Channels: 1}
	switch strings.ToLower(strings.TrimPrefix(strings.ToLower(st.encoding), "audio/")) {
	case "x-mulaw", "mulaw", "pcmu", "ulaw":
		f.Codec = codec.PCMU
	case "x-alaw", "alaw", "pcma":
		f.Codec = codec.PCMA
	case "g722":
		f.Codec, f.ClockRate = codec.G722, 8000 // the clock that RFC 3551 §4.5.2 gives it
	case "opus":
		f.Codec, f.ClockRate, f.Channels = codec.Opus, 48000, 2
	case "l16", "x-l16", "slin", "linear16", "pcm_s16le", "raw/slin", "base64": // Exotel says base64
		f.Codec = codec.L16
	default:
		return f, errors.New("encoding is none of mulaw, alaw, L16, G722, opus")
	}
	if f.ClockRate < 8000 || f.ClockRate > codec.MaxClockRate {
		return f, errors.New("sample rate is not within 8000 to 192000")
	}
	if f.Codec != codec.L16 && st.bare && st.channels > 1 {
		return f, errors.New("two channels are taken apart in L16 alone")
	}
	if !st.bare && st.channels > 1 {
		return f, errors.New("a track has one channel")
	}
	return f, nil
}

// track gives the track of this name, and makes one that was not announced; nil
// for one that nobody knows.
func (s *stream) track(name string) (*track, error) {
	if name == "" {
		name = "inbound"
	}
	if t := s.tracks[name]; t != nil {
		return t, nil
	}
	role, known := s.roles[name]
	if !known {
		return nil, nil
	}
	key := fmt.Sprintf("%s/%s/%d", cmp.Or(s.start.stream, s.start.call), name, s.arrived.UnixMilli())
	opts := calls.LegOptions{Name: name, Key: key, Role: role, Attrs: map[string]string{"codec": s.format.Codec.String()}}
	if role == event.Agent {
		opts.Agent = s.start.params["agent"]
	}
	leg, err := s.call.StreamLeg(opts, s.format)
	if err != nil {
		return nil, fmt.Errorf("take audio: %w", err)
	}
	t := &track{leg: leg, format: s.format, count: s.count, next: -1}
	s.tracks[name] = t
	return t, nil
}

// media takes a frame of base64.
func (s *stream) media(m message, arrival time.Time) error {
	if s.call == nil {
		s.count("before_start")
		return nil
	}
	t, err := s.track(m.track)
	if err != nil {
		return err
	}
	if t == nil {
		s.count("foreign_track")
		return nil
	}
	if s.octets, err = appendAudio(s.octets[:0], m.payload); err != nil {
		s.count("unusable")
		return nil
	}
	if s.format.Codec == codec.L16 {
		codec.SwapL16(s.octets) // little-endian, as all of them send it
	}
	s.first(arrival)
	p := piece{octets: s.octets}
	if m.timed {
		if !s.zeroed {
			s.zero, s.zeroed = m.at, true
		}
		p.at = m.at - s.zero
		// A timestamp far ahead of the clock on the wall is no pause but a mistake.
		p.timed = p.at <= arrival.Sub(s.since)+maxAhead
	}
	return t.put(m.chunk, p, arrival)
}

func (s *stream) first(arrival time.Time) {
	if !s.heard {
		s.heard, s.since = true, arrival
	}
}

// bare takes a binary frame.
func (s *stream) bare(raw []byte, arrival time.Time) error {
	s.server.metrics.messages.WithLabelValues("bare").Inc()
	if s.call == nil {
		if s.query.Get("call") == "" {
			s.count("before_start")
			return nil
		}
		// FreeSWITCH without metadata: the address says it all.
		st := start{platform: "bare", bare: true, encoding: "l16", rate: 8000}
		st.mix("")
		if err := s.begin(st); err != nil {
			return err
		}
	}
	if !s.start.bare {
		s.count("unusable")
		return nil
	}
	s.first(arrival)
	if s.format.Codec == codec.L16 {
		codec.SwapL16(raw)
	}
	if len(s.split) < 2 {
		return s.tracks[s.start.tracks[0]].put(-1, piece{octets: raw}, arrival)
	}
	for i := range s.split {
		s.split[i] = s.split[i][:0]
	}
	if n := codec.Deinterleave(s.split, raw, 2); n*2*len(s.split) != len(raw) {
		s.count("unusable") // the rest of a sample: the next frame begins anew
	}
	for i, octets := range slices.Clone(s.split) {
		if err := s.tracks[s.start.tracks[i]].put(-1, piece{octets: octets}, arrival); err != nil {
			return err
		}
	}
	return nil
}
