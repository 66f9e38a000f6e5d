package embedded

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// An offset names one record for ever: the sink counts on it to take effect
// once. kfake finds a partition's next offset in its log files, so when
// retention has removed the last of them a restart would begin again at 0.
// The broker therefore writes every partition's next offset down before it
// removes anything, and on opening restores it where the files are gone.

// floorName is the file that holds the floors.
const floorName = "floors.json"

// floors is the next offset of each partition, by its directory's name.
type floors map[string]int64

// partitionsName is kfake's folder of partitions.
const partitionsName = "partitions"

// partitionName is kfake's name for a partition's folder.
func partitionName(topic string, partition int32) string {
	return fmt.Sprintf("%s-%d", url.PathEscape(topic), partition)
}

func loadFloors(dir string) (floors, error) {
	raw, err := os.ReadFile(filepath.Join(dir, floorName))
	if errors.Is(err, fs.ErrNotExist) {
		return floors{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("embedded: read floors: %w", err)
	}
	f := floors{}
	if err := json.Unmarshal(raw, &f); err != nil {
		return nil, fmt.Errorf("embedded: parse %s: %w", filepath.Join(dir, floorName), err)
	}
	return f, nil
}

func (f floors) save(dir string) error {
	raw, err := json.Marshal(f)
	if err != nil {
		return fmt.Errorf("embedded: encode floors: %w", err)
	}
	return replaceFile(filepath.Join(dir, floorName), raw)
}

// plant puts a one-record batch just below the floor of every partition that
// has lost all its files, so that kfake opens it at the floor. It returns
// the partitions it did this for; their planted record must be deleted
// before anybody can read it.
func (f floors) plant(dir string) ([]string, error) {
	var planted []string
	for name, next := range f {
		folder := filepath.Join(dir, partitionsName, name)
		if next == 0 || name != filepath.Base(name) {
			continue
		}
		if _, err := os.Stat(folder); errors.Is(err, fs.ErrNotExist) {
			continue // the topic was deleted since
		}
		segments, err := segmentFiles(folder)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(segments, func(s string) bool { return startsWithBatch(filepath.Join(folder, s)) }) {
			continue
		}
		if err := replaceFile(filepath.Join(folder, strconv.FormatInt(next-1, 10)+segmentSuffix), plantedBatch(next-1)); err != nil {
			return nil, err
		}
		planted = append(planted, name)
	}
	slices.Sort(planted)
	return planted, nil
}

const segmentSuffix = ".dat"

// segmentFiles lists a partition's log files.
func segmentFiles(folder string) ([]string, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, fmt.Errorf("embedded: list partition: %w", err)
	}
	var names []string
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), segmentSuffix) {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// The fixed part of a record batch (Kafka protocol, RecordBatch v2), and
// where in it the fields used here lie.
const (
	batchHeader  = 61
	batchLength  = 8
	batchCRC     = 17
	batchPayload = 21
)

// startsWithBatch says whether the log file's first batch is whole, which is
// when kfake will find an offset in it.
func startsWithBatch(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	head := make([]byte, batchHeader)
	if _, err := io.ReadFull(f, head); err != nil {
		return false
	}
	length := int64(binary.BigEndian.Uint32(head[batchLength:])) + batchLength + 4
	if info, err := f.Stat(); err != nil || length < batchHeader || info.Size() < length {
		return false
	}
	sum := crc32.New(crc32.MakeTable(crc32.Castagnoli))
	if _, err := io.Copy(sum, io.NewSectionReader(f, batchPayload, length-batchPayload)); err != nil {
		return false
	}
	return sum.Sum32() == binary.BigEndian.Uint32(head[batchCRC:])
}

// plantedBatch is a batch of one empty record at the offset.
func plantedBatch(offset int64) []byte {
	// Length 6 as a zigzag varint, attributes, timestamp and offset deltas,
	// null key, null value, no headers.
	record := []byte{12, 0, 0, 0, 1, 1, 0}
	b := make([]byte, batchHeader, batchHeader+len(record))
	binary.BigEndian.PutUint64(b[0:], uint64(offset))
	binary.BigEndian.PutUint32(b[batchLength:], uint32(batchHeader+len(record)-batchLength-4))
	b[16] = 2                                      // magic
	binary.BigEndian.PutUint64(b[43:], ^uint64(0)) // no producer id
	binary.BigEndian.PutUint16(b[51:], ^uint16(0)) // no producer epoch
	binary.BigEndian.PutUint32(b[53:], ^uint32(0)) // no sequence
	binary.BigEndian.PutUint32(b[57:], 1)          // records
	b = append(b, record...)
	binary.BigEndian.PutUint32(b[batchCRC:], crc32.Checksum(b[batchPayload:], crc32.MakeTable(crc32.Castagnoli)))
	return b
}

// replaceFile writes the file as a whole or not at all, and durably.
func replaceFile(path string, content []byte) error {
	tmp := path + ".tmp"
	f, err := os.Create(tmp)
	if err != nil {
		return fmt.Errorf("embedded: create %s: %w", tmp, err)
	}
	_, err = f.Write(content)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		os.Remove(tmp)
		return fmt.Errorf("embedded: write %s: %w", tmp, err)
	}
	if err := os.Rename(tmp, path); err != nil {
		return fmt.Errorf("embedded: replace file: %w", err)
	}
	return syncDir(filepath.Dir(path))
}

// syncDir makes the names in a directory durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("embedded: open directory: %w", err)
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return fmt.Errorf("embedded: sync %s: %w", dir, err)
	}
	return nil
}
