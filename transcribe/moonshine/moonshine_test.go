package moonshine_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"throughline/transcribe/internal/corpus"
	"throughline/transcribe/moonshine"
	"throughline/transcribe/speech"
	"throughline/transcribe/wer"
)

// TestWordErrorRate holds the model to what was measured: about 6 % clean and
// 8 % over the telephone on a wider set. The set is small, so the bounds leave
// room for a handful of words. Lines with loss are in package segment.
func TestWordErrorRate(t *testing.T) {
	r := corpus.Moonshine(t)
	clips := corpus.Clips(t, "asr_refs_small")
	for _, c := range []struct {
		name string
		line func(pcm []float32) []float32
		most float64
	}{
		{"clean", func(pcm []float32) []float32 { return pcm }, 0.10},
		{"mulaw", func(pcm []float32) []float32 { return corpus.Telephone(t, pcm, 0, 1, 0) }, 0.15},
	} {
		var sum wer.Counts
		for _, clip := range clips {
			res, err := r.Recognise(context.Background(), c.line(clip.PCM), speech.Options{})
			if err != nil {
				t.Fatal(err)
			}
			sum = sum.Add(wer.Score(clip.Text, res.Text))
		}
		t.Logf("one-shot %s: %v", c.name, sum)
		if sum.Rate() > c.most {
			t.Errorf("%s: word error rate %v, at most %.0f %%", c.name, sum, 100*c.most)
		}
	}
}

func TestNoSpeech(t *testing.T) {
	r := corpus.Moonshine(t)
	for _, clip := range corpus.Clips(t, "speech_other") {
		if clip.File != "noise2.wav" && clip.File != "noise3.wav" {
			continue
		}
		res, err := r.Recognise(context.Background(), clip.PCM[:5*speech.Rate], speech.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if !res.NoSpeech || res.Text != "" {
			t.Errorf("%s: words were heard in noise", clip.File)
		}
	}
	res, err := r.Recognise(context.Background(), nil, speech.Options{})
	if err != nil || !res.NoSpeech {
		t.Errorf("no samples: %+v, %v", res, err)
	}
}

// TestDraft checks that a draft, right or wrong, does not mislead: the text
// stays what plain decoding gives, but for the odd comma.
func TestDraft(t *testing.T) {
	r := corpus.Moonshine(t)
	ctx := context.Background()
	var sum, drafted, own wer.Counts
	for i, clip := range corpus.Clips(t, "asr_refs_small") {
		half, err := r.Recognise(ctx, clip.PCM[:len(clip.PCM)/2], speech.Options{})
		if err != nil {
			t.Fatal(err)
		}
		draft := half.Tokens
		if i%3 == 0 {
			draft = append([]int64{5, 31000, 77}, draft...)
		}
		plain, err := r.Recognise(ctx, clip.PCM, speech.Options{})
		if err != nil {
			t.Fatal(err)
		}
		verified, err := r.Recognise(ctx, clip.PCM, speech.Options{Draft: draft})
		if err != nil {
			t.Fatal(err)
		}
		sum = sum.Add(wer.Score(clip.Text, plain.Text))
		drafted = drafted.Add(wer.Score(clip.Text, verified.Text))
		again, err := r.Recognise(ctx, clip.PCM, speech.Options{Draft: plain.Tokens})
		if err != nil {
			t.Fatal(err)
		}
		own = own.Add(wer.Score(plain.Text, again.Text))
	}
	t.Logf("plain %v, draft-verified %v, own result as draft %v", sum, drafted, own)
	if own.Rate() > 0.03 {
		t.Errorf("the model rejects its own result as a draft: %v", own)
	}
	if math.Abs(sum.Rate()-drafted.Rate()) > 0.03 {
		t.Errorf("draft changes the word error rate from %v to %v", sum, drafted)
	}
}

// TestShared decodes on many goroutines at once and expects what one alone
// gives.
func TestShared(t *testing.T) {
	r := corpus.Moonshine(t)
	clips := corpus.Clips(t, "asr_refs_small")[:6]
	want := make([]string, len(clips))
	for i, c := range clips {
		res, err := r.Recognise(context.Background(), c.PCM, speech.Options{})
		if err != nil {
			t.Fatal(err)
		}
		want[i] = res.Text
	}
	var wg sync.WaitGroup
	for range 3 {
		for i, c := range clips {
			wg.Go(func() {
				res, err := r.Recognise(context.Background(), c.PCM, speech.Options{})
				if err != nil || res.Text != want[i] {
					t.Errorf("clip %d differs when decoded beside others: %v", i, err)
				}
			})
		}
	}
	wg.Wait()
}

// TestPrepare makes the edited networks anew, with both kinds of weights, by
// several at once: all open, hear the same, and leave no other file.
func TestPrepare(t *testing.T) {
	rt := corpus.Runtime(t)
	clip := corpus.Clips(t, "asr_refs_small")[0]
	files := corpus.MoonshineFiles(t)
	files.Cache = t.TempDir()
	for _, signed := range []bool{false, true} {
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() {
				r, err := moonshine.OpenWith(rt, moonshine.Config{Files: files}, signed)
				if err != nil {
					t.Error(err)
					return
				}
				defer r.Close()
				res, err := r.Recognise(context.Background(), clip.PCM, speech.Options{})
				if err != nil || wer.Score(clip.Text, res.Text).Rate() > 0.15 {
					t.Errorf("signed %v: %v, %v", signed, wer.Score(clip.Text, res.Text), err)
				}
			})
		}
		wg.Wait()
	}
	entries, err := os.ReadDir(files.Cache)
	if err != nil || len(entries) != 5 {
		t.Errorf("%d files in the cache, want 5: %v", len(entries), err)
	}
	files.Cache = filepath.Join(files.Cache, "absent")
	if _, err := moonshine.Open(rt, moonshine.Config{Files: files}); err == nil {
		t.Error("a cache folder that is not there was accepted")
	}
}

