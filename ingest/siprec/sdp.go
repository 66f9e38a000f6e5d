package siprec

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"throughline/media/codec"
)

// errSDP says that octets are no session description that can be answered.
var errSDP = errors.New("sdp malformed")

// maxStreams bounds the m-lines of an offer; a recorded call has two or three.
const maxStreams = 16

// offer is what matters of a session description (RFC 8866). Lines may come in
// any order and with any line end: border controllers write what they like.
type offer struct {
	streams []offered
}

// offered is one m-line.
type offered struct {
	kind      string // "audio"
	port      int
	proto     string
	types     []uint8
	maps      map[uint8]codec.Format
	label     string
	direction string // sendonly, recvonly, sendrecv, inactive
	mux       bool
	crypto    []crypto
}

func parseSDP(b []byte) (offer, error) {
	var o offer
	direction := "sendrecv"
	version := false
	for raw := range bytes.Lines(b) {
		line := strings.TrimSpace(string(raw))
		if len(line) < 2 || line[1] != '=' {
			continue
		}
		kind, value := line[0], strings.TrimSpace(line[2:])
		var s *offered
		if n := len(o.streams); n > 0 {
			s = &o.streams[n-1]
		}
		switch kind {
		case 'v':
			version = true
		case 'm':
			m, err := parseMedia(value, direction)
			if err != nil {
				return offer{}, err
			}
			if len(o.streams) == maxStreams {
				return offer{}, fmt.Errorf("sdp: more than %d m-lines: %w", maxStreams, errSDP)
			}
			o.streams = append(o.streams, m)
		case 'a':
			name, rest, _ := strings.Cut(value, ":")
			if s == nil {
				if isDirection(name) {
					direction = name
				}
				continue
			}
			s.attribute(name, strings.TrimSpace(rest))
		}
	}
	if !version || len(o.streams) == 0 {
		return offer{}, fmt.Errorf("sdp: no v= or no m= line: %w", errSDP)
	}
	return o, nil
}

func parseMedia(value, direction string) (offered, error) {
	w := strings.Fields(value)
	if len(w) < 4 {
		return offered{}, fmt.Errorf("sdp m-line: %d words, want 4: %w", len(w), errSDP)
	}
	port, _, _ := strings.Cut(w[1], "/")
	n, err := strconv.Atoi(port)
	if err != nil || n < 0 || n > 65535 {
		return offered{}, fmt.Errorf("sdp m-line: port is not within 0 to 65535: %w", errSDP)
	}
	s := offered{kind: w[0], port: n, proto: w[2], direction: direction, maps: map[uint8]codec.Format{}}
	for _, f := range w[3:] {
		if pt, err := strconv.ParseUint(f, 10, 7); err == nil { // other protocols list other things
			s.types = append(s.types, uint8(pt))
		}
	}
	return s, nil
}

func isDirection(name string) bool {
	return name == "sendonly" || name == "recvonly" || name == "sendrecv" || name == "inactive"
}

func (s *offered) attribute(name, value string) {
	switch name {
	case "label":
		s.label = value
	case "rtcp-mux":
		s.mux = true
	case "rtpmap":
		number, encoding, _ := strings.Cut(value, " ")
		pt, err := strconv.ParseUint(number, 10, 7)
		if err != nil {
			return
		}
		if f, err := codec.ParseRTPMap(encoding); err == nil {
			s.maps[uint8(pt)] = f
		}
	case "crypto":
		if c, ok := parseCrypto(value); ok {
			s.crypto = append(s.crypto, c)
		}
	default:
		if isDirection(name) {
			s.direction = name
		}
	}
}

// sends tells whether the sender will send on the stream.
func (s *offered) sends() bool {
	return s.port != 0 && (s.direction == "sendonly" || s.direction == "sendrecv")
}

func (s *offered) secure() bool { return strings.Contains(s.proto, "SAVP") }

// formats maps every payload type that was offered, since some controllers send
// another than the one they were answered. The rtpmap counts, not the number.
func (s *offered) formats() codec.PayloadTypes {
	p := codec.StaticPayloadTypes()
	for pt, f := range s.maps {
		p[pt] = f // ParseRTPMap has validated it
	}
	return p
}

// choose picks the one payload type to answer, by the order of preference, with
// the telephone-event of the same clock if there is one.
func (s *offered) choose(preference []codec.Codec) (chosen []uint8) {
	formats := s.formats()
	for _, want := range preference {
		for _, pt := range s.types {
			if formats[pt].Codec != want {
				continue
			}
			chosen = append(chosen, pt)
			for _, other := range s.types {
				if f := formats[other]; f.Codec == codec.TelephoneEvent && f.ClockRate == formats[pt].ClockRate {
					return append(chosen, other)
				}
			}
			return chosen
		}
	}
	return nil
}

// answered is one m-line of an answer. Port 0 declines it.
type answered struct {
	offer     *offered
	port      int
	types     []uint8
	direction string
	crypto    *crypto
}

// description writes an answer, or our own offer of what stands.
type description struct {
	session, version uint64
	address          netip.Addr
	streams          []answered
}

func (d description) bytes() []byte {
	family := "IP4"
	if d.address.Is6() {
		family = "IP6"
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "v=0\r\no=throughline %d %d IN %s %s\r\ns=-\r\nc=IN %s %s\r\nt=0 0\r\n", d.session, d.version, family, d.address, family, d.address)
	for _, s := range d.streams {
		types := s.types
		if s.port == 0 {
			types = s.offer.types[:min(1, len(s.offer.types))]
		}
		fmt.Fprintf(&b, "m=%s %d %s", s.offer.kind, s.port, s.offer.proto)
		for _, pt := range types {
			fmt.Fprintf(&b, " %d", pt)
		}
		if len(types) == 0 {
			b.WriteString(" 0") // an m-line needs one
		}
		b.WriteString("\r\n")
		if s.port == 0 {
			continue
		}
		formats := s.offer.formats()
		for _, pt := range types {
			fmt.Fprintf(&b, "a=rtpmap:%d %s\r\n", pt, formats[pt])
		}
		fmt.Fprintf(&b, "a=%s\r\n", s.direction)
		if s.offer.label != "" {
			fmt.Fprintf(&b, "a=label:%s\r\n", s.offer.label)
		}
		if s.offer.mux {
			b.WriteString("a=rtcp-mux\r\n")
		}
		if s.crypto != nil {
			fmt.Fprintf(&b, "a=crypto:%s\r\n", s.crypto)
		}
	}
	return b.Bytes()
}
