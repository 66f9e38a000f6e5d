package acoustic

import (
	"fmt"
	"math"
	"slices"
	"time"

	"throughline/media"
)

const (
	// maxFrames bounds a turn to three minutes; what is longer is measured by its beginning.
	maxFrames = 9000
	// activeRange is how far below the turn's loud frames (95th percentile) a frame still counts as
	// speech. Telephone speech spans about 25 dB from vowels to soft consonants.
	activeRange = 25
	// silenceFloor is the level below which no frame is speech.
	silenceFloor = -60
	// shortestPause is the least silence within a turn that listeners hear as a pause: stop
	// consonants close for up to 0.2 s (F. Goldman-Eisler's limit is 0.25 s).
	shortestPause = 250 * time.Millisecond
	frameTime     = 20 * time.Millisecond
)

// Features describe one turn. A nil field could not be measured.
type Features struct {
	Speech       time.Duration // active speech, without pauses
	Level        float64       // dB of full scale, mean power of active speech
	Pitch        *float64      // Hz, median of voiced frames
	PitchRange   *float64      // semitones from the 10th to the 90th percentile
	SyllableRate *float64      // syllable nuclei per second of active speech
	WordRate     *float64      // words per minute of active speech, where words are known
	Pauses       int           // of 0.25 s and more, within the turn
	PauseShare   float64       // of the turn's time from its first to its last sound
}

// Speaker measures one person's turns. It is a link of a chain, and keeps numbers only. It is for
// one goroutine.
type Speaker struct {
	factor   int // input samples per sample of analysis
	pending  []float32
	sum      float32 // of input samples not yet averaged
	summed   int
	levels   []float32 // dB per frame of this turn
	pitches  []float32 // Hz per frame, 0 for unvoiced
	baseline baseline
}

// NewSpeaker takes audio at a multiple of 8 kHz, up to 48 kHz.
func NewSpeaker(sampleRate int) (*Speaker, error) {
	if sampleRate < rate || sampleRate > 48000 || sampleRate%rate != 0 {
		return nil, fmt.Errorf("new speaker: %d Hz: want a multiple of %d up to 48000: %w", sampleRate, rate, media.ErrRate)
	}
	return &Speaker{factor: sampleRate / rate}, nil
}

// Rate is the sample rate that WritePCM takes.
func (s *Speaker) Rate() int { return s.factor * rate }

// String prints the end of a chain.
func (s *Speaker) String() string { return fmt.Sprintf("acoustics at %d Hz", s.Rate()) }

// WritePCM measures a block of the turn at hand. Blocks that nobody spoke break the analysis and
// are not measured.
func (s *Speaker) WritePCM(b media.Block) error {
	if b.Origin != media.Heard {
		s.pending = s.pending[:0]
		return nil
	}
	for _, v := range b.Samples {
		s.sum += float32(v)
		if s.summed++; s.summed == s.factor {
			// Averaging neighbours is low-pass enough: what folds back lies far above any pitch.
			s.pending = append(s.pending, s.sum/float32(s.factor)/32768)
			s.sum, s.summed = 0, 0
		}
	}
	at := 0
	for ; at+frame <= len(s.pending) && len(s.levels) < maxFrames; at += hop {
		s.measure(s.pending[at : at+frame])
	}
	if len(s.levels) >= maxFrames {
		at = len(s.pending)
	}
	s.pending = s.pending[:copy(s.pending, s.pending[at:])]
	return nil
}

// measure adds a frame.
func (s *Speaker) measure(x []float32) {
	power := 0.0
	for _, v := range x[:hop] {
		power += float64(v) * float64(v)
	}
	level := 10 * math.Log10(power/hop+1e-12)
	hz := 0.0
	if level > silenceFloor {
		hz = pitch(x)
	}
	s.levels = append(s.levels, float32(level))
	s.pitches = append(s.pitches, float32(hz))
}

