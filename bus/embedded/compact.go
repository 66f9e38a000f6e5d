package embedded

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// kfake compacts a partition by deleting its files and then writing the
// survivors anew, so a crash between the two would lose acknowledged records.
// Here the files are first linked into a folder of their own, which costs no
// copying; the folder appears under its name in one rename, and while it
// stands it is the truth: opening restores from it. It is renamed away once
// the new files are whole and on disk. No record is taken in between, since
// all of it happens inside one request to kfake.

const (
	backupName = "compacting"      // complete; the truth while it exists
	backupNew  = "compacting.new"  // being linked; worth nothing
	backupOld  = "compacting.done" // being removed; worth nothing
)

// ErrCompaction ends [Broker.Run] when a compaction could not be finished,
// for want of disk most often. Nothing is lost: the next [Open] restores what
// was there before.
var ErrCompaction = errors.New("compaction failed, reopening restores the log")

// backUp links the partitions' log files under backupName. committed says
// whether that name may stand, and so whether an error must stop the broker:
// records taken from then on would be undone by the next opening.
func backUp(dir string, partitions []string) (committed bool, err error) {
	staging := filepath.Join(dir, backupNew)
	if err := os.RemoveAll(staging); err != nil {
		return false, fmt.Errorf("embedded: clear backup: %w", err)
	}
	folders := make([]string, 0, len(partitions)+1)
	for _, name := range partitions {
		folder := filepath.Join(staging, name)
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return false, fmt.Errorf("embedded: make backup: %w", err)
		}
		if err := linkSegments(filepath.Join(dir, partitionsName, name), folder); err != nil {
			return false, err
		}
		folders = append(folders, folder)
	}
	// Not one by one: the first flush takes with it what the others wait for.
	for _, folder := range append(folders, staging) {
		if err := syncDir(folder); err != nil {
			return false, err
		}
	}
	if err := os.Rename(staging, filepath.Join(dir, backupName)); err != nil {
		return false, fmt.Errorf("embedded: commit backup: %w", err)
	}
	return true, syncDir(dir)
}

func linkSegments(from, to string) error {
	names, err := segmentFiles(from)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := os.Link(filepath.Join(from, name), filepath.Join(to, name)); err != nil {
			return fmt.Errorf("embedded: link segment: %w", err)
		}
	}
	return nil
}

// dropBackup makes the partitions' present files the truth again.
func dropBackup(dir string) error {
	if err := removeOld(dir); err != nil {
		return err
	}
	if err := os.Rename(filepath.Join(dir, backupName), filepath.Join(dir, backupOld)); err != nil {
		return fmt.Errorf("embedded: retire backup: %w", err)
	}
	return syncDir(dir)
}

// removeOld gives back the room of a backup that was dropped.
func removeOld(dir string) error {
	if err := os.RemoveAll(filepath.Join(dir, backupOld)); err != nil {
		return fmt.Errorf("embedded: remove backup: %w", err)
	}
	return nil
}

// restoreBackup undoes a compaction that did not finish, and reports whether
// there was one. It may itself be interrupted and run again.
func restoreBackup(dir string) (bool, error) {
	for _, leftover := range []string{backupNew, backupOld} {
		if err := os.RemoveAll(filepath.Join(dir, leftover)); err != nil {
			return false, fmt.Errorf("embedded: clear backup: %w", err)
		}
	}
	entries, err := os.ReadDir(filepath.Join(dir, backupName))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("embedded: read backup: %w", err)
	}
	for _, e := range entries {
		folder := filepath.Join(dir, partitionsName, e.Name())
		if err := clearPartition(folder); err != nil {
			return false, err
		}
		if err := linkSegments(filepath.Join(dir, backupName, e.Name()), folder); err != nil {
			return false, err
		}
		if err := syncDir(folder); err != nil {
			return false, err
		}
	}
	if err := dropBackup(dir); err != nil {
		return false, err
	}
	return true, removeOld(dir)
}

// clearPartition removes a partition's log files with the index files and
// the snapshot that describe them; kfake rebuilds those from the log.
func clearPartition(folder string) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return fmt.Errorf("embedded: make partition: %w", err)
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		return fmt.Errorf("embedded: list partition: %w", err)
	}
	for _, e := range entries {
		name := e.Name()
		if !strings.HasSuffix(name, segmentSuffix) && !strings.HasSuffix(name, ".idx") && !strings.HasPrefix(name, "snapshot.json") {
			continue
		}
		if err := os.Remove(filepath.Join(folder, name)); err != nil {
			return fmt.Errorf("embedded: clear partition: %w", err)
		}
	}
	return nil
}

// checkRewritten makes a partition's rewritten files durable, but for their
// names, and checks that they hold the bytes kfake says it kept: it only logs
// what it fails to write. A partition that had nothing to compact still has the
// backup's very files.
func checkRewritten(dir, name string, kept int64) error {
	folder := filepath.Join(dir, partitionsName, name)
	segments, err := segmentFiles(folder)
	if err != nil {
		return err
	}
	var size int64
	untouched := true
	for _, s := range segments {
		info, err := syncFile(filepath.Join(folder, s))
		if err != nil {
			return err
		}
		size += info.Size()
		before, err := os.Stat(filepath.Join(dir, backupName, name, s))
		untouched = untouched && err == nil && os.SameFile(info, before)
	}
	if !untouched && size != kept {
		return fmt.Errorf("embedded: partition %s has %d bytes on disk of %d kept", name, size, kept)
	}
	return nil
}

func syncFile(path string) (fs.FileInfo, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, fmt.Errorf("embedded: open segment: %w", err)
	}
	info, err := f.Stat()
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return nil, fmt.Errorf("embedded: sync segment: %w", err)
	}
	return info, nil
}
