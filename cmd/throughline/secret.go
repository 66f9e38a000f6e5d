package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// fillSecrets makes the secrets that nobody needs to know and nobody configured:
// the one that signs chat tokens, and the one that keys pseudonyms.
func (s *settings) fillSecrets() error {
	if err := os.MkdirAll(s.DataDir, 0o700); err != nil {
		return fmt.Errorf("data_dir %s: %w: set data_dir to a folder that this user may write", s.DataDir, err)
	}
	if len(s.WebChat.Secrets) == 0 {
		secret, err := ownSecret(s.DataDir, "webchat")
		if err != nil {
			return err
		}
		s.WebChat.Secrets = []string{secret}
	}
	if s.Governance.Redact.Key == "" {
		secret, err := ownSecret(s.DataDir, "pseudonyms")
		if err != nil {
			return err
		}
		s.Governance.Redact.Key = secret
	}
	return nil
}

// ownSecret is a secret that nobody configured: made once, kept beside the data
// for this user's eyes only.
func ownSecret(dataDir, name string) (string, error) {
	path := filepath.Join(dataDir, name+".secret")
	b, err := os.ReadFile(path)
	if err == nil {
		return strings.TrimSpace(string(b)), nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("data_dir: %w: set data_dir to a folder that this user may read", err)
	}
	secret := rand.Text()
	if err := os.WriteFile(path, []byte(secret+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("data_dir: %w: set data_dir to a folder that this user may write", err)
	}
	return secret, nil
}
