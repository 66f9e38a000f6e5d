package ogg

import (
	"encoding/binary"
	"fmt"
	"io"

	"throughline/media/codec"
)

// Head is the identification header (RFC 7845 §5.1).
type Head struct {
	Channels  int
	PreSkip   int // samples at 48 kHz to drop at the beginning: the encoder's lead-in
	InputRate int // of the sound before it was encoded; for information
	Gain      int // to be applied on output, in 1/256 dB
}

// maxPacket bounds a packet: 120 ms of Opus is 61,440 octets at the most (RFC 7845 §6 suggests it).
const maxPacket = 61440

// clock of Opus in Ogg and RTP alike.
const clock = 48000

// Format is how the packets of any file are to be decoded.
func Format() codec.Format {
	return codec.Format{Codec: codec.Opus, ClockRate: clock, Channels: 2}
}

// Reader gives the packets of the first Opus stream of a file.
type Reader struct {
	pages  *pages
	serial uint32
	head   Head

	page    page
	partial []byte // a packet that goes on in the next page
	skip    bool   // its beginning was lost
	done    bool   // the stream's last page has been read
	granule int64  // of the last page on which a packet ended
	ticks   int64  // durations of all packets given
}

// NewReader reads the two headers.
func NewReader(in io.Reader) (*Reader, error) {
	r := &Reader{pages: newPages(in)}
	for {
		p, err := r.pages.next()
		if err != nil {
			return nil, fmt.Errorf("ogg header: no opus stream: %w: %w", err, ErrFormat)
		}
		if p.flags&first == 0 || len(p.body) < 8 || string(p.body[:8]) != "OpusHead" {
			continue
		}
		if r.head, err = parseHead(p.body); err != nil {
			return nil, err
		}
		r.serial = p.serial
		break
	}
	// The comment header is the next packet. It may hold names, and is not kept.
	if _, err := r.packet(1 << 20); err != nil {
		return nil, fmt.Errorf("ogg header: no comment: %w: %w", err, ErrFormat)
	}
	return r, nil
}

func parseHead(b []byte) (Head, error) {
	if len(b) < 19 {
		return Head{}, fmt.Errorf("opus head: %d octets, want 19: %w", len(b), ErrFormat)
	}
	h := Head{
		Channels:  int(b[9]),
		PreSkip:   int(binary.LittleEndian.Uint16(b[10:])),
		InputRate: int(binary.LittleEndian.Uint32(b[12:])),
		Gain:      int(int16(binary.LittleEndian.Uint16(b[16:]))),
	}
	// Versions up to 15 are compatible (RFC 7845 §5.1); mapping family 0 is mono or stereo.
	if b[8] > 15 || h.Channels < 1 || h.Channels > 2 || b[18] != 0 {
		return Head{}, fmt.Errorf("opus head: version %d, %d channels, mapping %d: want version 1, mono or stereo: %w",
			b[8], h.Channels, b[18], ErrFormat)
	}
	return h, nil
}

// Head is the file's identification header.
func (r *Reader) Head() Head { return r.head }

// Damaged counts pages that were skipped.
func (r *Reader) Damaged() int { return r.pages.damaged }

// Next gives the next packet and its duration in ticks of 48 kHz; io.EOF at the end. The packet is
// valid until the next call. Packets that are no Opus are passed over.
func (r *Reader) Next() ([]byte, int, error) {
	for {
		p, err := r.packet(maxPacket)
		if err != nil {
			return nil, 0, err
		}
		ticks, err := Format().Ticks(p)
		if err != nil {
			r.pages.damaged++
			continue
		}
		r.ticks += int64(ticks)
		return p, ticks, nil
	}
}

// Surplus is, at the end, how many ticks of padding the last packet holds, by the granule position
// of the last page (RFC 7845 §4.4).
func (r *Reader) Surplus() int {
	if r.granule <= 0 || r.granule >= r.ticks || r.ticks-r.granule > 5760 || r.pages.damaged > 0 {
		return 0
	}
	return int(r.ticks - r.granule)
}

// packet joins the segments of a packet, over pages if need be (RFC 3533 §5).
func (r *Reader) packet(limit int) ([]byte, error) {
	r.partial = r.partial[:0]
	for {
		for len(r.page.lacing) > 0 {
			n := int(r.page.lacing[0])
			r.page.lacing = r.page.lacing[1:]
			if len(r.partial)+n > limit {
				r.skip = true
			}
			if !r.skip {
				r.partial = append(r.partial, r.page.body[:n]...)
			}
			r.page.body = r.page.body[n:]
			if n == 255 {
				continue
			}
			if r.skip {
				r.skip = false
				r.partial = r.partial[:0]
				continue
			}
			return r.partial, nil
		}
		if err := r.turn(); err != nil {
			return nil, err
		}
	}
}

// turn reads the stream's next page.
func (r *Reader) turn() error {
	for !r.done {
		p, err := r.pages.next()
		if err != nil {
			return err
		}
		if p.serial != r.serial {
			continue
		}
		goesOn := p.flags&continued != 0
		if goesOn && len(r.partial) == 0 {
			r.skip = true // the beginning was on a page that was lost
		} else if !goesOn {
			r.partial, r.skip = r.partial[:0], false
		}
		r.done = p.flags&last != 0
		if p.granule > 0 {
			r.granule = p.granule
		}
		r.page = p
		return nil
	}
	return io.EOF
}
