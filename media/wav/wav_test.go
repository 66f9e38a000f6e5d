package wav

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"throughline/media"
)

// riff joins chunks, each a name and a body, into a file. The sizes are right and odd bodies padded.
func riff(parts ...any) []byte {
	var body []byte
	for i := 0; i < len(parts); i += 2 {
		b := parts[i+1].([]byte)
		body = append(body, parts[i].(string)...)
		body = binary.LittleEndian.AppendUint32(body, uint32(len(b)))
		body = append(body, b...)
		if len(b)%2 == 1 {
			body = append(body, 0)
		}
	}
	head := binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(4+len(body)))
	return append(append(head, "WAVE"...), body...)
}

func format(e Encoding, channels, rate, bits int) []byte {
	b := binary.LittleEndian.AppendUint16(nil, uint16(e))
	b = binary.LittleEndian.AppendUint16(b, uint16(channels))
	b = binary.LittleEndian.AppendUint32(b, uint32(rate))
	b = append(b, 0, 0, 0, 0, 0, 0) // byte rate and alignment: wrong on purpose
	return binary.LittleEndian.AppendUint16(b, uint16(bits))
}

// resize overwrites the size of the data chunk.
func resize(file []byte, size uint32) []byte {
	c := append([]byte(nil), file...)
	at := bytes.Index(c, []byte("data"))
	binary.LittleEndian.PutUint32(c[at+4:], size)
	return c
}

func readAll(in io.Reader) (Format, []int16, bool, error) {
	r, err := NewReader(in)
	if err != nil {
		return Format{}, nil, false, err
	}
	var all []int16
	buf := make([]int16, 7*r.Format().Channels)
	for {
		n, err := r.Read(buf)
		if err == io.EOF {
			return r.Format(), all, r.Truncated(), nil
		}
		if err != nil {
			return r.Format(), all, r.Truncated(), err
		}
		all = append(all, buf[:n]...)
	}
}

func TestReader(t *testing.T) {
	pcm := []byte{1, 0, 0xff, 0xff, 0, 0x80, 0xff, 0x7f}
	samples := []int16{1, -1, -32768, 32767}
	mono := format(PCM, 1, 8000, 16)
	plain := riff("fmt ", mono, "data", pcm)
	guid := append(format(extensible, 1, 8000, 16), 22, 0, 16, 0, 4, 0, 0, 0)
	guid = append(guid, 1, 0, 0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71)
	floats := binary.LittleEndian.AppendUint32(nil, math.Float32bits(0.5))
	floats = binary.LittleEndian.AppendUint32(floats, math.Float32bits(-3))
	floats = binary.LittleEndian.AppendUint32(floats, math.Float32bits(float32(math.NaN())))
	unpadded := riff("fmt ", mono, "LIST", []byte("odd"), "data", pcm)
	unpadded = append(unpadded[:12+24+8+3], unpadded[12+24+8+4:]...)
	wide := riff("ds64", append(make([]byte, 8), 8, 0, 0, 0, 0, 0, 0, 0), "fmt ", mono, "data", append(pcm, 9, 9))
	copy(wide, "RF64")
	tests := []struct {
		name      string
		file      []byte
		want      []int16
		truncated bool
	}{
		{"pcm16", plain, samples, false},
		{"stereo", riff("fmt ", format(PCM, 2, 8000, 16), "data", pcm), samples, false},
		{"pcm8 is unsigned", riff("fmt ", format(PCM, 1, 8000, 8), "data", []byte{0x80, 0, 0xff}), []int16{0, -32768, 0x7f00}, false},
		{"pcm24", riff("fmt ", format(PCM, 1, 8000, 24), "data", []byte{9, 1, 0, 9, 0xff, 0xff}), []int16{1, -1}, false},
		{"pcm32", riff("fmt ", format(PCM, 1, 8000, 32), "data", []byte{9, 9, 0, 0x80}), []int16{-32768}, false},
		{"float", riff("fmt ", format(Float, 1, 8000, 32), "data", floats), []int16{16384, -32768, 0}, false},
		{"µ-law that claims 16 bits", riff("fmt ", format(ULaw, 1, 8000, 16), "data", []byte{0xff, 0x80}), []int16{0, 32124}, false},
		{"A-law", riff("fmt ", format(ALaw, 1, 8000, 8), "data", []byte{0xd5, 0x55}), []int16{8, -8}, false},
		{"extensible", riff("fmt ", guid, "data", pcm), samples, false},
		{"other chunks around", riff("LIST", []byte("odd"), "fmt ", mono, "fact", make([]byte, 4), "data", pcm, "LIST", []byte("x")), samples, false},
		{"an odd chunk without padding", unpadded, samples, false},
		{"rf64", resize(wide, math.MaxUint32), samples, false},
		{"size of zero, from a recorder that died", resize(plain, 0), samples, false},
		{"size of −1, from a stream", resize(plain, math.MaxUint32), samples, false},
		{"size of 2 GiB less some", resize(plain, unknownSize), samples, false},
		{"less than promised", resize(plain, 1000), samples, true},
		{"cut within a sample", plain[:len(plain)-1], samples[:3], true},
		{"stereo cut within a group", riff("fmt ", format(PCM, 2, 8000, 16), "data", pcm[:6]), samples[:2], false},
		{"no samples", riff("fmt ", mono, "data", []byte{}), nil, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, in := range []io.Reader{bytes.NewReader(tt.file), iotest.OneByteReader(bytes.NewReader(tt.file))} {
				f, got, truncated, err := readAll(in)
				if err != nil || f.SampleRate != 8000 || !reflect.DeepEqual(got, tt.want) || truncated != tt.truncated {
					t.Errorf("%+v %v truncated %v, %v; want %v, %v", f, got, truncated, err, tt.want, tt.truncated)
				}
			}
		})
	}
}

