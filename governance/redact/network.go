package redact

import (
	"net/netip"
	"strings"
)

// networks finds IP addresses and web addresses.
func (t *text) networks(out []Finding) []Finding {
	for i := 0; i+3 < len(t.tokens); i++ {
		if !t.tokens[i].numeral || t.gap(i+1) != "." || t.gap(i+2) != "." || t.gap(i+3) != "." {
			continue
		}
		start, end := t.tokens[i].start, t.tokens[i+3].end
		if start > 0 && (t.s[start-1] == '.' || t.s[start-1] == 'v') || end+1 < len(t.s) && t.s[end] == '.' && t.s[end+1] >= '0' && t.s[end+1] <= '9' {
			continue
		}
		if a, err := netip.ParseAddr(t.s[start:end]); err == nil {
			out = append(out, Finding{Type: IP, Rule: "ipv4", Start: start, End: end, value: a.String()})
			i += 3
		}
	}
	for from := 0; ; {
		k := strings.IndexByte(t.s[from:], ':')
		if k < 0 {
			break
		}
		k += from
		start, end := k, k
		for start > 0 && hexOrColon(t.s[start-1]) {
			start--
		}
		for end < len(t.s) && hexOrColon(t.s[end]) {
			end++
		}
		from = max(end, k+1)
		if s := strings.TrimRight(t.s[start:end], ":"); len(s) > 6 && strings.Count(s, ":") >= 2 {
			if a, err := netip.ParseAddr(s); err == nil && a.Is6() {
				out = append(out, Finding{Type: IP, Rule: "ipv6", Start: start, End: start + len(s), value: a.String()})
			}
		}
	}
	return out
}

func hexOrColon(c byte) bool {
	return c == ':' || c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'f'
}
