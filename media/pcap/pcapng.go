package pcap

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"time"
)

// Block types of pcapng (draft-ietf-opsawg-pcapng).
const (
	blockSection   = 0x0a0d0d0a
	blockInterface = 1
	blockSimple    = 3
	blockEnhanced  = 6
)

func (r *Reader) nextBlock() (Packet, error) {
	for {
		if _, err := r.in.Peek(1); err == io.EOF {
			return Packet{}, io.EOF
		}
		kind, body, err := r.block()
		if err != nil {
			return Packet{}, err
		}
		switch kind {
		case blockSection:
			r.ifaces = r.ifaces[:0]
		case blockInterface:
			if err := r.describe(body); err != nil {
				return Packet{}, err
			}
		case blockEnhanced:
			return r.enhanced(body)
		case blockSimple:
			return r.simple(body)
		}
	}
}

// block reads one block and gives its body, without the lengths at both ends.
func (r *Reader) block() (kind uint32, body []byte, err error) {
	head, err := r.in.Peek(12)
	if err != nil {
		return 0, nil, fmt.Errorf("capture block: cut off: %w: %w", io.ErrUnexpectedEOF, ErrFormat)
	}
	if binary.LittleEndian.Uint32(head) == blockSection { // a palindrome: the order does not matter yet
		switch binary.LittleEndian.Uint32(head[8:]) {
		case 0x1a2b3c4d:
			r.order = binary.LittleEndian
		case 0x4d3c2b1a:
			r.order = binary.BigEndian
		default:
			return 0, nil, fmt.Errorf("capture section: unknown byte order: %w", ErrFormat)
		}
	}
	kind = r.order.Uint32(head)
	size := int64(r.order.Uint32(head[4:]))
	if size < 12 || size%4 != 0 {
		return 0, nil, fmt.Errorf("capture block: length %d: %w", size, ErrFormat)
	}
	b, err := r.read(size)
	if err != nil {
		return 0, nil, fmt.Errorf("capture block: %w", err)
	}
	if int64(r.order.Uint32(b[size-4:])) != size {
		return 0, nil, fmt.Errorf("capture block: lengths at its ends differ: %w", ErrFormat)
	}
	return kind, b[8 : size-4], nil
}

// describe reads an interface description block.
func (r *Reader) describe(body []byte) error {
	if len(body) < 8 {
		return fmt.Errorf("capture interface: %d octets: %w", len(body), ErrFormat)
	}
	if len(r.ifaces) >= 256 {
		return fmt.Errorf("capture interface: more than 256: %w", ErrFormat)
	}
	in := iface{link: LinkType(r.order.Uint16(body)), unit: 1e-6, tick: 1e6}
	for opts := body[8:]; len(opts) >= 4; {
		code, size := r.order.Uint16(opts), int(r.order.Uint16(opts[2:]))
		padded := (size + 3) &^ 3
		if code == 0 || 4+padded > len(opts) {
			break
		}
		const ifTSResol = 9
		if code == ifTSResol && size >= 1 {
			in.resolution(opts[4])
		}
		opts = opts[4+padded:]
	}
	r.ifaces = append(r.ifaces, in)
	return nil
}

// resolution takes if_tsresol: a negative power of ten, or of two when the top bit is set.
func (in *iface) resolution(b byte) {
	exp := int(b & 0x7f)
	if b&0x80 != 0 {
		in.unit, in.tick = math.Ldexp(1, -exp), 0
		if exp < 63 {
			in.tick = 1 << exp
		}
		return
	}
	in.unit, in.tick = math.Pow10(-exp), 0
	if exp <= 18 {
		in.tick = int64(math.Pow10(exp))
	}
}

func (in iface) time(ticks uint64) time.Time {
	if in.tick > 0 && ticks <= math.MaxInt64 {
		n := int64(ticks)
		rest := float64(n%in.tick) * float64(in.unit) * 1e9
		return time.Unix(n/in.tick, int64(math.Round(rest))).UTC()
	}
	sec, frac := math.Modf(float64(ticks) * in.unit)
	return time.Unix(int64(sec), int64(frac*1e9)).UTC()
}

func (r *Reader) enhanced(body []byte) (Packet, error) {
	if len(body) < 20 {
		return Packet{}, fmt.Errorf("capture packet: %d octets: %w", len(body), ErrFormat)
	}
	id := r.order.Uint32(body)
	size := r.order.Uint32(body[12:])
	if int64(id) >= int64(len(r.ifaces)) || int64(size) > int64(len(body)-20) {
		return Packet{}, fmt.Errorf("capture packet: interface %d of %d, %d octets of %d: %w",
			id, len(r.ifaces), size, len(body)-20, ErrFormat)
	}
	ticks := uint64(r.order.Uint32(body[4:]))<<32 | uint64(r.order.Uint32(body[8:]))
	in := r.ifaces[id]
	return Packet{Time: in.time(ticks), Link: in.link, Data: body[20 : 20+size]}, nil
}

// simple reads a packet block that carries no time.
func (r *Reader) simple(body []byte) (Packet, error) {
	if len(body) < 4 || len(r.ifaces) == 0 {
		return Packet{}, fmt.Errorf("capture packet: %d octets, %d interfaces: %w", len(body), len(r.ifaces), ErrFormat)
	}
	size := min(int64(r.order.Uint32(body)), int64(len(body)-4))
	return Packet{Link: r.ifaces[0].link, Data: body[4 : 4+size]}, nil
}
