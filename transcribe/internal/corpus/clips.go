package corpus

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// Clip is one recording of the development data, mono at 16 kHz.
type Clip struct {
	File string
	Text string // empty where the truth is not known
	PCM  []float32
}

// Data is the folder of the development data: $THROUGHLINE_DATA, or
// shared/data beside the repository. The test is skipped where it is absent.
func Data(tb testing.TB, set string) string {
	tb.Helper()
	root := os.Getenv("THROUGHLINE_DATA")
	if root == "" {
		dir, err := os.Getwd()
		if err != nil {
			tb.Fatal(err)
		}
		for !isFile(filepath.Join(dir, "go.mod")) && dir != filepath.Dir(dir) {
			dir = filepath.Dir(dir)
		}
		root = filepath.Join(filepath.Dir(dir), "shared", "data")
	}
	path := filepath.Join(root, set)
	if !isFile(filepath.Join(path, "manifest.jsonl")) {
		tb.Skipf("data set %s is absent; THROUGHLINE_DATA names the folder of the data sets", set)
	}
	return path
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// Clips reads the manifest of a set and all its recordings. Recordings of two
// channels are left out.
func Clips(tb testing.TB, set string) []Clip {
	tb.Helper()
	dir := Data(tb, set)
	f, err := os.Open(filepath.Join(dir, "manifest.jsonl"))
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	var clips []Clip
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		var line struct {
			File     string
			Text     string
			Channels int
		}
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			tb.Fatal(err)
		}
		if line.Channels > 1 {
			continue
		}
		pcm, err := readWAV(filepath.Join(dir, line.File))
		if err != nil {
			tb.Fatalf("%s: %v", line.File, err)
		}
		clips = append(clips, Clip{File: line.File, Text: line.Text, PCM: pcm})
	}
	if err := lines.Err(); err != nil {
		tb.Fatal(err)
	}
	return clips
}

// readWAV reads 16-bit mono PCM at 8 or 16 kHz (RIFF, format 1) as 16 kHz.
func readWAV(path string) ([]float32, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if len(b) < 12 || string(b[:4]) != "RIFF" || string(b[8:12]) != "WAVE" {
		return nil, errors.New("not a WAV file")
	}
	rate := uint32(0)
	for b = b[12:]; len(b) >= 8; {
		id, size := string(b[:4]), int(binary.LittleEndian.Uint32(b[4:]))
		body := b[8:min(8+size, len(b))]
		switch id {
		case "fmt ":
			if len(body) < 16 || binary.LittleEndian.Uint16(body) != 1 || body[2] != 1 || body[14] != 16 {
				return nil, errors.New("not mono 16-bit PCM")
			}
			rate = binary.LittleEndian.Uint32(body[4:])
		case "data":
			pcm := make([]float32, len(body)/2)
			for i := range pcm {
				pcm[i] = float32(int16(binary.LittleEndian.Uint16(body[2*i:]))) / 32768
			}
			switch rate {
			case 16000:
				return pcm, nil
			case 8000:
				return Up(pcm), nil
			}
			return nil, fmt.Errorf("rate %d is neither 8000 nor 16000", rate)
		}
		b = b[min(8+size+size%2, len(b)):]
	}
	return nil, errors.New("no data chunk")
}
