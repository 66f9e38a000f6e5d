package webrtc

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/pion/sdp/v3"

	"throughline/problem"
)

const (
	offerType    = "application/sdp"
	fragmentType = "application/trickle-ice-sdpfrag" // RFC 8840 §9
)

// fragment is the body of a PATCH: candidates found later, or with other
// credentials an ICE restart.
type fragment struct{ ufrag, pwd string }

// readFragment reads an SDP fragment (RFC 8840 §9). Its candidates are checked
// for their form alone: see withoutCandidates.
func readFragment(text string) (fragment, error) {
	var f fragment
	lines := 0
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		if line == "" {
			continue
		}
		lines++
		key, value, _ := strings.Cut(line, "=")
		if len(key) != 1 || value == "" {
			return fragment{}, notFragment(lines)
		}
		name, value, _ := strings.Cut(value, ":")
		if key != "a" {
			if key != "m" {
				return fragment{}, notFragment(lines)
			}
			continue
		}
		switch name {
		case "ice-ufrag":
			if f.ufrag != "" && f.ufrag != value || !iceChars(value, 4, 256) {
				return fragment{}, notFragment(lines)
			}
			f.ufrag = value
		case "ice-pwd":
			if f.pwd != "" && f.pwd != value || !iceChars(value, 22, 256) {
				return fragment{}, notFragment(lines)
			}
			f.pwd = value
		case "candidate":
			// foundation component transport priority address port "typ" type (RFC 8839 §5.1)
			if w := strings.Fields(value); len(w) < 8 || w[6] != "typ" {
				return fragment{}, notFragment(lines)
			}
		}
	}
	if f.ufrag == "" || f.pwd == "" {
		return fragment{}, problem.New(http.StatusBadRequest, "The fragment cannot be read. It needs a=ice-ufrag and a=ice-pwd (RFC 8840 §9).")
	}
	return f, nil
}

func notFragment(line int) error {
	return problem.New(http.StatusBadRequest, fmt.Sprintf("The fragment cannot be read. Line %d is not of an SDP fragment (RFC 8840 §9).", line))
}

// answerFragment is what an answer to an ICE restart tells: our new credentials
// and candidates.
func answerFragment(answer string) (string, error) {
	var d sdp.SessionDescription
	if err := d.UnmarshalString(answer); err != nil {
		return "", fmt.Errorf("read answer: %w", err)
	}
	var b strings.Builder
	b.WriteString("a=ice-lite\r\n")
	if group, ok := d.Attribute("group"); ok {
		b.WriteString("a=group:" + group + "\r\n")
	}
	for _, m := range d.MediaDescriptions {
		if m.MediaName.Port.Value == 0 {
			continue
		}
		b.WriteString("m=" + m.MediaName.String() + "\r\n")
		for _, a := range m.Attributes {
			switch a.Key {
			case "mid", "ice-ufrag", "ice-pwd", "candidate", "end-of-candidates":
				b.WriteString("a=" + a.String() + "\r\n")
			}
		}
		break // the others are bundled with it
	}
	return b.String(), nil
}