func TestRefusals(t *testing.T) {
	r := corpus.Moonshine(t)
	_, err := r.Recognise(context.Background(), make([]float32, moonshine.Longest+1), speech.Options{})
	if !errors.Is(err, speech.ErrPermanent) {
		t.Errorf("too long an utterance: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	noise := make([]float32, 2*speech.Rate)
	for i := range noise {
		noise[i] = float32(math.Sin(float64(i)))
	}
	if _, err := r.Recognise(ctx, noise, speech.Options{}); err != nil && !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	files := corpus.MoonshineFiles(t)
	files.Decoder = files.Vocabulary
	files.Cache = t.TempDir()
	if _, err := moonshine.Open(corpus.Runtime(t), moonshine.Config{Files: files}); err == nil {
		t.Error("a decoder that is no network was accepted")
	}
}

// BenchmarkRecognise gives the time for an utterance of each length, made of
// real speech.
func BenchmarkRecognise(b *testing.B) {
	r := corpus.Moonshine(b)
	var pcm []float32
	for _, c := range corpus.Clips(b, "asr_refs_small") {
		pcm = append(pcm, c.PCM...)
	}
	for _, seconds := range []int{1, 3, 5, 10} {
		b.Run(fmt.Sprintf("%ds", seconds), func(b *testing.B) {
			for b.Loop() {
				if _, err := r.Recognise(b.Context(), pcm[:seconds*speech.Rate], speech.Options{}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(b.Elapsed().Seconds()/float64(b.N)/float64(seconds), "s/speech-s")
		})
	}
}

// TestBefore puts the hardest before a recording, another speaker with something
// else, and still expects its words: 15.5 % are wrong, and 28 % without hearing
// it alone where the model was misled. Noise after speech stays without words,
// and what is too long together is heard alone.
func TestBefore(t *testing.T) {
	r := corpus.Moonshine(t)
	hear := func(pcm []float32, before *speech.Heard) speech.Result {
		t.Helper()
		res, err := r.Recognise(context.Background(), pcm, speech.Options{Before: before})
		if err != nil {
			t.Fatal(err)
		}
		return res
	}
	var last *speech.Heard
	var sum wer.Counts
	for _, clip := range corpus.Clips(t, "asr_refs_small") {
		res := hear(clip.PCM, last)
		sum = sum.Add(wer.Score(clip.Text, res.Text))
		last = &speech.Heard{PCM: clip.PCM, Tokens: res.Tokens}
	}
	t.Logf("each after the one before: %v", sum)
	if sum.Rate() > 0.2 {
		t.Errorf("word error rate after another sentence %v, at most 20 %%", sum)
	}
	for _, clip := range corpus.Clips(t, "speech_other") {
		if clip.File != "noise2.wav" && clip.File != "noise3.wav" {
			continue
		}
		if res := hear(clip.PCM[:2*speech.Rate], last); !res.NoSpeech {
			t.Errorf("%s: words were heard in noise after speech", clip.File)
		}
	}
	clip := corpus.Clips(t, "asr_refs_small")[0]
	long := &speech.Heard{PCM: make([]float32, moonshine.Longest), Tokens: last.Tokens}
	if got, want := hear(clip.PCM, long).Text, hear(clip.PCM, nil).Text; got != want {
		t.Errorf("after too much: %q, want %q", got, want)
	}
}
