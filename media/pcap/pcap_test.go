package pcap

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"testing"
	"time"
)

// datagram builds an Ethernet frame with an RTP packet in UDP over IPv4, behind a VLAN tag.
func datagram(seq uint16) []byte {
	rtp := []byte{0x80, 0, byte(seq >> 8), byte(seq), 0, 0, 0, 0, 0, 0, 0, 7, 0xff, 0xff}
	udp := []byte{0x40, 0, 0x50, 0, 0, byte(8 + len(rtp)), 0, 0}
	ip := []byte{0x45, 0, 0, byte(20 + len(udp) + len(rtp)), 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2}
	eth := append(make([]byte, 12), 0x81, 0, 0, 5, 8, 0)
	return bytes.Join([][]byte{eth, ip, udp, rtp}, nil)
}

func classic(order binary.ByteOrder, magic uint32, frac uint32, packets ...[]byte) []byte {
	b := make([]byte, 24)
	order.PutUint32(b, magic)
	order.PutUint32(b[20:], uint32(Ethernet))
	for _, p := range packets {
		h := make([]byte, 16)
		order.PutUint32(h, 1700000000)
		order.PutUint32(h[4:], frac)
		order.PutUint32(h[8:], uint32(len(p)))
		order.PutUint32(h[12:], uint32(len(p)))
		b = append(append(b, h...), p...)
	}
	return b
}

func block(order binary.ByteOrder, kind uint32, body []byte) []byte {
	for len(body)%4 != 0 {
		body = append(body, 0)
	}
	b := make([]byte, 8, 12+len(body))
	order.PutUint32(b, kind)
	order.PutUint32(b[4:], uint32(12+len(body)))
	b = append(b, body...)
	tail := make([]byte, 4)
	order.PutUint32(tail, uint32(12+len(body)))
	return append(b, tail...)
}

// nextGeneration builds a pcapng file of one interface with nanosecond time.
func nextGeneration(order binary.ByteOrder, packets ...[]byte) []byte {
	section := make([]byte, 16)
	order.PutUint32(section, 0x1a2b3c4d)
	order.PutUint16(section[4:], 1)
	b := block(order, blockSection, section)
	description := make([]byte, 8+8)
	order.PutUint16(description, uint16(Ethernet))
	order.PutUint16(description[8:], 9) // if_tsresol
	order.PutUint16(description[10:], 1)
	description[12] = 9
	b = append(b, block(order, blockInterface, description)...)
	b = append(b, block(order, 0x0bad, []byte{1, 2, 3})...) // a block that nobody knows
	for _, p := range packets {
		ns := uint64(1700000000123456789)
		e := make([]byte, 20)
		order.PutUint32(e[4:], uint32(ns>>32))
		order.PutUint32(e[8:], uint32(ns))
		order.PutUint32(e[12:], uint32(len(p)))
		order.PutUint32(e[16:], uint32(len(p)))
		b = append(b, block(order, blockEnhanced, append(e, p...))...)
	}
	return b
}

func files() map[string][]byte {
	return map[string][]byte{
		"pcap":                classic(binary.LittleEndian, 0xa1b2c3d4, 123456, datagram(1), datagram(2)),
		"pcap big-endian":     classic(binary.BigEndian, 0xa1b2c3d4, 123456, datagram(1), datagram(2)),
		"pcap nanoseconds":    classic(binary.LittleEndian, 0xa1b23c4d, 123456789, datagram(1), datagram(2)),
		"pcapng":              nextGeneration(binary.LittleEndian, datagram(1), datagram(2)),
		"pcapng big-endian":   nextGeneration(binary.BigEndian, datagram(1), datagram(2)),
		"pcapng two sections": append(nextGeneration(binary.BigEndian, datagram(1)), nextGeneration(binary.LittleEndian, datagram(2))...),
	}
}