// Discard drops the turn at hand: noise, another voice.
func (s *Speaker) Discard() {
	s.levels, s.pitches, s.pending = s.levels[:0], s.pitches[:0], s.pending[:0]
	s.sum, s.summed = 0, 0
}

// Turn ends the turn at hand. It gives its features and how they differ from the speaker's turns
// before, then adds them to the baseline. Words may be 0 when unknown. It reports false when there
// was no speech to measure.
func (s *Speaker) Turn(words int) (Features, Comparison, bool) {
	defer s.Discard()
	f, ok := s.features(words)
	if !ok {
		return Features{}, Comparison{}, false
	}
	against := s.baseline.compare(f)
	s.baseline.add(f)
	return f, against, true
}

func (s *Speaker) features(words int) (Features, bool) {
	if len(s.levels) < 5 { // a tenth of a second is no turn
		return Features{}, false
	}
	loud := percentile(s.levels, 0.95)
	threshold := max(loud-activeRange, silenceFloor)
	if loud <= silenceFloor {
		return Features{}, false
	}
	var f Features
	first, last, active := -1, 0, 0
	power := 0.0
	var voiced []float32
	for i, l := range s.levels {
		if l < threshold {
			continue
		}
		if first < 0 {
			first = i
		}
		last = i
		active++
		power += math.Pow(10, float64(l)/10)
		if s.pitches[i] > 0 {
			voiced = append(voiced, s.pitches[i])
		}
	}
	f.Speech = time.Duration(active) * frameTime
	f.Level = 10 * math.Log10(power/float64(active))
	s.pauses(&f, first, last, threshold)
	if len(voiced) >= 10 {
		median := float64(percentile(voiced, 0.5))
		spread := 12 * math.Log2(float64(percentile(voiced, 0.9))/float64(percentile(voiced, 0.1)))
		f.Pitch, f.PitchRange = &median, &spread
	}
	if f.Speech >= 500*time.Millisecond {
		perSecond := float64(s.nuclei(threshold)) / f.Speech.Seconds()
		f.SyllableRate = &perSecond
		if words > 0 {
			perMinute := float64(words) / f.Speech.Minutes()
			f.WordRate = &perMinute
		}
	}
	return f, true
}

// pauses counts silences between the first and the last sound.
func (s *Speaker) pauses(f *Features, first, last int, threshold float32) {
	silent, run := 0, 0
	for _, l := range s.levels[first : last+1] {
		if l < threshold {
			run++
			continue
		}
		if time.Duration(run)*frameTime >= shortestPause {
			f.Pauses++
			silent += run
		}
		run = 0
	}
	f.PauseShare = float64(silent) / float64(last-first+1)
}

// nuclei counts syllables: voiced peaks of the level with a dip of 2 dB before them (N. de Jong and
// T. Wempe, Behavior Research Methods 41(2), 2009).
func (s *Speaker) nuclei(threshold float32) int {
	const dip = 2
	count := 0
	peak, valley := float32(math.Inf(-1)), float32(math.Inf(1))
	rising, voiced := true, false
	for i := range s.levels {
		l := s.smooth(i)
		if rising {
			if l > peak {
				peak, voiced = l, s.pitches[i] > 0
			}
			if l < peak-dip {
				if peak > threshold && voiced {
					count++
				}
				rising, valley = false, l
			}
			continue
		}
		valley = min(valley, l)
		if l > valley+dip {
			rising, peak, voiced = true, l, s.pitches[i] > 0
		}
	}
	if rising && peak > threshold && voiced {
		count++
	}
	return count
}

// smooth is the mean level of three frames.
func (s *Speaker) smooth(i int) float32 {
	lo, hi := max(i-1, 0), min(i+2, len(s.levels))
	sum := float32(0)
	for _, l := range s.levels[lo:hi] {
		sum += l
	}
	return sum / float32(hi-lo)
}

// percentile sorts a copy, so that the frames keep their order.
func percentile(v []float32, p float64) float32 {
	sorted := slices.Clone(v)
	slices.Sort(sorted)
	return sorted[int(p*float64(len(sorted)-1)+0.5)]
}
