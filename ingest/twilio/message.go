package twilio

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"
)

// kind is what a text frame says, whatever the platform calls it.
type kind string

const (
	connected kind = "connected"
	begin     kind = "start"
	audio     kind = "media"
	dtmf      kind = "dtmf"
	mark      kind = "mark"
	stop      kind = "stop"
	other     kind = "other"
)

// message is a text frame of any of the platforms.
type message struct {
	kind   kind
	seq    int64  // over the whole stream; −1: not counted
	stream string // "" where the platform does not say
	start  start  // of begin

	track   string // of media; "" where there is only one
	chunk   int64  // counts within the track; −1: not counted
	at      time.Duration
	timed   bool // at is known
	payload string
}

// start is what a platform tells of a call before its audio.
type start struct {
	platform string // which of the families, for people
	call     string
	stream   string
	account  string
	tracks   []string
	encoding string
	rate     int
	channels int
	bare     bool // audio comes as binary frames
	params   map[string]string
}

var errMessage = errors.New("text frame is not JSON of a known form")

// number is a whole number, which Twilio writes as a string and others do not.
type number struct {
	v   int64
	set bool
}

func (n *number) UnmarshalJSON(b []byte) error {
	s := strings.Trim(string(b), `"`)
	if s == "null" || s == "" {
		return nil
	}
	v, err := strconv.ParseInt(s, 10, 64)
	if err != nil || v < 0 {
		return errMessage
	}
	n.v, n.set = v, true
	return nil
}

func (n number) or(standard int64) int64 {
	if n.set {
		return n.v
	}
	return standard
}

// frame is the JSON of Twilio and its likenesses, every name each of them uses.
type frame struct {
	Event          string `json:"event"`
	Sequence       number `json:"sequenceNumber"`
	SequenceSnake  number `json:"sequence_number"`
	StreamSID      string `json:"streamSid"`
	StreamSIDSnake string `json:"stream_sid"`
	StreamID       string `json:"streamId"`
	StreamIDSnake  string `json:"stream_id"`
	Start          *struct {
		StreamSID      string   `json:"streamSid"`
		StreamSIDSnake string   `json:"stream_sid"`
		StreamID       string   `json:"streamId"`
		CallSID        string   `json:"callSid"`
		CallSIDSnake   string   `json:"call_sid"`
		CallID         string   `json:"callId"`
		CallControl    string   `json:"call_control_id"`
		Account        string   `json:"accountSid"`
		Tracks         []string `json:"tracks"`
		Track          string   `json:"track"`
		From           string   `json:"from"`
		To             string   `json:"to"`
		Direction      string   `json:"direction"`
		Format         *format  `json:"mediaFormat"`
		FormatSnake    *format  `json:"media_format"`
		Params         object   `json:"customParameters"`
		ParamsSnake    object   `json:"custom_parameters"`
	} `json:"start"`
	Media *struct {
		Track     string `json:"track"`
		Chunk     number `json:"chunk"`
		Timestamp number `json:"timestamp"`
		Payload   string `json:"payload"`
	} `json:"media"`
}

type format struct {
	Encoding  string `json:"encoding"`
	Rate      number `json:"sampleRate"`
	RateSnake number `json:"sample_rate"`
	Channels  number `json:"channels"`
}

// object is a flat JSON object as text; nested values are left out.
type object map[string]string

// The limits of what is taken of parameters; Twilio allows 500 characters.
const (
	maxParams = 64
	maxParam  = 500
)

func (o *object) UnmarshalJSON(b []byte) error {
	var raw map[string]any
	if err := json.Unmarshal(b, &raw); err != nil {
		return nil // parameters of another form are nobody's loss
	}
	*o = object{}
	o.take(raw)
	return nil
}

func (o object) take(raw map[string]any) {
	for k, v := range raw {
		if len(o) >= maxParams || len(k) > maxParam {
			continue
		}
		switch v := v.(type) {
		case string:
			if len(v) <= maxParam {
				o[k] = v
			}
		case float64:
			o[k] = strconv.FormatFloat(v, 'f', -1, 64)
		case bool:
			o[k] = strconv.FormatBool(v)
		}
	}
}

// parse reads a text frame.
func parse(raw []byte) (message, error) {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 || raw[0] != '{' {
		return parseAsterisk(string(raw))
	}
	var f frame
	if err := json.Unmarshal(raw, &f); err != nil {
		return message{}, errMessage
	}
	m := message{kind: other, seq: f.Sequence.or(f.SequenceSnake.or(-1)), chunk: -1,
		stream: cmp.Or(f.StreamSID, f.StreamSIDSnake, f.StreamID, f.StreamIDSnake)}
	switch f.Event {
	case "connected", "dtmf", "mark", "stop":
		m.kind = kind(f.Event)
	case "start":
		m.kind = begin
		return m, f.begin(&m)
	case "media":
		if f.Media == nil {
			return message{}, errMessage
		}
		m.kind, m.track, m.chunk = audio, trackName(f.Media.Track), f.Media.Chunk.or(-1)
		m.at, m.timed, m.payload = time.Duration(min(f.Media.Timestamp.v, maxStamp))*time.Millisecond, f.Media.Timestamp.set, f.Media.Payload
	case "websocket:dtmf":
		m.kind = dtmf
	case "", "websocket:connected", "MEDIA_START":
		m.kind = begin
		return m, m.start.tell(raw, f.Event)
	}
	return m, nil
}

// maxStamp bounds a time in milliseconds: Plivo counts from 1970.
const maxStamp = 1 << 43

