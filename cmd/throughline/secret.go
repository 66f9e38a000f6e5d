package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// fillSecrets fills in the secrets that nobody needs to know and nobody
// configured, and the roles taken use: the one that signs chat tokens, and the one
// that keys pseudonyms.
func (s *settings) fillSecrets(kept *secrets, taken []string) (err error) {
	ingest := slices.Contains(taken, "ingest")
	if ingest && len(s.WebChat.Secrets) == 0 {
		secret, err := kept.get("webchat")
		if err != nil {
			return err
		}
		s.WebChat.Secrets = []string{secret}
		kept.keys = append(kept.keys, "webchat.secrets")
	}
	if (ingest || slices.Contains(taken, "transcribe")) && s.Governance.Redact.Key == "" { // whoever has a gate
		s.Governance.Redact.Key, err = kept.get("pseudonyms")
		kept.keys = append(kept.keys, "governance.redact.key")
	}
	return err
}

// secrets are made once and kept beside the data, for this user's eyes only.
type secrets struct {
	dir   string
	keys  []string          // the settings that they stand in for
	fresh map[string]string // not written yet
}

// get gives the secret of a name. One that is not there is made, and is kept from
// the next write on.
func (s *secrets) get(name string) (string, error) {
	b, err := os.ReadFile(s.path(name))
	secret := strings.TrimSpace(string(b))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		secret = rand.Text()
		if s.fresh == nil {
			s.fresh = map[string]string{}
		}
		s.fresh[name] = secret
		return secret, nil
	case err != nil:
		return "", fmt.Errorf("data_dir: %w: set data_dir to a folder that this user may read and write", err)
	case secret == "":
		return "", fmt.Errorf("data_dir: %s is empty: remove it, and a new secret is made", s.path(name))
	}
	return secret, nil
}

// write makes the folder, which nobody else may look into, and keeps there what
// get has made. Where two start at once over one folder, the
// second fails, instead of taking the first one's secrets away.
func (s *secrets) write() error {
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return fmt.Errorf("data_dir %s: %w: set data_dir to a folder that this user may write", s.dir, err)
	}
	for _, name := range slices.Sorted(maps.Keys(s.fresh)) {
		if err := writeNew(s.path(name), s.fresh[name]+"\n"); err != nil {
			return fmt.Errorf("data_dir: %w: set data_dir to a folder that this user may write", err)
		}
	}
	s.fresh = nil
	return nil
}

func (s *secrets) path(name string) string { return filepath.Join(s.dir, name+".secret") }

// writeNew writes a file that was not there, whole or not at all.
func writeNew(path, text string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return nil
}
