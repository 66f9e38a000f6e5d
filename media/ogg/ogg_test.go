package ogg

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"throughline/media"
	"throughline/media/codec"
)

func golden(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// packets copies every packet of a file.
func packets(in io.Reader) (all [][]byte, r *Reader, err error) {
	if r, err = NewReader(in); err != nil {
		return nil, nil, err
	}
	for {
		p, _, err := r.Next()
		if err == io.EOF {
			return all, r, nil
		}
		if err != nil {
			return all, r, err
		}
		all = append(all, append([]byte(nil), p...))
	}
}

// TestDecodeLikeLibopus compares with libopus, sample for sample and in place. Two conforming
// decoders differ by roundings (RFC 6716 §6); 45 dB is far below what a listener or a recogniser
// notices.
func TestDecodeLikeLibopus(t *testing.T) {
	raw := golden(t, "chirp.48k.s16le")
	want := make([]int16, len(raw)/2)
	for i := range want {
		want[i] = int16(binary.LittleEndian.Uint16(raw[2*i:]))
	}
	out := &media.Samples{SampleRate: 48000}
	d, err := Decode(bytes.NewReader(golden(t, "chirp.ogg")), out)
	if err != nil || d != 400*time.Millisecond || len(out.PCM) != len(want) {
		t.Fatalf("%v, %d samples, want %d, %v", d, len(out.PCM), len(want), err)
	}
	var signal, noise float64
	for i, v := range out.PCM {
		signal += float64(want[i]) * float64(want[i])
		noise += (float64(want[i]) - float64(v)) * (float64(want[i]) - float64(v))
	}
	if db := 10 * math.Log10(signal/noise); db < 45 {
		t.Errorf("only %.1f dB like libopus", db)
	} else {
		t.Logf("%.1f dB like libopus", db)
	}
}

func TestDecodeRates(t *testing.T) {
	for _, rate := range []int{8000, 16000, 24000, 48000} {
		out := &media.Samples{SampleRate: rate}
		d, err := Decode(iotest.HalfReader(bytes.NewReader(golden(t, "chirp.ogg"))), out)
		if err != nil || d != 400*time.Millisecond || len(out.PCM) != rate*2/5 {
			t.Errorf("%d Hz: %v, %d samples, %v", rate, d, len(out.PCM), err)
		}
	}
	if _, err := Decode(bytes.NewReader(golden(t, "chirp.ogg")), &media.Samples{SampleRate: 44100}); !errors.Is(err, media.ErrRate) {
		t.Errorf("a rate that opus does not give: %v", err)
	}
}

// TestRoundTrip writes packets of every length that lacing treats differently, and reads them back.
func TestRoundTrip(t *testing.T) {
	var file bytes.Buffer
	w, err := NewWriter(&file, Head{Channels: 1, PreSkip: 312, InputRate: 16000, Gain: -256}, 7)
	if err != nil {
		t.Fatal(err)
	}
	var want [][]byte
	for i, n := range []int{1, 254, 255, 256, 509, 510, 511, 61440, 3, 40000, 30000, 2} {
		p := bytes.Repeat([]byte{byte(i)}, n)
		p[0] = 9 << 3
		want = append(want, p)
	}
	for range 120 {
		want = append(want, []byte{9 << 3, 1, 2})
	}
	for _, p := range want {
		if err := w.WritePacket(p); err != nil {
			t.Fatal(err)
		}
	}
	for _, bad := range [][]byte{nil, {3, 0}, append([]byte{9 << 3}, make([]byte, maxPacket)...)} {
		if err := w.WritePacket(bad); !errors.Is(err, codec.ErrPayload) && !errors.Is(err, ErrFormat) {
			t.Errorf("%d octets were taken: %v", len(bad), err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	got, r, err := packets(iotest.OneByteReader(&file))
	if err != nil || len(got) != len(want) || r.Damaged() != 0 {
		t.Fatalf("%d packets, want %d, %d pages damaged, %v", len(got), len(want), r.Damaged(), err)
	}
	for i := range want {
		if !bytes.Equal(got[i], want[i]) {
			t.Errorf("packet %d of %d octets differs", i, len(want[i]))
		}
	}
	if h := (Head{Channels: 1, PreSkip: 312, InputRate: 16000, Gain: -256}); r.Head() != h {
		t.Errorf("head %+v", r.Head())
	}
}

// TestPacketOverPages joins a packet that is split over three pages, and drops one whose beginning
// was lost with its page.
func TestPacketOverPages(t *testing.T) {
	build := func(damage int) []byte {
		var file bytes.Buffer
		w, err := NewWriter(&file, Head{Channels: 1}, 7)
		if err != nil {
			t.Fatal(err)
		}
		flush := func(flags byte, lacing []byte, body []byte) {
			at := file.Len()
			w.lacing, w.body = append(w.lacing, lacing...), append(w.body, body...)
			if err := w.flush(flags); err != nil {
				t.Fatal(err)
			}
			if damage == at {
				file.Bytes()[at+40] ^= 1
			}
		}
		full := bytes.Repeat([]byte{9 << 3}, 255)
		flush(0, []byte{2, 255}, append([]byte{9 << 3, 1}, full...))
		flush(continued, []byte{255}, full)
		flush(continued|last, []byte{4, 3}, []byte{1, 2, 3, 4, 9 << 3, 5, 6})
		return file.Bytes()
	}
	got, r, err := packets(bytes.NewReader(build(-1)))
	if err != nil || len(got) != 3 || len(got[1]) != 514 || r.Damaged() != 0 {
		t.Errorf("whole: %d packets, %v", len(got), err)
	}
	whole := build(-1)
	second := bytes.Index(whole[28+19+28+27:], []byte("OggS")) + 28 + 19 + 28 + 27
	got, r, err = packets(bytes.NewReader(build(second)))
	if err != nil || len(got) != 1 || len(got[0]) != 3 || r.Damaged() == 0 {
		t.Errorf("damaged: %d packets, %d pages damaged, %v", len(got), r.Damaged(), err)
	}
}

func TestOtherStreamsArePassedOver(t *testing.T) {
	note := golden(t, "chirp.ogg")
	var other bytes.Buffer
	w := &Writer{out: &other, pages: pages{crc: crcTable()}, serial: 99}
	w.add([]byte("fishead\x00 of another kind"))
	if err := w.flush(first); err != nil {
		t.Fatal(err)
	}
	alone, _, err := packets(bytes.NewReader(note))
	if err != nil {
		t.Fatal(err)
	}
	mixed, r, err := packets(io.MultiReader(strings.NewReader("garbage OggS garbage"), &other, bytes.NewReader(note)))
	if err != nil || len(mixed) != len(alone) || r.Damaged() != 1 {
		t.Errorf("%d packets, want %d, damaged %d, %v", len(mixed), len(alone), r.Damaged(), err)
	}
}

func TestTruncatedFiles(t *testing.T) {
	note := golden(t, "chirp.ogg")
	for n := range note {
		_, err := Decode(bytes.NewReader(note[:n]), &media.Samples{SampleRate: 16000})
		if err != nil && !errors.Is(err, ErrFormat) {
			t.Fatalf("cut to %d octets: %v", n, err)
		}
	}
}

func TestReaderRefuses(t *testing.T) {
	head := func(change func([]byte)) []byte {
		h := append([]byte("OpusHead"), 1, 1, 0, 0, 0x80, 0xbb, 0, 0, 0, 0, 0)
		change(h)
		var file bytes.Buffer
		w := &Writer{out: &file, pages: pages{crc: crcTable()}}
		w.add(h)
		if err := w.flush(first); err != nil {
			t.Fatal(err)
		}
		return file.Bytes()
	}
	for name, file := range map[string][]byte{
		"empty": {}, "wav": []byte("RIFF....WAVEfmt "),
		"version 16": head(func(b []byte) { b[8] = 16 }), "no channels": head(func(b []byte) { b[9] = 0 }),
		"surround": head(func(b []byte) { b[18] = 1 }), "headers only": head(func([]byte) {}),
		"page beginnings only": bytes.Repeat([]byte("OggS\x00\x00"), 20000),
	} {
		if _, err := NewReader(bytes.NewReader(file)); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := NewWriter(io.Discard, Head{Channels: 3}, 1); !errors.Is(err, ErrFormat) {
		t.Errorf("three channels were written: %v", err)
	}
}

// TestVoiceNotes decodes the shared voice notes and compares with the durations in their manifest.
func TestVoiceNotes(t *testing.T) {
	dir := os.Getenv("THROUGHLINE_DATA")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "data")
	}
	dir = filepath.Join(dir, "derived_voice_notes")
	manifest, err := os.ReadFile(filepath.Join(dir, "manifest.jsonl"))
	if err != nil {
		t.Skip("no ../shared/data beside the repository; set THROUGHLINE_DATA")
	}
	seen := 0
	for line := range strings.Lines(string(manifest)) {
		var m struct {
			File    string
			Seconds float64
		}
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatal(err)
		}
		file, err := os.Open(filepath.Join(dir, m.File))
		if err != nil {
			t.Fatal(err)
		}
		out := &media.Samples{SampleRate: 16000}
		d, err := Decode(file, out)
		file.Close()
		if err != nil || math.Abs(d.Seconds()-m.Seconds) > 0.01 || len(out.PCM) == 0 {
			t.Errorf("%s: %v of %.3f s, %v", m.File, d, m.Seconds, err)
		}
		seen++
	}
	if seen == 0 {
		t.Error("the manifest names no file")
	}
}

func FuzzDecode(f *testing.F) {
	note := golden(f, "chirp.ogg")
	f.Add(note)
	f.Add(note[:200])
	f.Fuzz(func(t *testing.T, file []byte) {
		_, err := Decode(bytes.NewReader(file), &media.Samples{SampleRate: 8000})
		if err != nil && !errors.Is(err, ErrFormat) && !errors.Is(err, media.ErrTooLong) {
			t.Fatal(err)
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	note := golden(b, "chirp.ogg")
	for b.Loop() {
		if _, err := Decode(bytes.NewReader(note), &media.Samples{SampleRate: 16000}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(0.4*float64(b.N)/b.Elapsed().Seconds(), "×realtime")
}

// TestStereoIsParted hears each voice on its own channel, and both where they are mixed.
func TestStereoIsParted(t *testing.T) {
	for _, rate := range []int{8000, 16000, 48000} {
		r, err := NewReader(bytes.NewReader(golden(t, "two-voices.ogg")))
		if err != nil || r.Head().Channels != 2 {
			t.Fatalf("%+v, %v", r.Head(), err)
		}
		s, err := NewSamples(r, rate, 2)
		if err != nil {
			t.Fatal(err)
		}
		var energy [2][2]float64 // by half and channel
		n := 0
		for {
			part, err := s.Next()
			if err == io.EOF {
				break
			}
			if err != nil || len(part)%2 != 0 {
				t.Fatalf("%d samples, %v", len(part), err)
			}
			for i, v := range part {
				half := min(2*(n+i)/(2*rate*8/10), 1)
				energy[half][(n+i)%2] += float64(v) * float64(v)
			}
			n += len(part)
		}
		if n != 2*rate*8/10 {
			t.Errorf("%d Hz: %d samples of 0.8 s", rate, n)
		}
		for half, loud := range []int{0, 1} {
			if apart := 10 * math.Log10(energy[half][loud]/energy[half][1-loud]); apart < 20 {
				t.Errorf("%d Hz: the voices are %.1f dB apart in half %d", rate, apart, half+1)
			}
		}
	}
}
