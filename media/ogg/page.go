package ogg

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// ErrFormat says that a file is not Ogg with Opus, or is damaged beyond use.
var ErrFormat = errors.New("ogg malformed")

const (
	pageHead  = 27
	continued = 1 // header type flags of RFC 3533 §6
	first     = 2
	last      = 4
)

// maxDamaged bounds the pages that are checked in vain: a file of nothing but page beginnings would
// otherwise cost its length squared.
const maxDamaged = 1000

// page is one page of RFC 3533 §6. body and lacing are valid until the next page is read.
type page struct {
	flags   byte
	granule int64
	serial  uint32
	lacing  []byte
	body    []byte
}

// pages reads pages and finds the next one after damage.
type pages struct {
	in      *bufio.Reader
	buf     []byte
	damaged int
	crc     [256]uint32
}

func newPages(in io.Reader) *pages {
	return &pages{in: bufio.NewReaderSize(in, 1<<16+1<<10), crc: crcTable()}
}

// crcTable is the table of the CRC of RFC 3533 §6: polynomial 0x04c11db7, not reflected.
func crcTable() (t [256]uint32) {
	for i := range t {
		c := uint32(i) << 24
		for range 8 {
			if c&0x80000000 != 0 {
				c = c<<1 ^ 0x04c11db7
			} else {
				c <<= 1
			}
		}
		t[i] = c
	}
	return t
}

func (p *pages) sum(c uint32, b []byte) uint32 {
	for _, v := range b {
		c = c<<8 ^ p.crc[byte(c>>24)^v]
	}
	return c
}

// next gives the next whole page. It is io.EOF at the end, also where the file is cut off within a
// page: a voice note whose upload broke still has a beginning.
func (p *pages) next() (page, error) {
	for {
		// The largest page is 65,307 octets; the reader's buffer holds it whole.
		head, err := p.in.Peek(pageHead)
		if err != nil {
			return page{}, end(err)
		}
		size := 0
		if string(head[:4]) == "OggS" && head[4] == 0 {
			size = pageHead + int(head[26])
			if head, err = p.in.Peek(size); err != nil {
				return page{}, end(err)
			}
			for _, n := range head[pageHead:] {
				size += int(n)
			}
		}
		if size > 0 {
			raw, err := p.in.Peek(size)
			if err != nil {
				return page{}, end(err)
			}
			if p.valid(raw) {
				return p.take(raw)
			}
		}
		if string(head[:4]) == "OggS" {
			if p.damaged++; p.damaged > maxDamaged {
				return page{}, io.EOF
			}
		}
		if _, err := p.in.Discard(1); err != nil {
			return page{}, end(err)
		}
	}
}

func end(err error) error {
	if err == io.EOF || err == bufio.ErrBufferFull {
		return io.EOF
	}
	return fmt.Errorf("ogg page: %w", err)
}

func (p *pages) valid(raw []byte) bool {
	c := p.sum(0, raw[:22])
	c = p.sum(c, []byte{0, 0, 0, 0})
	return p.sum(c, raw[26:]) == binary.LittleEndian.Uint32(raw[22:])
}

func (p *pages) take(raw []byte) (page, error) {
	p.buf = append(p.buf[:0], raw...)
	if _, err := p.in.Discard(len(raw)); err != nil {
		return page{}, end(err)
	}
	b := p.buf
	bodyAt := pageHead + int(b[26])
	return page{
		flags:   b[5],
		granule: int64(binary.LittleEndian.Uint64(b[6:])),
		serial:  binary.LittleEndian.Uint32(b[14:]),
		lacing:  b[pageHead:bodyAt],
		body:    b[bodyAt:],
	}, nil
}
