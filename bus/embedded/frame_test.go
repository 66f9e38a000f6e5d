package embedded

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// wire is a connection that gives the bytes it holds, a few at a time.
type wire struct {
	net.Conn
	*bytes.Reader
	step int
}

func (w wire) Read(p []byte) (int, error) { return w.Reader.Read(p[:min(len(p), w.step)]) }

func metadataRequest() []byte {
	req := kmsg.NewPtrMetadataRequest()
	req.Version = 1
	return kmsg.NewRequestFormatter().AppendRequest(nil, req, 1)
}

func TestFrameConnPassesRequestsUnchanged(t *testing.T) {
	three := bytes.Repeat(metadataRequest(), 3)
	for step := 1; step < len(three); step++ {
		got, err := io.ReadAll(&frameConn{Conn: wire{Reader: bytes.NewReader(three), step: step}})
		if err != nil || !bytes.Equal(got, three) {
			t.Fatalf("step %d: %d of %d bytes, %v", step, len(got), len(three), err)
		}
	}
}

func TestFrameConnPassesTruncatedRequestsAsFarAsTheyGo(t *testing.T) {
	one := metadataRequest()
	for n := range one {
		got, err := io.ReadAll(&frameConn{Conn: wire{Reader: bytes.NewReader(one[:n]), step: 5}})
		if n < frameHeader {
			if len(got) != 0 || n > 0 && err == nil {
				t.Errorf("%d bytes: %d passed, %v", n, len(got), err)
			}
			continue
		}
		if err != nil || !bytes.Equal(got, one[:n]) {
			t.Errorf("%d bytes: %d passed, %v", n, len(got), err)
		}
	}
}

// Whatever arrives, only a prefix of it passes, and each request in that
// prefix is of a size and kind that the broker can take.
func FuzzFrameConn(f *testing.F) {
	f.Add(metadataRequest(), 3)
	f.Add([]byte("GET / HTTP/1.1\r\n\r\n"), 100)
	f.Add(append(metadataRequest(), "\x00\x00\x00\x0a\x7f\xff\x00\x00\x00\x00\x00\x01\xff\xff"...), 1)
	f.Fuzz(func(t *testing.T, in []byte, step int) {
		got, _ := io.ReadAll(&frameConn{Conn: wire{Reader: bytes.NewReader(in), step: max(1, step)}})
		if !bytes.HasPrefix(in, got) {
			t.Fatal("bytes were changed")
		}
		for rest := got; len(rest) > 0; {
			if len(rest) < frameHeader {
				t.Fatalf("half a header passed: %x", rest)
			}
			size := int(binary.BigEndian.Uint32(rest))
			if size > maxRequest || kmsg.RequestForKey(int16(binary.BigEndian.Uint16(rest[4:]))) == nil {
				t.Fatalf("passed %x", rest[:frameHeader])
			}
			rest = rest[min(len(rest), 4+size):]
		}
	})
}
