package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// TestSecretsOfRoles: only who uses a secret makes one; it is the same the second
// time, and nobody else's to read.
func TestSecretsOfRoles(t *testing.T) {
	for _, c := range []struct{ taken, keys []string }{
		{[]string{"nlp", "journey", "dashboards"}, nil},
		{[]string{"transcribe"}, []string{"governance.redact.key"}},
		{roles, []string{"webchat.secrets", "governance.redact.key"}},
	} {
		dir := filepath.Join(t.TempDir(), "data")
		var made [2]settings
		for i := range made {
			kept := secrets{dir: dir}
			if err := made[i].fillSecrets(&kept, c.taken); err != nil {
				t.Fatal(err)
			}
			if _, err := os.Stat(dir); i == 0 && err == nil {
				t.Errorf("%v: a folder is made before it is written to", c.taken)
			}
			if err := kept.write(); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(kept.keys, c.keys) {
				t.Errorf("%v: stands in for %v, want %v", c.taken, kept.keys, c.keys)
			}
		}
		if a, b := made[0], made[1]; !slices.Equal(a.WebChat.Secrets, b.WebChat.Secrets) || a.Governance.Redact.Key != b.Governance.Redact.Key {
			t.Errorf("%v: the second time they are others", c.taken)
		}
		files, err := os.ReadDir(dir)
		if err != nil || len(files) != len(c.keys) {
			t.Errorf("%v: %d files, %v", c.taken, len(files), err)
		}
		for _, f := range append(files, folder(t, dir)) {
			if info, err := f.Info(); err != nil || info.Mode().Perm()&0o077 != 0 {
				t.Errorf("%s may be read by others, %v", f.Name(), err)
			}
		}
	}
}

func folder(t *testing.T, dir string) fs.DirEntry {
	t.Helper()
	info, err := os.Stat(dir)
	if err != nil {
		t.Fatal(err)
	}
	return fs.FileInfoToDirEntry(info)
}

// TestTwoStartAtOnce: the second does not take the first one's secrets away.
func TestTwoStartAtOnce(t *testing.T) {
	dir := t.TempDir()
	first, second := secrets{dir: dir}, secrets{dir: dir}
	mine, err := first.get("webchat")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := second.get("webchat"); err != nil {
		t.Fatal(err)
	}
	if err := first.write(); err != nil {
		t.Fatal(err)
	}
	if err := second.write(); err == nil {
		t.Error("the second writes, too")
	}
	if kept, err := (&secrets{dir: dir}).get("webchat"); err != nil || kept != mine {
		t.Errorf("kept is another, %v", err)
	}
}
