package pcap

import (
	"encoding/binary"
	"net/netip"
)

// Datagram is a UDP datagram with the addresses of its IP packet. Payload aliases the packet.
type Datagram struct {
	Src, Dst netip.AddrPort
	Payload  []byte
}

const protocolUDP = 17

// UDP finds the datagram in a packet. It reports false for anything else, for a fragment that is
// not the first, and for a packet that was captured in part only.
func (p Packet) UDP() (Datagram, bool) {
	b := p.Data
	switch p.Link {
	case Null, Loop:
		if len(b) < 4 {
			return Datagram{}, false
		}
		return ip(b[4:])
	case Raw, RawBSD, RawIPv4, RawIPv6:
		return ip(b)
	case Ethernet:
		if len(b) < 14 {
			return Datagram{}, false
		}
		return ether(binary.BigEndian.Uint16(b[12:]), b[14:])
	case SLL:
		if len(b) < 16 {
			return Datagram{}, false
		}
		return ether(binary.BigEndian.Uint16(b[14:]), b[16:])
	case SLL2:
		if len(b) < 20 {
			return Datagram{}, false
		}
		return ether(binary.BigEndian.Uint16(b), b[20:])
	}
	return Datagram{}, false
}

// ether strips VLAN tags (IEEE 802.1Q, 802.1ad).
func ether(kind uint16, b []byte) (Datagram, bool) {
	for kind == 0x8100 || kind == 0x88a8 {
		if len(b) < 4 {
			return Datagram{}, false
		}
		kind, b = binary.BigEndian.Uint16(b[2:]), b[4:]
	}
	if kind != 0x0800 && kind != 0x86dd {
		return Datagram{}, false
	}
	return ip(b)
}

func ip(b []byte) (Datagram, bool) {
	if len(b) == 0 {
		return Datagram{}, false
	}
	switch b[0] >> 4 {
	case 4:
		return ipv4(b)
	case 6:
		return ipv6(b)
	}
	return Datagram{}, false
}

func ipv4(b []byte) (Datagram, bool) {
	if len(b) < 20 {
		return Datagram{}, false
	}
	head, total := int(b[0]&0x0f)*4, int(binary.BigEndian.Uint16(b[2:]))
	fragment := binary.BigEndian.Uint16(b[6:]) & 0x3fff // offset and the more-fragments flag
	if head < 20 || total < head || total > len(b) || b[9] != protocolUDP || fragment != 0 {
		return Datagram{}, false
	}
	src, dst := netip.AddrFrom4([4]byte(b[12:16])), netip.AddrFrom4([4]byte(b[16:20]))
	return udp(src, dst, b[head:total])
}

func ipv6(b []byte) (Datagram, bool) {
	if len(b) < 40 {
		return Datagram{}, false
	}
	size := int(binary.BigEndian.Uint16(b[4:]))
	if b[6] != protocolUDP || 40+size > len(b) {
		return Datagram{}, false // extension headers do not occur in captures of calls
	}
	src, dst := netip.AddrFrom16([16]byte(b[8:24])), netip.AddrFrom16([16]byte(b[24:40]))
	return udp(src, dst, b[40:40+size])
}

func udp(src, dst netip.Addr, b []byte) (Datagram, bool) {
	if len(b) < 8 {
		return Datagram{}, false
	}
	size := int(binary.BigEndian.Uint16(b[4:]))
	if size < 8 || size > len(b) {
		return Datagram{}, false
	}
	return Datagram{
		Src:     netip.AddrPortFrom(src, binary.BigEndian.Uint16(b)),
		Dst:     netip.AddrPortFrom(dst, binary.BigEndian.Uint16(b[2:])),
		Payload: b[8:size],
	}, true
}
