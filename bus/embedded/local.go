package embedded

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// localTimeout bounds one of the broker's own requests to itself. It covers
// a compaction, during which kfake serves nobody.
const localTimeout = time.Minute

// local is the broker's own connection to itself, for what kfake offers over
// the protocol only. It has one user at a time.
type local struct {
	addr   string
	conn   net.Conn
	serial int32
}

// topics names every topic.
func (l *local) topics() ([]string, error) {
	req := kmsg.NewPtrMetadataRequest()
	req.Version = 1 // the first in which null topics means all
	resp := kmsg.NewPtrMetadataResponse()
	if err := l.ask(req, resp); err != nil {
		return nil, err
	}
	var names []string
	for _, t := range resp.Topics {
		if t.Topic != nil {
			names = append(names, *t.Topic)
		}
	}
	slices.Sort(names)
	return names, nil
}

// ask sends one request of a version without tagged fields, and reads its
// response. After an error the next call dials again.
func (l *local) ask(req kmsg.Request, resp kmsg.Response) (err error) {
	if l.conn == nil {
		if l.conn, err = net.DialTimeout("tcp", l.addr, localTimeout); err != nil {
			return fmt.Errorf("embedded: dial self: %w", err)
		}
	}
	defer func() {
		if err != nil {
			l.close()
		}
	}()
	l.serial++
	formatter := kmsg.NewRequestFormatter(kmsg.FormatterClientID("throughline-embedded"))
	if err := l.conn.SetDeadline(time.Now().Add(localTimeout)); err != nil {
		return fmt.Errorf("embedded: ask self: %w", err)
	}
	if _, err := l.conn.Write(formatter.AppendRequest(nil, req, l.serial)); err != nil {
		return fmt.Errorf("embedded: ask self: %w", err)
	}
	var head [4]byte
	if _, err := io.ReadFull(l.conn, head[:]); err != nil {
		return fmt.Errorf("embedded: hear self: %w", err)
	}
	body := make([]byte, binary.BigEndian.Uint32(head[:]))
	if _, err := io.ReadFull(l.conn, body); err != nil {
		return fmt.Errorf("embedded: hear self: %w", err)
	}
	resp.SetVersion(req.GetVersion())
	if err := resp.ReadFrom(body[4:]); err != nil { // after the correlation id
		return fmt.Errorf("embedded: parse own response: %w", err)
	}
	return nil
}

func (l *local) close() {
	if l.conn != nil {
		l.conn.Close()
		l.conn = nil
	}
}
