package transcribe

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"throughline/media"
)

func TestReadFileNamesWhatItTakes(t *testing.T) {
	p := filepath.Join(t.TempDir(), "x.mp3")
	if err := os.WriteFile(p, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := readFile(p, 16000); err == nil || !strings.Contains(err.Error(), ".flac") {
		t.Errorf("an mp3: %v", err)
	}
}

// opposite is stereo whose channels cancel out but for 100.
type opposite int

func (o *opposite) Read(dst []int16) (int, error) {
	n := min(len(dst)/2, int(*o))
	if n == 0 {
		return 0, io.EOF
	}
	for i := range n {
		dst[2*i], dst[2*i+1] = int16(i+100), int16(100-i)
	}
	*o -= opposite(n)
	return 2 * n, nil
}

func TestChannelsAreMixed(t *testing.T) {
	in, out := opposite(10_000), &media.Samples{SampleRate: 16000}
	if err := mix(&in, 16000, 2, out); err != nil {
		t.Fatal(err)
	}
	if len(out.PCM) != 10_000 || out.PCM[5000] != 100 {
		t.Errorf("%d samples, one is %d; want 10000 of 100", len(out.PCM), out.PCM[5000])
	}
}