func (f *frame) begin(m *message) error {
	s := f.Start
	if s == nil {
		return errMessage
	}
	m.start = start{platform: "twilio", call: cmp.Or(s.CallSID, s.CallSIDSnake, s.CallID, s.CallControl), account: s.Account,
		stream: cmp.Or(m.stream, s.StreamSID, s.StreamSIDSnake, s.StreamID), encoding: "audio/x-mulaw", rate: 8000, channels: 1, params: map[string]string{}}
	m.stream = m.start.stream
	switch {
	case s.CallControl != "":
		m.start.platform = "telnyx"
	case s.CallSIDSnake != "":
		m.start.platform = "exotel"
	case s.CallID != "":
		m.start.platform = "plivo"
	}
	for _, format := range [...]*format{s.Format, s.FormatSnake} {
		if format != nil {
			m.start.encoding = cmp.Or(format.Encoding, m.start.encoding)
			m.start.rate = int(min(format.Rate.or(format.RateSnake.or(8000)), 1<<20))
			m.start.channels = int(min(format.Channels.or(1), 1<<10))
		}
	}
	for _, t := range append(s.Tracks, s.Track) {
		switch t = trackName(t); t {
		case "":
		case "both", "both_tracks":
			m.start.tracks = append(m.start.tracks, "inbound", "outbound")
		default:
			m.start.tracks = append(m.start.tracks, t)
		}
	}
	for _, params := range [...]object{s.Params, s.ParamsSnake, {"from": s.From, "to": s.To, "direction": s.Direction}} {
		for k, v := range params {
			if v != "" {
				m.start.params[k] = v
			}
		}
	}
	return nil
}

// tell reads the one text frame of the platforms whose audio is bare: jambonz and
// FreeSWITCH send an object of their own or of the user's, Vonage and Asterisk name
// an event.
func (s *start) tell(raw []byte, event string) error {
	var all map[string]any
	if err := json.Unmarshal(raw, &all); err != nil {
		return errMessage
	}
	params := object{}
	params.take(all)
	for _, nested := range [...]string{"metadata", "customerData", "channel_variables"} {
		if more, ok := all[nested].(map[string]any); ok {
			params.take(more)
		}
	}
	*s = start{platform: "bare", bare: true, encoding: "l16", params: params,
		call: cmp.Or(params["callSid"], params["call_sid"], params["callId"], params["call_uuid"], params["uuid"], params["channel_id"])}
	s.rate, _ = strconv.Atoi(cmp.Or(params["sampleRate"], params["sample_rate"], params["rate"], "8000"))
	s.mix(cmp.Or(params["mixType"], params["mix_type"], params["mix"]))
	switch event {
	case "websocket:connected":
		s.platform = "vonage"
		s.call = cmp.Or(params["uuid"], params["call_uuid"], params["conversation_uuid"], s.call)
		if _, after, ok := strings.Cut(params["content-type"], "rate="); ok {
			s.rate, _ = strconv.Atoi(after)
		}
	case "MEDIA_START":
		s.platform = "asterisk"
		s.asterisk(params["format"])
		s.stream = params["connection_id"]
	}
	return nil
}

// mix says which parties the bare audio holds, as jambonz and FreeSWITCH name it.
func (s *start) mix(name string) {
	s.channels = 1
	switch name {
	case "stereo":
		s.channels, s.tracks = 2, []string{"inbound", "outbound"}
	case "mixed":
		s.tracks = []string{"mixed"}
	default:
		s.tracks = []string{"inbound"}
	}
}

// asterisk reads a format as Asterisk names it: slin16 is 16 kHz.
func (s *start) asterisk(name string) {
	s.encoding, s.rate = name, 8000
	if khz, ok := strings.CutPrefix(name, "slin"); ok {
		s.encoding = "l16"
		if n, err := strconv.Atoi(khz); err == nil && n > 0 && n <= 192 {
			s.rate = n * 1000
			if n == 44 {
				s.rate = 44100
			}
		}
	}
}

// parseAsterisk reads the plain form of chan_websocket: EVENT name:value …
func parseAsterisk(line string) (message, error) {
	words := strings.Fields(line)
	if len(words) == 0 {
		return message{}, errMessage
	}
	m := message{kind: other, seq: -1, chunk: -1}
	switch words[0] {
	case "MEDIA_START":
		m.kind = begin
		m.start = start{platform: "asterisk", bare: true, channels: 1, tracks: []string{"inbound"}, params: map[string]string{}}
		for _, w := range words[1:] {
			name, value, _ := strings.Cut(w, ":")
			switch name {
			case "channel_id":
				m.start.call = value
			case "connection_id":
				m.start.stream = value
			case "format":
				m.start.asterisk(value)
			}
		}
		if m.start.encoding == "" {
			return message{}, errMessage
		}
	case "DTMF_END":
		m.kind = dtmf
	}
	if strings.Trim(words[0], "ABCDEFGHIJKLMNOPQRSTUVWXYZ_") != "" {
		return message{}, errMessage
	}
	return m, nil
}

func trackName(t string) string { return strings.TrimSuffix(t, "_track") }

// appendAudio decodes base64 in any of its spellings: padded or not, of the plain
// or the URL alphabet (RFC 4648 §4, §5).
func appendAudio(dst []byte, payload string) ([]byte, error) {
	payload = strings.TrimRight(payload, "=")
	enc := base64.RawStdEncoding
	if strings.ContainsAny(payload, "-_") {
		enc = base64.RawURLEncoding
	}
	return enc.AppendDecode(dst, []byte(payload))
}
