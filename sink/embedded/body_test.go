package embedded

import (
	"bytes"
	"io"
	"testing"

	"github.com/ClickHouse/ch-go/compress"
)

func twoBlocks(t testing.TB) (compressed []byte, firstEnds int) {
	t.Helper()
	var out bytes.Buffer
	z := compress.NewWriter(compress.LevelZero, compress.LZ4)
	for _, text := range []string{"first block, ", "second block"} {
		if err := z.Compress([]byte(text)); err != nil {
			t.Fatal(err)
		}
		out.Write(z.Data)
		if firstEnds == 0 {
			firstEnds = out.Len()
		}
	}
	return out.Bytes(), firstEnds
}

func TestBlockReaderEndsOnlyBetweenBlocks(t *testing.T) {
	compressed, firstEnds := twoBlocks(t)
	for n := range len(compressed) + 1 {
		r := newBlockReader(bytes.NewReader(compressed[:n]))
		got, err := io.ReadAll(r)
		clean := n == 0 || n == firstEnds || n == len(compressed)
		if (err == nil) != clean {
			t.Errorf("%d of %d bytes: %q, %v", n, len(compressed), got, err)
		}
		// Asked again, it must not serve the last block once more.
		if again, _ := r.Read(make([]byte, 100)); again != 0 {
			t.Errorf("%d of %d bytes: %d bytes after the end", n, len(compressed), again)
		}
	}
}

func FuzzBlockReader(f *testing.F) {
	compressed, _ := twoBlocks(f)
	f.Add(compressed)
	f.Add(compressed[:20])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		r := newBlockReader(bytes.NewReader(b))
		if _, err := io.Copy(io.Discard, r); err == nil {
			if n, err := r.Read(make([]byte, 1)); n != 0 || err != io.EOF {
				t.Errorf("after the end: %d, %v", n, err)
			}
		}
	})
}

func TestFillKeepsATornEndApart(t *testing.T) {
	for _, c := range []struct {
		name string
		in   io.Reader
		n    int
		err  error
	}{
		{"more than fits", bytes.NewReader(make([]byte, 9)), 8, nil},
		{"exactly", bytes.NewReader(make([]byte, 8)), 8, nil},
		{"less", bytes.NewReader(make([]byte, 3)), 3, io.EOF},
		{"torn", io.MultiReader(bytes.NewReader(make([]byte, 3)), readerFunc(func([]byte) (int, error) { return 0, io.ErrUnexpectedEOF })), 3, io.ErrUnexpectedEOF},
	} {
		n, err := fill(c.in, make([]byte, 8))
		if n != c.n || err != c.err {
			t.Errorf("%s: %d, %v", c.name, n, err)
		}
	}
}

func TestExceptions(t *testing.T) {
	for _, c := range []struct {
		text   string
		code   int
		status int
	}{
		{"Code: 60. DB::Exception: Table x does not exist. (UNKNOWN_TABLE)", 60, 404},
		{"Code: 62. DB::Exception: Syntax error", 62, 400},
		{"Code: 159. DB::Exception: Timeout", 159, 408},
		{"Code: 999999999999999999999. x", codeUnknown, 500},
		{"something else", codeUnknown, 500},
		{"", codeUnknown, 500},
	} {
		e := parseException(c.text)
		if e.code != c.code || e.status() != c.status || e.Error() != c.text && c.text != "" {
			t.Errorf("%q: code %d, status %d, text %q", c.text, e.code, e.status(), e)
		}
	}
}
