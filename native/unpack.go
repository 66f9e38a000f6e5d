package native

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// verify compares the whole tarball with the pinned integrity.
func (f *fetcher) verify(tarball *os.File) error {
	want, err := f.pin.sha512()
	if err != nil {
		return &finalError{err.Error()}
	}
	if _, err := tarball.Seek(0, io.SeekStart); err != nil {
		return err
	}
	h := sha512.New()
	n, err := io.Copy(h, tarball)
	if err != nil {
		return err
	}
	if n < f.pin.Bytes {
		return fmt.Errorf("%s: download ended after %d of %d bytes", f.pin.Package, n, f.pin.Bytes)
	}
	if !bytes.Equal(h.Sum(nil), want) {
		return fmt.Errorf("%s@%s: integrity differs from lock.json", f.pin.Package, f.pin.Version)
	}
	return nil
}

// unpack extracts the pinned members into a fresh directory beside dir and then
// renames it, so that dir never exists half filled.
func (f *fetcher) unpack(tarball, dir string) error {
	in, err := os.Open(tarball)
	if err != nil {
		return err
	}
	defer in.Close()
	temp, err := os.MkdirTemp(f.root, ".unpack-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	if err := f.extract(in, temp); err != nil {
		return err
	}
	if err := os.Chmod(temp, 0o755); err != nil {
		return err
	}
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	return os.Rename(temp, dir)
}

func (f *fetcher) extract(in io.Reader, dir string) error {
	zr, err := gzip.NewReader(in)
	if err != nil {
		return fmt.Errorf("%s: tarball: %w", f.pin.Package, err)
	}
	wanted := map[string]file{}
	for _, w := range f.pin.Files {
		wanted[w.Member] = w
	}
	archive := tar.NewReader(zr)
	for len(wanted) > 0 {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			for member := range wanted {
				return fmt.Errorf("%s: tarball has no %s", f.pin.Package, member)
			}
		}
		if err != nil {
			return fmt.Errorf("%s: tarball: %w", f.pin.Package, err)
		}
		w, ok := wanted[header.Name]
		if !ok {
			continue
		}
		delete(wanted, header.Name)
		if err := extractFile(archive, filepath.Join(dir, w.Name), w); err != nil {
			return fmt.Errorf("%s: %w", f.pin.Package, err)
		}
	}
	return nil
}

func extractFile(in io.Reader, name string, w file) error {
	out, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	defer out.Close()
	h := sha256.New()
	if _, err := io.Copy(io.MultiWriter(out, h), in); err != nil {
		return fmt.Errorf("extract %s: %w", w.Name, err)
	}
	if sum := hex.EncodeToString(h.Sum(nil)); sum != w.SHA256 {
		return fmt.Errorf("extract %s: sha256 differs from lock.json", w.Name)
	}
	// Synced before the rename, so that a power cut leaves all or nothing.
	if err := out.Sync(); err != nil {
		return err
	}
	return out.Close()
}