func TestReaderRefuses(t *testing.T) {
	mono := format(PCM, 1, 8000, 16)
	for name, tt := range map[string]struct {
		file []byte
		err  error
	}{
		"not riff":             {[]byte("OggS00000000000000000000"), ErrFormat},
		"avi":                  {[]byte("RIFF\x04\x00\x00\x00AVI "), ErrFormat},
		"data before fmt":      {riff("data", []byte{1, 2}), ErrFormat},
		"no data":              {riff("fmt ", mono), ErrFormat},
		"short fmt":            {riff("fmt ", mono[:14], "data", []byte{}), ErrFormat},
		"huge fmt":             {riff("fmt ", make([]byte, 5000), "data", []byte{}), ErrFormat},
		"no channels":          {riff("fmt ", format(PCM, 0, 8000, 16), "data", []byte{}), ErrFormat},
		"nine channels":        {riff("fmt ", format(PCM, 9, 8000, 16), "data", []byte{}), ErrFormat},
		"no rate":              {riff("fmt ", format(PCM, 1, 0, 16), "data", []byte{}), ErrFormat},
		"twelve bits":          {riff("fmt ", format(PCM, 1, 8000, 12), "data", []byte{}), ErrUnsupported},
		"adpcm":                {riff("fmt ", format(0x11, 1, 8000, 4), "data", []byte{}), ErrUnsupported},
		"a chunk past the end": {riff("fmt ", mono, "junk", []byte{1, 2})[:40], ErrFormat},
	} {
		if _, err := NewReader(bytes.NewReader(tt.file)); !errors.Is(err, tt.err) {
			t.Errorf("%s: %v, want %v", name, err, tt.err)
		}
	}
	r, err := NewReader(bytes.NewReader(riff("fmt ", format(PCM, 2, 8000, 16), "data", make([]byte, 8))))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Read(make([]int16, 1)); !errors.Is(err, io.ErrShortBuffer) {
		t.Errorf("room for half a group: %v", err)
	}
}

func TestTruncatedFiles(t *testing.T) {
	file := riff("fmt ", format(PCM, 1, 8000, 16), "LIST", []byte("abc"), "data", make([]byte, 20))
	for n := range file {
		_, samples, _, err := readAll(bytes.NewReader(file[:n]))
		if header := len(file) - 20; (n < header) != errors.Is(err, ErrFormat) || n >= header && len(samples) != (n-header)/2 {
			t.Errorf("%d octets of %d: %d samples, %v", n, len(file), len(samples), err)
		}
	}
}

