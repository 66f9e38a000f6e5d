package pcap

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"
)

// ErrFormat says that a file is not a capture, or is damaged.
var ErrFormat = errors.New("capture malformed")

// LinkType says what a packet begins with; the numbers are those of tcpdump.org/linktypes.html.
type LinkType uint16

// The link types that can be read.
const (
	Null     LinkType = 0   // BSD loopback: a 4-octet address family
	Ethernet LinkType = 1   // IEEE 802.3
	RawBSD   LinkType = 12  // IP without a link header, as some systems number it
	Raw      LinkType = 101 // IP without a link header
	Loop     LinkType = 108 // OpenBSD loopback
	SLL      LinkType = 113 // Linux cooked capture
	RawIPv4  LinkType = 228
	RawIPv6  LinkType = 229
	SLL2     LinkType = 276 // Linux cooked capture, version 2
)

// Packet is one captured packet. Data is valid until the next call of Next.
type Packet struct {
	Time time.Time
	Link LinkType
	Data []byte
}

// maxBlock bounds a packet or block; captures hold at most 64 KiB of a packet, options included
// this is generous.
const maxBlock = 1 << 20

// Reader reads packets in file order.
type Reader struct {
	in   *bufio.Reader
	next func() (Packet, error)
	buf  []byte

	order  binary.ByteOrder
	link   LinkType      // classic pcap has one
	tick   time.Duration // classic pcap: the unit of the fraction
	ifaces []iface       // pcapng has any number, in the order of their descriptions
}

// iface is what a pcapng interface description says.
type iface struct {
	link LinkType
	unit float64 // seconds in a timestamp tick
	tick int64   // ticks in a second when that is whole, else 0
}

// NewReader reads the file's head and tells the two formats apart.
func NewReader(in io.Reader) (*Reader, error) {
	r := &Reader{in: bufio.NewReader(in)}
	magic, err := r.in.Peek(4)
	if err != nil {
		return nil, fmt.Errorf("capture head: %w: %w", err, ErrFormat)
	}
	switch binary.LittleEndian.Uint32(magic) {
	case 0xa1b2c3d4:
		return r.classic(binary.LittleEndian, time.Microsecond)
	case 0xd4c3b2a1:
		return r.classic(binary.BigEndian, time.Microsecond)
	case 0xa1b23c4d:
		return r.classic(binary.LittleEndian, time.Nanosecond)
	case 0x4d3cb2a1:
		return r.classic(binary.BigEndian, time.Nanosecond)
	case blockSection:
		r.order = binary.LittleEndian // until the section header says otherwise
		r.next = r.nextBlock
		return r, nil
	}
	return nil, fmt.Errorf("capture head: neither pcap nor pcapng: %w", ErrFormat)
}

// Next gives the next packet; io.EOF at the end. A file cut off within a packet is
// io.ErrUnexpectedEOF wrapped in ErrFormat: what came before it is sound.
func (r *Reader) Next() (Packet, error) { return r.next() }

func (r *Reader) classic(order binary.ByteOrder, tick time.Duration) (*Reader, error) {
	r.order, r.tick = order, tick
	head, err := r.read(24)
	if err != nil {
		return nil, fmt.Errorf("capture head: %w", err)
	}
	// The upper bits of the link type hold frame check sequence flags.
	r.link = LinkType(order.Uint32(head[20:]) & 0xffff)
	r.next = r.nextRecord
	return r, nil
}

func (r *Reader) nextRecord() (Packet, error) {
	if _, err := r.in.Peek(1); err == io.EOF {
		return Packet{}, io.EOF
	}
	head, err := r.read(16)
	if err != nil {
		return Packet{}, fmt.Errorf("capture record: %w", err)
	}
	sec, frac := r.order.Uint32(head), r.order.Uint32(head[4:])
	size := r.order.Uint32(head[8:])
	data, err := r.read(int64(size))
	if err != nil {
		return Packet{}, fmt.Errorf("capture record: %w", err)
	}
	return Packet{Time: time.Unix(int64(sec), int64(frac)*int64(r.tick)).UTC(), Link: r.link, Data: data}, nil
}

// read gives the next n octets, valid until the next read.
func (r *Reader) read(n int64) ([]byte, error) {
	if n > maxBlock {
		return nil, fmt.Errorf("%d octets, at most %d: %w", n, maxBlock, ErrFormat)
	}
	if int64(cap(r.buf)) < n {
		r.buf = make([]byte, n)
	}
	b := r.buf[:n]
	if _, err := io.ReadFull(r.in, b); err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return nil, fmt.Errorf("cut off: %w: %w", err, ErrFormat)
	}
	return b, nil
}
