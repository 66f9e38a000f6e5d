package audiohook

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// maxText bounds a text message (AudioHook: 64 KiB).
const maxText = 64 << 10

// nilUUID stands for the conversation and participant of a connection probe.
const nilUUID = "00000000-0000-0000-0000-000000000000"

// duration is a stream time, in JSON an ISO 8601 duration of hours and smaller.
type duration time.Duration

// maxDuration bounds what a position can be: no call lasts a month.
const maxDuration = 31 * 24 * time.Hour

// UnmarshalJSON reads "PT1.25S", "PT1M2S", "PT0S".
func (d *duration) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return fmt.Errorf("read duration: %w", err)
	}
	v, err := parseDuration(s)
	*d = duration(v)
	return err
}

// MarshalJSON writes seconds with as many decimals as there are.
func (d duration) MarshalJSON() ([]byte, error) {
	return []byte(`"` + formatDuration(time.Duration(d)) + `"`), nil
}

func formatDuration(d time.Duration) string {
	d = max(d, 0)
	s := strconv.FormatInt(int64(d/time.Second), 10)
	if rest := int64(d % time.Second); rest > 0 {
		s += "." + strings.TrimRight(fmt.Sprintf("%09d", rest), "0")
	}
	return "PT" + s + "S"
}

var errDuration = errors.New("duration is not of the form PT1.25S")

func parseDuration(s string) (time.Duration, error) {
	rest, ok := strings.CutPrefix(s, "PT")
	if !ok || rest == "" {
		return 0, errDuration
	}
	var sum time.Duration
	units := []struct {
		mark byte
		unit time.Duration
	}{{'H', time.Hour}, {'M', time.Minute}, {'S', time.Second}}
	for _, u := range units {
		end := strings.IndexByte(rest, u.mark)
		if end < 0 {
			continue
		}
		n, err := decimal(rest[:end], u.unit)
		if err != nil {
			return 0, err
		}
		if sum += n; sum > maxDuration {
			return 0, errDuration
		}
		rest = rest[end+1:]
	}
	if rest != "" {
		return 0, errDuration
	}
	return sum, nil
}

// decimal is s times unit, exact to the nanosecond.
func decimal(s string, unit time.Duration) (time.Duration, error) {
	whole, fraction, _ := strings.Cut(s, ".")
	if whole == "" || len(whole) > 9 || strings.Trim(whole+fraction, "0123456789") != "" {
		return 0, errDuration
	}
	n, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || n > int64(maxDuration/unit) {
		return 0, errDuration
	}
	d := time.Duration(n) * unit
	if fraction != "" {
		f, err := strconv.ParseInt((fraction + "000000000")[:9], 10, 64)
		if err != nil {
			return 0, errDuration
		}
		d += time.Duration(f) * (unit / time.Second) // whole seconds in every unit
	}
	return d, nil
}

// received is a message of the client.
type received struct {
	Version    string          `json:"version"`
	ID         string          `json:"id"`
	Type       string          `json:"type"`
	Seq        int64           `json:"seq"`
	ServerSeq  int64           `json:"serverseq"`
	Position   duration        `json:"position"`
	Parameters json.RawMessage `json:"parameters"`
}

// parse reads a message's envelope. The error names the field, never its value.
func parse(raw []byte) (received, error) {
	var m received
	if len(raw) > maxText {
		return m, errors.New("message is over 64 KiB")
	}
	if err := json.Unmarshal(raw, &m); err != nil {
		if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
			return received{}, errors.New("field " + e.Field + " has a wrong type")
		}
		if errors.Is(err, errDuration) {
			return received{}, errDuration
		}
		return received{}, errors.New("message is not JSON")
	}
	switch {
	case m.Version != "2":
		return received{}, errors.New("version is not 2")
	case m.ID == "" || len(m.ID) > 64:
		return received{}, errors.New("id is missing or too long")
	case m.Type == "" || len(m.Type) > 64:
		return received{}, errors.New("type is missing or too long")
	case m.Seq < 1 || m.ServerSeq < 0:
		return received{}, errors.New("seq or serverseq is negative or missing")
	}
	return m, nil
}

// parameters reads the parameters of m into v.
func (m received) parameters(v any) error {
	if err := json.Unmarshal(m.Parameters, v); err != nil {
		return errors.New("parameters of " + m.Type + " do not have their documented form")
	}
	return nil
}

// sent is a message of ours.
type sent struct {
	Version    string `json:"version"`
	ID         string `json:"id"`
	Type       string `json:"type"`
	Seq        int64  `json:"seq"`
	ClientSeq  int64  `json:"clientseq"`
	Parameters any    `json:"parameters"`
}

// offer is one way in which the client would send audio.
type offer struct {
	Type     string   `json:"type"`
	Format   string   `json:"format"`
	Channels []string `json:"channels"`
	Rate     int      `json:"rate"`
}

type openParameters struct {
	Organization string `json:"organizationId"`
	Conversation string `json:"conversationId"`
	Participant  struct {
		ID   string `json:"id"`
		ANI  string `json:"ani"`
		DNIS string `json:"dnis"`
	} `json:"participant"`
	Media     []offer `json:"media"`
	Language  string  `json:"language"`
	Continued []struct {
		ID string `json:"id"`
	} `json:"continuedSessions"`
}

// probe tells whether the client only tries the connection.
func (p openParameters) probe() bool {
	return p.Conversation == nilUUID && p.Participant.ID == nilUUID
}

// check names the first field that an open needs and lacks.
func (p openParameters) check() error {
	for _, f := range [...]struct{ name, value string }{
		{"organizationId", p.Organization}, {"conversationId", p.Conversation}, {"participant.id", p.Participant.ID},
	} {
		if f.value == "" || len(f.value) > 64 {
			return errors.New(f.name + " is missing or too long")
		}
	}
	return nil
}

type openedParameters struct {
	Media       []offer `json:"media"`
	StartPaused bool    `json:"startPaused"`
}

type closeParameters struct {
	Reason string `json:"reason"`
}

// spanParameters are those of discarded and resumed.
type spanParameters struct {
	Start     duration `json:"start"`
	Discarded duration `json:"discarded"`
}

type errorParameters struct {
	Code int `json:"code"`
}

type disconnectParameters struct {
	Reason string `json:"reason"`
	Info   string `json:"info,omitempty"`
}

// The reasons of a disconnect.
const (
	disconnectCompleted = "completed"
	disconnectError     = "error"
)
