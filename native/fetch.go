package native

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// attempts is how often a download is taken up again before Fetch gives up.
const attempts = 5

// Path gives the part's directory and whether all its files are there with the
// pinned sizes. Their hashes were checked when they were fetched; directories
// appear only complete, so this is cheap enough for every start.
func Path(part Part) (dir string, ok bool) {
	p, err := pinned(part)
	if err != nil {
		return "", false
	}
	root, err := cacheRoot()
	if err != nil {
		return "", false
	}
	dir = filepath.Join(root, p.dir())
	return dir, complete(dir, p)
}

// Fetch makes sure that the part is on this machine and gives its directory.
// What is missing is downloaded once, however many processes ask, and verified
// against lock.json; an interrupted download is continued. Progress is told to
// the writer, as a bar when it is a terminal; nil keeps silent.
//
// The directory is below $THROUGHLINE_NATIVE_DIR, or throughline/native in the
// user's cache directory. Errors: *UnsupportedError where the part cannot run,
// and whatever the network, the disk or a wrong hash gave.
func Fetch(ctx context.Context, part Part, progress io.Writer) (string, error) {
	if err := Supported(part); err != nil {
		return "", err
	}
	p, err := pinned(part)
	if err != nil {
		return "", err
	}
	root, err := cacheRoot()
	if err != nil {
		return "", err
	}
	config := readNPMConfig()
	client, err := config.client()
	if err != nil {
		return "", fmt.Errorf("fetch %s: %w", part, err)
	}
	f := fetcher{
		pin:    p,
		root:   root,
		url:    config.registry(p.Package) + "/" + p.tarball(),
		client: client,
		pause:  time.Second,
		report: newReport(progress, string(part)+" "+p.Version, p.Bytes),
	}
	dir, err := f.run(ctx)
	if err != nil {
		return "", fmt.Errorf("fetch %s: %w", part, err)
	}
	return dir, nil
}

func cacheRoot() (string, error) {
	if dir := os.Getenv("THROUGHLINE_NATIVE_DIR"); dir != "" {
		return filepath.Abs(dir)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("native directory: %w; set THROUGHLINE_NATIVE_DIR", err)
	}
	return filepath.Join(cache, "throughline", "native"), nil
}

func complete(dir string, p pin) bool {
	for _, f := range p.Files {
		info, err := os.Stat(filepath.Join(dir, f.Name))
		if err != nil || info.Size() != f.Bytes {
			return false
		}
	}
	return true
}

// fetcher brings one pinned package into root.
type fetcher struct {
	pin    pin
	root   string
	url    string
	client *http.Client
	pause  time.Duration // before the first further attempt; doubles
	report *report
}

func (f *fetcher) run(ctx context.Context) (string, error) {
	dir := filepath.Join(f.root, f.pin.dir())
	if complete(dir, f.pin) {
		return dir, nil
	}
	if err := os.MkdirAll(f.root, 0o755); err != nil {
		return "", err
	}
	unlock, err := lockFileAt(ctx, dir+".lock")
	if err != nil {
		return "", err
	}
	defer unlock()
	if complete(dir, f.pin) { // another process was faster
		return dir, nil
	}
	tarball := dir + ".tgz"
	if err := f.download(ctx, tarball); err != nil {
		return "", err
	}
	if err := f.unpack(tarball, dir); err != nil {
		return "", err
	}
	f.report.done()
	// The tarball is of no more use; failing to remove it costs only disk.
	_ = os.Remove(tarball)
	return dir, nil
}

// download continues the tarball until it is whole and its hash is right.
func (f *fetcher) download(ctx context.Context, tarball string) error {
	pause := f.pause
	for attempt := 1; ; attempt++ {
		err := f.attempt(ctx, tarball)
		if err == nil {
			return nil
		}
		var final *finalError
		if ctx.Err() != nil || attempt == attempts || errors.As(err, &final) {
			return err
		}
		f.report.note(fmt.Sprintf("%v; trying again in %v", err, pause))
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
		pause *= 2
	}
}

// finalError is an answer that asking again will not change.
type finalError struct{ text string }

func (e *finalError) Error() string { return e.text }

func (f *fetcher) attempt(ctx context.Context, tarball string) error {
	out, err := os.OpenFile(tarball, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return err
	}
	defer out.Close()
	have, err := out.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	if have < f.pin.Bytes {
		if err := f.receive(ctx, out, have); err != nil {
			return err
		}
	}
	if err := f.verify(out); err != nil {
		// A wrong file would be continued for ever: start over instead.
		return errors.Join(err, out.Truncate(0))
	}
	return out.Sync()
}

// receive appends what the registry sends from the offset on (RFC 9110 §14).
func (f *fetcher) receive(ctx context.Context, out *os.File, have int64) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, f.url, nil)
	if err != nil {
		return &finalError{fmt.Sprintf("registry address: %v", err)}
	}
	if have > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", have))
	}
	resp, err := f.client.Do(req)
	if err != nil {
		return fmt.Errorf("npm registry: %w", err)
	}
	defer resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusPartialContent:
	case http.StatusOK:
		// The registry does not continue: take the whole again.
		have = 0
		if err := out.Truncate(0); err != nil {
			return err
		}
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound:
		return &finalError{fmt.Sprintf(
			"npm registry answered %s for %s: set npm_config_registry to a registry that serves it", resp.Status, f.url)}
	default:
		return fmt.Errorf("npm registry answered %s for %s", resp.Status, f.url)
	}
	if _, err := out.Seek(have, io.SeekStart); err != nil {
		return err
	}
	// One byte too many is enough to know that it is not our package.
	body := io.LimitReader(resp.Body, f.pin.Bytes-have+1)
	stalled := time.AfterFunc(time.Minute, cancel)
	defer stalled.Stop()
	_, err = io.Copy(out, f.report.reader(body, have, func() { stalled.Reset(time.Minute) }))
	if err != nil {
		return fmt.Errorf("npm registry: download broke off: %w", err)
	}
	return nil
}
