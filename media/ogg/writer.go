package ogg

import (
	"encoding/binary"
	"fmt"
	"io"
)

// pageTicks is the sound on one page: one second, the most that RFC 7845 §4.2 advises.
const pageTicks = clock

// Writer puts Opus packets into a file as they are.
type Writer struct {
	out      io.Writer
	pages    pages // for its checksum
	serial   uint32
	sequence uint32
	granule  int64
	onPage   int64
	lacing   []byte
	body     []byte
	buf      []byte
}

// NewWriter writes the headers. The serial number tells streams of one file apart; any will do.
func NewWriter(out io.Writer, h Head, serial uint32) (*Writer, error) {
	w := &Writer{out: out, pages: pages{crc: crcTable()}, serial: serial}
	head := append([]byte("OpusHead"), 1, byte(h.Channels))
	head = binary.LittleEndian.AppendUint16(head, uint16(h.PreSkip))
	head = binary.LittleEndian.AppendUint32(head, uint32(h.InputRate))
	head = binary.LittleEndian.AppendUint16(head, uint16(h.Gain))
	head = append(head, 0)
	if _, err := parseHead(head); err != nil {
		return nil, fmt.Errorf("ogg writer: %w", err)
	}
	const vendor = "throughline"
	tags := append([]byte("OpusTags"), byte(len(vendor)), 0, 0, 0)
	tags = append(append(tags, vendor...), 0, 0, 0, 0)
	w.add(head)
	if err := w.flush(first); err != nil {
		return nil, err
	}
	w.add(tags)
	if err := w.flush(0); err != nil {
		return nil, err
	}
	return w, nil
}

// WritePacket adds one Opus packet. One that is no Opus, or too long, is codec.ErrPayload or
// ErrFormat, and the file stays as it was.
func (w *Writer) WritePacket(packet []byte) error {
	ticks, err := Format().Ticks(packet)
	if err != nil {
		return fmt.Errorf("ogg write: %w", err)
	}
	if len(packet) > maxPacket {
		return fmt.Errorf("ogg write: packet of %d octets, at most %d: %w", len(packet), maxPacket, ErrFormat)
	}
	// A page ends before a packet that would not fit, so no packet is split over pages.
	if len(w.lacing)+len(packet)/255+1 > 255 || w.onPage >= pageTicks {
		if err := w.flush(0); err != nil {
			return err
		}
	}
	w.add(packet)
	w.granule += int64(ticks)
	w.onPage += int64(ticks)
	return nil
}

func (w *Writer) add(packet []byte) {
	for n := len(packet); ; n -= 255 {
		w.lacing = append(w.lacing, byte(min(n, 255)))
		if n < 255 {
			break
		}
	}
	w.body = append(w.body, packet...)
}

// Close writes the last page. It does not close out.
func (w *Writer) Close() error { return w.flush(last) }

func (w *Writer) flush(flags byte) error {
	b := append(w.buf[:0], "OggS"...)
	b = append(b, 0, flags)
	b = binary.LittleEndian.AppendUint64(b, uint64(w.granule))
	b = binary.LittleEndian.AppendUint32(b, w.serial)
	b = binary.LittleEndian.AppendUint32(b, w.sequence)
	b = append(b, 0, 0, 0, 0, byte(len(w.lacing)))
	b = append(append(b, w.lacing...), w.body...)
	binary.LittleEndian.PutUint32(b[22:], w.pages.sum(0, b))
	w.sequence++
	w.onPage = 0
	w.lacing, w.body, w.buf = w.lacing[:0], w.body[:0], b
	if _, err := w.out.Write(b); err != nil {
		return fmt.Errorf("ogg write: %w", err)
	}
	return nil
}
