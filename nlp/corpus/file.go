package corpus

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"strings"
)

// opened is a file as it is read: unpacked, without a mark in front.
type opened struct {
	*bufio.Reader
	io.Closer
}

// open opens a file; one whose name ends in .gz is unpacked. A byte order mark,
// which some editors set before UTF-8, is no part of the text.
func open(file string) (opened, error) {
	f, err := os.Open(file)
	if err != nil {
		return opened{}, err
	}
	in := bufio.NewReader(f)
	if strings.HasSuffix(file, ".gz") {
		unpacked, err := gzip.NewReader(in)
		if err != nil {
			f.Close()
			return opened{}, err
		}
		in = bufio.NewReader(unpacked)
	}
	mark := []byte("\ufeff")
	if first, _ := in.Peek(len(mark)); bytes.Equal(first, mark) { // an error comes again when it is read
		if _, err := in.Discard(len(mark)); err != nil {
			f.Close()
			return opened{}, err
		}
	}
	return opened{in, f}, nil
}

// all is the whole text of a file, as open gives it.
func all(file string) ([]byte, error) {
	f, err := open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}
