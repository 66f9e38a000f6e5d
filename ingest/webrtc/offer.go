package webrtc

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/pion/sdp/v3"

	"throughline/media/codec"
	"throughline/problem"
)

const (
	maxBody     = 64 << 10 // of a session description; those of browsers have 2 to 8 KiB
	maxSections = 8        // m-lines of an offer
	maxAudio    = 2        // of them, those with audio: a customer and an agent
)

// offer is a session description that can be answered.
type offer struct {
	text   string
	audio  []string // mids of the sections that send us audio, in order
	ufrag  string
	lite   bool
	parsed *sdp.SessionDescription
}

// readOffer checks what pion takes on trust: an offer costs memory and an open
// port before the sender has shown who it is. The error is a problem that names
// the line, 400 where the text is no offer and 422 where we cannot serve it.
func readOffer(text string) (*offer, error) {
	o := &offer{text: text, parsed: &sdp.SessionDescription{}}
	if err := o.parsed.UnmarshalString(o.text); err != nil {
		return nil, malformed("It is no session description (RFC 8866): send what createOffer gave, lines ended by CRLF.")
	}
	sections := o.parsed.MediaDescriptions
	switch {
	case len(sections) == 0:
		return nil, unacceptable("It has no m-line: offer audio.")
	case len(sections) > maxSections:
		return nil, unacceptable(fmt.Sprintf("It has more than %d m-lines.", maxSections))
	}
	_, o.lite = o.parsed.Attribute("ice-lite")
	seen := map[string]bool{}
	for _, m := range sections {
		mid, _ := m.Attribute(sdp.AttrKeyMID)
		if mid == "" || len(mid) > 64 || seen[mid] {
			return nil, malformed("Every m-line needs an a=mid of its own (RFC 9143), of up to 64 characters.")
		}
		seen[mid] = true
		switch m.MediaName.Media {
		case "application":
			return nil, unacceptable("m=application is not taken: leave data channels out.")
		case "audio":
			sends, err := sendsAudio(m)
			if err != nil {
				return nil, err
			}
			if sends {
				o.audio = append(o.audio, mid)
			}
		}
	}
	switch {
	case len(o.audio) == 0:
		return nil, unacceptable("No m=audio line is sendonly or sendrecv: offer a track that sends.")
	case len(o.audio) > maxAudio:
		return nil, unacceptable(fmt.Sprintf("More than %d m=audio lines send: publish them in several sessions of one call.", maxAudio))
	}
	var pwd string
	if o.ufrag, pwd = credentials(o.parsed); !iceChars(o.ufrag, 4, 256) || !iceChars(pwd, 22, 256) {
		return nil, malformed("a=ice-ufrag needs 4 to 256 and a=ice-pwd 22 to 256 ice-chars (RFC 8839 §5.4).")
	}
	return o, nil
}

// sendsAudio tells whether an audio section sends what we can hear.
func sendsAudio(m *sdp.MediaDescription) (bool, error) {
	_, bundled := m.Attribute("bundle-only") // such a line has port zero and is used (RFC 9143 §6)
	if m.MediaName.Port.Value == 0 && !bundled {
		return false, nil
	}
	for _, away := range [...]string{"recvonly", "inactive"} {
		if _, is := m.Attribute(away); is {
			return false, nil
		}
	}
	if _, mux := m.Attribute("rtcp-mux"); !mux {
		return false, unacceptable("An m=audio line has no a=rtcp-mux, which WHIP requires (RFC 9725 §4.4).")
	}
	formats := formatsOf(m)
	if !slices.ContainsFunc(formats[:], func(f codec.Format) bool { return f.Codec.Audio() && f.Codec != codec.L16 }) {
		return false, unacceptable("An m=audio line offers no codec that is known here: offer opus, PCMU, PCMA or G722.")
	}
	return true, nil
}

// formatsOf are the payload types of a section by its rtpmaps, and the static
// ones where it has none.
func formatsOf(m *sdp.MediaDescription) codec.PayloadTypes {
	var formats codec.PayloadTypes
	static := codec.StaticPayloadTypes()
	for _, name := range m.MediaName.Formats {
		if pt, ok := payloadType(name); ok {
			formats[pt] = static[pt]
		}
	}
	for _, a := range m.Attributes {
		if a.Key != "rtpmap" {
			continue
		}
		number, encoding, _ := strings.Cut(a.Value, " ")
		pt, ok := payloadType(number)
		if !ok || !slices.Contains(m.MediaName.Formats, number) {
			continue
		}
		if f, err := codec.ParseRTPMap(encoding); err == nil {
			formats[pt] = f
		}
	}
	return formats
}

func payloadType(s string) (int, bool) {
	n := 0
	if s == "" || len(s) > 3 {
		return 0, false
	}
	for _, c := range s {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = 10*n + int(c-'0')
	}
	return n, n < 128
}

// withoutCandidates drops the sender's candidates. We are an ICE-lite agent, which
// never sends checks and learns the sender's address from its own (RFC 8445
// §6.1.3, §7.3): addresses in an offer would only be a way to point us at others.
func withoutCandidates(text string) string {
	var b strings.Builder
	b.Grow(len(text))
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "a=candidate:") && !strings.HasPrefix(line, "a=end-of-candidates") {
			b.WriteString(line)
		}
	}
	return b.String()
}

// credentials are those of the session, or of the first section that has some:
// bundled sections share one transport.
func credentials(d *sdp.SessionDescription) (ufrag, pwd string) {
	ufrag, _ = d.Attribute("ice-ufrag")
	pwd, _ = d.Attribute("ice-pwd")
	for _, m := range d.MediaDescriptions {
		if ufrag == "" {
			ufrag, _ = m.Attribute("ice-ufrag")
		}
		if pwd == "" {
			pwd, _ = m.Attribute("ice-pwd")
		}
	}
	return ufrag, pwd
}

// iceChars tells whether s is least to most ice-chars: ALPHA, DIGIT, "+" and "/".
func iceChars(s string, least, most int) bool {
	if len(s) < least || len(s) > most {
		return false
	}
	for _, c := range []byte(s) {
		letter := c|0x20 >= 'a' && c|0x20 <= 'z'
		if !letter && (c < '0' || c > '9') && c != '+' && c != '/' {
			return false
		}
	}
	return true
}

// restarted is the offer that a new ufrag and password make of o.
func (o *offer) restarted(ufrag, pwd string) (*offer, error) {
	var b strings.Builder
	for line := range strings.Lines(o.text) {
		switch {
		case strings.HasPrefix(line, "a=ice-ufrag:"):
			line = "a=ice-ufrag:" + ufrag + "\r\n"
		case strings.HasPrefix(line, "a=ice-pwd:"):
			line = "a=ice-pwd:" + pwd + "\r\n"
		}
		b.WriteString(line)
	}
	return readOffer(b.String())
}

func malformed(detail string) error {
	return problem.New(http.StatusBadRequest, "The offer cannot be read. "+detail)
}

func unacceptable(detail string) error {
	return problem.New(http.StatusUnprocessableEntity, "The offer cannot be accepted. "+detail)
}
