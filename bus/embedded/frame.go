package embedded

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// maxRequest bounds one request, as socket.request.max.bytes does in Apache
// Kafka with the same default.
const maxRequest = 100 << 20

// frameHeader is the part of a request that is looked at before any of it is
// handed on: size, API key, API version and correlation id (Kafka protocol
// guide, request header v0).
const frameHeader = 4 + 2 + 2 + 4

// frameListener guards every connection that it accepts.
type frameListener struct{ net.Listener }

func (l frameListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &frameConn{Conn: conn}, nil
}

// frameConn lets only well-framed requests of known kinds through to the
// broker, which trusts the size it reads and dies of an unknown API key: one
// stray HTTP request or port scan must not end the process. Reads come from
// one goroutine at a time, as net.Conn's users do.
type frameConn struct {
	net.Conn
	header [frameHeader]byte
	unread []byte // what is left of header for the reader
	body   int    // bytes of the current request that are still on the wire
}

func (c *frameConn) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if len(c.unread) == 0 && c.body == 0 {
		if err := c.next(); err != nil {
			return 0, err
		}
	}
	if len(c.unread) > 0 {
		n := copy(p, c.unread)
		c.unread = c.unread[n:]
		return n, nil
	}
	n, err := c.Conn.Read(p[:min(len(p), c.body)])
	c.body -= n
	return n, err
}

// next reads and judges the header of the next request.
func (c *frameConn) next() error {
	if _, err := io.ReadFull(c.Conn, c.header[:]); err != nil {
		return err
	}
	size, err := frameSize(c.header)
	if err != nil {
		return err
	}
	c.unread, c.body = c.header[:], size-(frameHeader-4)
	return nil
}

// frameSize gives the size of the request that follows the size field.
func frameSize(header [frameHeader]byte) (int, error) {
	size := binary.BigEndian.Uint32(header[:4])
	if size < frameHeader-4 || size > maxRequest {
		return 0, fmt.Errorf("embedded: request of %d bytes: not the Kafka protocol", size)
	}
	key := int16(binary.BigEndian.Uint16(header[4:]))
	version := int16(binary.BigEndian.Uint16(header[6:]))
	if req := kmsg.RequestForKey(key); req == nil || version < 0 {
		return 0, fmt.Errorf("embedded: request key %d version %d: not the Kafka protocol", key, version)
	}
	return int(size), nil
}
