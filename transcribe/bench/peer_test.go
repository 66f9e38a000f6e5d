package bench

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"throughline/transcribe/internal/corpus"
	"throughline/transcribe/speech"
	"throughline/transcribe/wer"
)

// rounds is how often each clip is recognised; the best time counts, since
// others may use the machine.
const rounds = 3

// cost is what it takes to recognise all clips once.
type cost struct {
	Wall, CPU float64
	Texts     []string
}

// BenchmarkAgainstPeer recognises the clips of asr_refs_small with Moonshine
// tiny, by its own package in Node and by ours, one after the other, and gives
// the ratios. Run it with -benchtime 1x.
func BenchmarkAgainstPeer(b *testing.B) {
	dir := peer(b)
	clips := corpus.Clips(b, "asr_refs_small")
	r := corpus.Moonshine(b)
	var theirs, ours cost
	for b.Loop() {
		theirs = runPeer(b, dir, clips)
		ours = cost{Texts: make([]string, len(clips))}
		for i, c := range clips {
			wall, used := math.Inf(1), math.Inf(1)
			for range rounds {
				before, start := cpu(), time.Now()
				res, err := r.Recognise(b.Context(), c.PCM, speech.Options{})
				if err != nil {
					b.Fatal(err)
				}
				wall, used = min(wall, time.Since(start).Seconds()), min(used, (cpu()-before).Seconds())
				ours.Texts[i] = res.Text
			}
			ours.Wall, ours.CPU = ours.Wall+wall, ours.CPU+used
		}
	}
	seconds := 0.0
	var ourErrors, theirErrors wer.Counts
	for i, c := range clips {
		seconds += float64(len(c.PCM)) / speech.Rate
		ourErrors = ourErrors.Add(wer.Score(c.Text, ours.Texts[i]))
		theirErrors = theirErrors.Add(wer.Score(c.Text, theirs.Texts[i]))
	}
	b.ReportMetric(theirs.Wall/ours.Wall, "×wall")
	b.ReportMetric(theirs.CPU/ours.CPU, "×cpu")
	b.ReportMetric(ours.Wall/seconds, "s/speech-s")
	b.ReportMetric(theirs.Wall/seconds, "peer-s/speech-s")
	b.ReportMetric(100*ourErrors.Rate(), "%wer")
	b.ReportMetric(100*theirErrors.Rate(), "peer-%wer")
}

// peer installs the package in the user's cache, once, from the lock file.
func peer(b *testing.B) string {
	b.Helper()
	for _, tool := range []string{"node", "npm"} {
		if _, err := exec.LookPath(tool); err != nil {
			b.Skipf("%s is not installed; the peer runs in Node", tool)
		}
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		b.Skip(err)
	}
	dir := filepath.Join(cache, "throughline", "asr-peer")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		b.Skip(err)
	}
	for _, name := range []string{"package.json", "package-lock.json", "peer.mjs"} {
		text, err := os.ReadFile(filepath.Join("node", name))
		if err != nil {
			b.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			b.Skip(err)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "node_modules", "onnxruntime-web")); err == nil {
		return dir
	}
	install := exec.CommandContext(b.Context(), "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	install.Dir = dir
	if out, err := install.CombinedOutput(); err != nil {
		b.Skipf("npm ci: %v\n%s", err, out)
	}
	return dir
}

func runPeer(b *testing.B, dir string, clips []corpus.Clip) cost {
	b.Helper()
	folder := b.TempDir()
	args := []string{"peer.mjs", fmt.Sprint(rounds)}
	for i, c := range clips {
		path := filepath.Join(folder, fmt.Sprintf("%d.f32", i))
		raw := make([]byte, 0, 4*len(c.PCM))
		for _, v := range c.PCM {
			raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
		}
		if err := os.WriteFile(path, raw, 0o600); err != nil {
			b.Fatal(err)
		}
		args = append(args, path)
	}
	cmd := exec.CommandContext(b.Context(), "node", args...)
	cmd.Dir = dir
	out, err := cmd.Output()
	if err != nil {
		// The bundle is one line of two million characters, which Node quotes.
		b.Fatalf("node: %v; see the end of its output: cd %s && node %s", err, dir, args[0])
	}
	// The package logs to the same stream; the result is the last line.
	var c cost
	lines := bytes.Split(bytes.TrimSpace(out), []byte("\n"))
	if err := json.Unmarshal(lines[len(lines)-1], &c); err != nil || len(c.Texts) != len(clips) {
		b.Fatalf("node: no result in %d bytes: %v", len(out), err)
	}
	return c
}

func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