func TestReader(t *testing.T) {
	for name, file := range files() {
		t.Run(name, func(t *testing.T) {
			r, err := NewReader(bytes.NewReader(file))
			if err != nil {
				t.Fatal(err)
			}
			p, err := r.Next()
			if err != nil {
				t.Fatal(err)
			}
			if got := p.Time.Sub(time.Unix(1700000000, 123456000)); got < 0 || got > 789*time.Nanosecond {
				t.Errorf("time is off by %v", got)
			}
			d, ok := p.UDP()
			if !ok || d.Src.String() != "10.0.0.1:16384" || d.Dst.String() != "10.0.0.2:20480" || len(d.Payload) != 14 {
				t.Errorf("datagram %+v, %v", d, ok)
			}
			if _, err := r.Next(); err != nil {
				t.Error(err)
			}
			if _, err := r.Next(); err != io.EOF {
				t.Errorf("at the end: %v", err)
			}
		})
	}
}

func TestStreams(t *testing.T) {
	for name, file := range files() {
		r, err := NewReader(bytes.NewReader(file))
		if err != nil {
			t.Fatal(err)
		}
		streams, err := Streams(r, 2)
		if err != nil || len(streams) != 1 || len(streams[0].Packets) != 2 || streams[0].Key.SSRC != 7 {
			t.Errorf("%s: %+v, %v", name, streams, err)
		}
	}
}

func TestTruncatedFiles(t *testing.T) {
	for name, file := range files() {
		for n := range file {
			r, err := NewReader(bytes.NewReader(file[:n]))
			for err == nil {
				_, err = r.Next()
			}
			// Cut between two records, a file is merely shorter.
			if err != io.EOF && !errors.Is(err, ErrFormat) {
				t.Fatalf("%s cut to %d octets: %v", name, n, err)
			}
		}
	}
}

func TestOtherLinks(t *testing.T) {
	ip := datagram(1)[18:]
	v6 := append([]byte{0x60, 0, 0, 0, 0, byte(len(ip) - 20), 17, 64}, make([]byte, 32)...)
	v6 = append(v6, ip[20:]...)
	with := func(n, at int, kind uint16, body []byte) []byte {
		head := make([]byte, n)
		binary.BigEndian.PutUint16(head[at:], kind)
		return append(head, body...)
	}
	for _, tt := range []struct {
		link LinkType
		data []byte
	}{
		{Raw, ip}, {RawIPv6, v6}, {Null, append([]byte{2, 0, 0, 0}, ip...)}, {SLL, with(16, 14, 0x0800, ip)},
		{SLL2, with(20, 0, 0x86dd, v6)}, {Ethernet, with(14, 12, 0x0800, ip)},
	} {
		if _, ok := (Packet{Link: tt.link, Data: tt.data}).UDP(); !ok {
			t.Errorf("link type %d: no datagram", tt.link)
		}
		for n := range tt.data {
			if _, ok := (Packet{Link: tt.link, Data: tt.data[:n]}).UDP(); ok {
				t.Errorf("link type %d: %d octets of %d were taken", tt.link, n, len(tt.data))
			}
		}
	}
	fragment := append([]byte(nil), ip...)
	fragment[6] = 0x20
	tcp := append([]byte(nil), ip...)
	tcp[9] = 6
	for name, p := range map[string]Packet{"fragment": {Link: Raw, Data: fragment}, "tcp": {Link: Raw, Data: tcp}, "link": {Link: 9999, Data: ip}} {
		if _, ok := p.UDP(); ok {
			t.Errorf("%s was taken", name)
		}
	}
}

func FuzzReader(f *testing.F) {
	for _, file := range files() {
		f.Add(file)
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		r, err := NewReader(bytes.NewReader(file))
		if err != nil {
			return
		}
		streams, err := Streams(r, 1)
		if err != nil && !errors.Is(err, ErrFormat) {
			t.Fatal(err)
		}
		for _, s := range streams {
			if len(s.Packets) == 0 {
				t.Fatal("a stream without packets")
			}
		}
	})
}
