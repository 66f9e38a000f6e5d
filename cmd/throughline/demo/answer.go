package demo

import (
	"errors"
	"net/netip"
	"strconv"
	"strings"
)

var errAnswer = errors.New("the answer names no place for the audio")

// answered reads from a session description where the streams are to go, as far
// as an answer to our own offer needs it (RFC 4566 §5.7, §5.14; RFC 3264 §6).
func answered(sdp []byte) ([]netip.AddrPort, error) {
	var session netip.Addr
	var all []netip.AddrPort
	for line := range strings.Lines(string(sdp)) {
		kind, value, _ := strings.Cut(strings.TrimRight(line, "\r\n"), "=")
		words := strings.Fields(value)
		switch {
		case kind == "c" && len(words) == 3:
			a, err := netip.ParseAddr(words[2])
			if err != nil {
				return nil, errAnswer
			}
			if len(all) == 0 {
				session = a
				continue
			}
			all[len(all)-1] = netip.AddrPortFrom(a, all[len(all)-1].Port())
		case kind == "m" && len(words) >= 4:
			port, err := strconv.ParseUint(words[1], 10, 16)
			if err != nil || port == 0 || words[0] != "audio" {
				return nil, errAnswer // a stream was declined
			}
			all = append(all, netip.AddrPortFrom(session, uint16(port)))
		}
	}
	for _, a := range all {
		if !a.Addr().IsValid() {
			return nil, errAnswer
		}
	}
	if len(all) == 0 {
		return nil, errAnswer
	}
	return all, nil
}
