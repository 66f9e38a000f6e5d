package acoustic

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"throughline/media"
)

// syllables synthesises speech-like sound: n pulses of 120 ms voiced at hz, 80 ms apart at −20 dB
// below, at a peak level of full scale times level.
func syllables(n int, hz, level float64, sampleRate int) []int16 {
	var out []int16
	for i := range n {
		for k := range sampleRate / 5 {
			t := float64(k) / float64(sampleRate)
			envelope := 0.1
			if t < 0.12 {
				envelope = 0.1 + 0.9*math.Sin(math.Pi*t/0.12)
			}
			at := float64(i)*0.2 + t
			v := 0.0
			for h := 1.0; h <= 10; h++ {
				v += math.Sin(2*math.Pi*hz*h*at) / h
			}
			out = append(out, int16(32767*level*envelope*v/2))
		}
	}
	return out
}

func speaker(t testing.TB, sampleRate int) *Speaker {
	t.Helper()
	s, err := NewSpeaker(sampleRate)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func say(t testing.TB, s *Speaker, words int, origin media.Origin, parts ...[]int16) (Features, Comparison, bool) {
	t.Helper()
	for _, p := range parts {
		for len(p) > 0 {
			n := min(len(p), 333)
			if err := s.WritePCM(media.Block{Samples: p[:n], Origin: origin}); err != nil {
				t.Fatal(err)
			}
			p = p[n:]
		}
	}
	return s.Turn(words)
}

func TestFeatures(t *testing.T) {
	for _, sampleRate := range []int{8000, 16000, 48000} {
		voices := []float64{80, 120, 210, 330}
		if sampleRate != 8000 {
			voices = voices[1:2]
		}
		for _, hz := range voices {
			silence := make([]int16, sampleRate/2)
			sound := syllables(10, hz, 0.2, sampleRate)
			f, _, ok := say(t, speaker(t, sampleRate), 6, media.Heard, silence, sound, silence, sound, silence)
			if !ok || f.Pitch == nil || f.SyllableRate == nil || f.WordRate == nil {
				t.Fatalf("%d Hz, %v: %+v", sampleRate, hz, f)
			}
			if math.Abs(*f.Pitch-hz) > hz*0.01 || *f.PitchRange > 0.5 {
				t.Errorf("%d Hz: pitch %.1f of %v, range %.2f", sampleRate, *f.Pitch, hz, *f.PitchRange)
			}
			if f.Pauses != 1 || math.Abs(f.PauseShare-0.5/4.5) > 0.03 || math.Abs(f.Speech.Seconds()-4) > 0.2 {
				t.Errorf("%d Hz: %d pauses, share %.3f, speech %v", sampleRate, f.Pauses, f.PauseShare, f.Speech)
			}
			if math.Abs(*f.SyllableRate-5) > 0.6 || math.Abs(*f.WordRate-90) > 6 {
				t.Errorf("%d Hz: %.2f syllables a second, %.1f words a minute", sampleRate, *f.SyllableRate, *f.WordRate)
			}
		}
	}
}

func TestLevelIsInDecibels(t *testing.T) {
	tone := make([]int16, 8000)
	for i := range tone {
		tone[i] = int16(32767 * math.Sin(2*math.Pi*200*float64(i)/8000) / 10)
	}
	f, _, ok := say(t, speaker(t, 8000), 0, media.Heard, tone)
	if want := -20 - 10*math.Log10(2); !ok || math.Abs(f.Level-want) > 0.1 || f.WordRate != nil {
		t.Errorf("level %.2f, want %.2f", f.Level, want)
	}
}

func TestNoiseHasNoPitch(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	noise := make([]int16, 16000)
	for i := range noise {
		noise[i] = int16(random.IntN(8000) - 4000)
	}
	if f, _, ok := say(t, speaker(t, 8000), 0, media.Heard, noise); !ok || f.Pitch != nil {
		t.Errorf("noise: %+v", f)
	}
}

func TestNothingToMeasure(t *testing.T) {
	s := speaker(t, 8000)
	if _, _, ok := say(t, s, 3, media.Heard, make([]int16, 8000)); ok {
		t.Error("silence was measured")
	}
	if _, _, ok := say(t, s, 3, media.Concealed, syllables(10, 120, 0.2, 8000)); ok {
		t.Error("invented sound was measured")
	}
	if _, _, ok := s.Turn(0); ok {
		t.Error("an empty turn was measured")
	}
	for _, r := range []int{0, -8000, 11025, 96000} {
		if _, err := NewSpeaker(r); !errors.Is(err, media.ErrRate) {
			t.Errorf("%d Hz was taken: %v", r, err)
		}
	}
}

func TestComparisonWithTheSpeakersBaseline(t *testing.T) {
	tests := []struct {
		name         string
		sound        []int16
		pitch, level float64 // shifts in semitones and dB
		want         Label
	}{
		{"as ever", syllables(10, 120, 0.2, 8000), 0, 0, ""},
		{"louder", syllables(10, 120, 0.6, 8000), 0, 9.54, Louder},
		{"quieter", syllables(10, 120, 0.06, 8000), 0, -10.46, Quieter},
		{"higher", syllables(10, 170, 0.2, 8000), 6.03, 0, Higher},
		{"lower", syllables(10, 85, 0.2, 8000), -5.97, 0, Lower},
	}
	for _, tt := range tests {
		s := speaker(t, 8000)
		for i := range 5 {
			_, got, ok := say(t, s, 0, media.Heard, syllables(10, 118+float64(i), 0.2, 8000))
			if !ok || got.Deviations != nil || (got.PitchShift != nil) != (i >= settled) {
				t.Errorf("%s: turn %d of the baseline: %+v", tt.name, i, got)
			}
		}
		_, got, _ := say(t, s, 0, media.Heard, tt.sound)
		if math.Abs(*got.PitchShift-tt.pitch) > 0.2 || math.Abs(*got.LevelShift-tt.level) > 0.5 {
			t.Errorf("%s: shifts %.2f, %.2f; want %.2f, %.2f", tt.name, *got.PitchShift, *got.LevelShift, tt.pitch, tt.level)
		}
		if tt.want == "" && len(got.Deviations) > 0 {
			t.Errorf("%s: %v", tt.name, got.Deviations)
		}
		if tt.want != "" && (len(got.Deviations) != 1 || got.Deviations[0].Label != tt.want || got.Deviations[0].Sigma < notable) {
			t.Errorf("%s: %v, want %v", tt.name, got.Deviations, tt.want)
		}
	}
}

func TestLongTurnIsBounded(t *testing.T) {
	s := speaker(t, 8000)
	second := syllables(5, 120, 0.2, 8000)
	for range 200 {
		if err := s.WritePCM(media.Block{Samples: second}); err != nil {
			t.Fatal(err)
		}
	}
	if len(s.levels) > maxFrames || len(s.pending) > frame {
		t.Errorf("%d frames and %d samples are kept", len(s.levels), len(s.pending))
	}
	if f, _, ok := s.Turn(0); !ok || f.Speech > 180*time.Second {
		t.Errorf("speech %v", f.Speech)
	}
}

func FuzzSpeaker(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 0xff, 0x7f}, 3)
	f.Fuzz(func(t *testing.T, raw []byte, words int) {
		s := speaker(t, 8000)
		samples := make([]int16, 0, 4000)
		for i := 0; len(samples) < 4000 && len(raw) > 1; i++ {
			samples = append(samples, int16(raw[i%len(raw)])<<8|int16(raw[(i+1)%len(raw)]))
		}
		got, _, ok := say(t, s, words, media.Heard, samples)
		if ok && (math.IsNaN(got.Level) || got.PauseShare < 0 || got.PauseShare > 1) {
			t.Fatalf("%+v", got)
		}
	})
}

func BenchmarkSpeaker(b *testing.B) {
	s := speaker(b, 16000)
	sound := syllables(5, 120, 0.2, 16000)
	b.ReportAllocs()
	for b.Loop() {
		if err := s.WritePCM(media.Block{Samples: sound}); err != nil {
			b.Fatal(err)
		}
		s.Turn(0)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "×realtime")
}