func TestWriter(t *testing.T) {
	samples := []int16{0, 8, -8, 32124, -32124, 8}
	for _, f := range []Format{{PCM, 8000, 1, 0}, {PCM, 44100, 2, 16}, {ULaw, 8000, 1, 0}, {ALaw, 8000, 2, 0}} {
		path := filepath.Join(t.TempDir(), "x.wav")
		file, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		var stream bytes.Buffer
		for _, out := range []io.Writer{file, &stream} {
			w, err := NewWriter(out, f)
			if err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(w.Write(samples[:2]), w.Write(samples[2:]), w.Close()); err != nil {
				t.Fatal(err)
			}
		}
		if err := file.Close(); err != nil {
			t.Fatal(err)
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := binary.LittleEndian.Uint32(raw[4:]); int(got) != len(raw)-8 {
			t.Errorf("%+v: the file's size says %d of %d", f, got, len(raw)-8)
		}
		if got := binary.LittleEndian.Uint32(stream.Bytes()[40:]); got != math.MaxUint32 {
			t.Errorf("%+v: the stream's size says %d", f, got)
		}
		for name, b := range map[string][]byte{"file": raw, "stream": stream.Bytes()} {
			back, got, truncated, err := readAll(bytes.NewReader(b))
			if err != nil || truncated || back.Encoding != f.Encoding || back.Channels != f.Channels || len(got) != len(samples) {
				t.Fatalf("%s of %+v: %+v %v %v %v", name, f, back, got, truncated, err)
			}
			for i := range samples {
				if d := int(got[i]) - int(samples[i]); f.Encoding == PCM && d != 0 || d > 400 || d < -400 {
					t.Errorf("%s of %+v: sample %d is %d, want %d", name, f, i, got[i], samples[i])
				}
			}
		}
	}
	for _, f := range []Format{{}, {Float, 8000, 1, 32}, {PCM, 8000, 0, 16}, {PCM, 0, 1, 16}} {
		if _, err := NewWriter(io.Discard, f); err == nil {
			t.Errorf("%+v was taken", f)
		}
	}
}

func TestWriterEndsAChain(t *testing.T) {
	var out bytes.Buffer
	w, err := NewWriter(&out, Format{Encoding: ULaw, SampleRate: 8000, Channels: 1})
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []time.Duration{time.Hour, time.Hour + 300*time.Millisecond} {
		if err := w.WritePCM(media.Block{Offset: at, Samples: make([]int16, 80)}); err != nil {
			t.Fatal(err)
		}
	}
	if _, got, _, err := readAll(&out); err != nil || len(got) != 2480 {
		t.Errorf("%d samples, %v", len(got), err)
	}
	stereo, err := NewWriter(io.Discard, Format{Encoding: PCM, SampleRate: 8000, Channels: 2})
	if err != nil {
		t.Fatal(err)
	}
	if err := stereo.WritePCM(media.Block{}); !errors.Is(err, media.ErrRate) {
		t.Errorf("a chain was taken for two channels: %v", err)
	}
}

// TestRecordings reads the shared recordings and compares with the durations in their manifests.
func TestRecordings(t *testing.T) {
	data := os.Getenv("THROUGHLINE_DATA")
	if data == "" {
		data = filepath.Join("..", "..", "..", "shared", "data")
	}
	seen := 0
	for _, set := range []string{"calls_two_channel", "speech_other"} {
		manifest, err := os.ReadFile(filepath.Join(data, set, "manifest.jsonl"))
		if err != nil {
			t.Skip("no ../shared/data beside the repository; set THROUGHLINE_DATA")
		}
		for line := range strings.Lines(string(manifest)) {
			var m struct {
				File           string
				Seconds        float64
				Rate, Channels int
			}
			if err := json.Unmarshal([]byte(line), &m); err != nil {
				t.Fatal(err)
			}
			file, err := os.Open(filepath.Join(data, set, m.File))
			if err != nil {
				t.Fatal(err)
			}
			f, samples, truncated, err := readAll(file)
			file.Close()
			got := float64(len(samples)) / float64(m.Rate*m.Channels)
			if err != nil || truncated || f.SampleRate != m.Rate || f.Channels != m.Channels || math.Abs(got-m.Seconds) > 0.006 {
				t.Errorf("%s: %+v, %.3f s of %.3f, truncated %v, %v", m.File, f, got, m.Seconds, truncated, err)
			}
			seen++
		}
	}
	if seen == 0 {
		t.Error("the manifests name no file")
	}
}

func FuzzReader(f *testing.F) {
	f.Add(riff("fmt ", format(PCM, 1, 8000, 16), "LIST", []byte("abc"), "data", make([]byte, 20)))
	f.Add(riff("fmt ", format(Float, 2, 48000, 64), "data", make([]byte, 64)))
	f.Add(resize(riff("fmt ", format(ULaw, 3, 8000, 8), "data", make([]byte, 10)), 0))
	f.Fuzz(func(t *testing.T, file []byte) {
		form, samples, _, err := readAll(bytes.NewReader(file))
		if err != nil && !errors.Is(err, ErrFormat) && !errors.Is(err, ErrUnsupported) {
			t.Fatal(err)
		}
		if err == nil && len(samples)%form.Channels != 0 {
			t.Fatalf("%d samples of %d channels", len(samples), form.Channels)
		}
	})
}

func BenchmarkRead(b *testing.B) {
	file := riff("fmt ", format(PCM, 1, 8000, 16), "data", make([]byte, 160000))
	buf := make([]int16, 1600)
	for b.Loop() {
		r, err := NewReader(bytes.NewReader(file))
		for err == nil {
			_, err = r.Read(buf)
		}
	}
	b.ReportMetric(10*float64(b.N)/b.Elapsed().Seconds(), "×realtime")
}
