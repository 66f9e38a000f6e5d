package outgoing

import (
	"errors"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"
)

// errPrivate is the guard against requests into one's own network: an address
// in a config, or what a name resolves to today, may be somebody else's choice.
var errPrivate = errors.New("the address is a private or local one: set private on the target where that is meant")

// newClient makes requests to t and to nobody else: it follows no redirect,
// asks no proxy and, unless allowed, calls no private address. The address is
// looked at after the name was resolved, so a name that changes gets no further.
func newClient(t Target) *http.Client {
	dialer := &net.Dialer{Timeout: t.Timeout, KeepAlive: 30 * time.Second}
	if !t.Private {
		dialer.Control = func(_, address string, _ syscall.RawConn) error {
			at, err := netip.ParseAddrPort(address)
			if err != nil || !public(at.Addr()) {
				return errPrivate
			}
			return nil
		}
	}
	return &http.Client{
		Timeout:       t.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{DialContext: dialer.DialContext, MaxConnsPerHost: t.Concurrency, MaxIdleConnsPerHost: t.Concurrency,
			IdleConnTimeout: 90 * time.Second, TLSHandshakeTimeout: t.Timeout, MaxResponseHeaderBytes: 64 << 10, ForceAttemptHTTP2: true},
	}
}

// notPublic are the networks beside those that netip knows by name, from the
// IANA registries of special-purpose addresses (RFC 6890).
var notPublic = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("198.18.0.0/15"), netip.MustParsePrefix("198.51.100.0/24"),
	netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("240.0.0.0/4"), netip.MustParsePrefix("64:ff9b::/96"),
	netip.MustParsePrefix("64:ff9b:1::/48"), netip.MustParsePrefix("100::/64"), netip.MustParsePrefix("2001:db8::/32"), netip.MustParsePrefix("2002::/16"),
}

func public(a netip.Addr) bool {
	a = a.Unmap()
	if !a.IsGlobalUnicast() || a.IsPrivate() {
		return false
	}
	for _, p := range notPublic {
		if p.Contains(a) {
			return false
		}
	}
	return true
}
