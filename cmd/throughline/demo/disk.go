package demo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// piece is how much of a file is searched at once.
const piece = 1 << 20

func containsText(raw []byte, text string) bool { return bytes.Contains(raw, []byte(text)) }

// searchDisk looks for needles in the bytes of every file under paths. It says
// how many bytes it has read, so that "nothing found" is not "nothing searched".
func searchDisk(ctx context.Context, paths, needles []string) (leaks []Leak, read int64, err error) {
	if len(needles) == 0 {
		return nil, 0, nil
	}
	for _, path := range paths {
		err := filepath.WalkDir(path, func(name string, entry fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) && name != path {
				return nil // a file of a running broker may go while we look
			}
			if err != nil {
				return fmt.Errorf("search disk: %w", err)
			}
			if err := ctx.Err(); err != nil {
				return err
			}
			if !entry.Type().IsRegular() {
				return nil
			}
			n, times, err := searchFile(name, needles)
			read += n
			if times > 0 {
				leaks = append(leaks, Leak{Where: "file " + name, Times: times})
			}
			return err
		})
		if err != nil {
			return leaks, read, err
		}
	}
	return leaks, read, nil
}

// searchFile counts the needles in a file. Pieces overlap by the longest needle,
// so that none is cut in two.
func searchFile(name string, needles []string) (read int64, times int, err error) {
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, 0, nil
	}
	if err != nil {
		return 0, 0, fmt.Errorf("search disk: %w", err)
	}
	defer f.Close()
	overlap := 0
	for _, n := range needles {
		overlap = max(overlap, len(n)-1)
	}
	buf := make([]byte, overlap+piece)
	held := 0 // bytes at the front of buf that were read before
	for {
		n, err := io.ReadFull(f, buf[held:held+piece])
		read += int64(n)
		for _, needle := range needles {
			// What lies wholly within the held bytes was counted before.
			from := max(0, held-len(needle)+1)
			times += bytes.Count(buf[from:held+n], []byte(needle))
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return read, times, nil
		}
		if err != nil {
			return read, times, fmt.Errorf("search disk: %w", err)
		}
		end := held + n
		held = min(overlap, end)
		copy(buf, buf[end-held:end])
	}
}
