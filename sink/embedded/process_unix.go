//go:build unix

package embedded

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// InUseError says that another process has the data directory.
type InUseError struct {
	Dir    string
	Holder string // what that process wrote of itself
}

func (e *InUseError) Error() string {
	return fmt.Sprintf("data directory %s is in use by %s: stop it, or set another clickhouse.dir", e.Dir, e.Holder)
}

// lockDir takes the directory for this process and the child that inherits the
// file. The kernel frees it when both have ended, however they end.
func lockDir(dir, address string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "throughline.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		defer f.Close()
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("lock %s: %w", dir, err)
		}
		holder, err := io.ReadAll(io.LimitReader(f, 256))
		if err != nil || len(holder) == 0 {
			holder = []byte("another process")
		}
		return nil, &InUseError{dir, string(holder)}
	}
	text := fmt.Sprintf("process %d on %s since %s", os.Getpid(), address, time.Now().UTC().Format(time.RFC3339))
	if err := errors.Join(f.Truncate(0), writeAt(f, text)); err != nil {
		f.Close()
		return nil, fmt.Errorf("lock %s: %w", dir, err)
	}
	return f, nil
}

func writeAt(f *os.File, text string) error {
	_, err := f.WriteAt([]byte(text), 0)
	return err
}
