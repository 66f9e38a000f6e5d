package transcribe

import (
	"math"
	"time"

	"throughline/event"
	"throughline/media"
	"throughline/media/acoustic"
	"throughline/media/measure"
	"throughline/transcribe/speech"
)

const (
	// slot is the grain in which a leg's level is kept.
	slot = 100 * time.Millisecond
	// slots is how far back levels are kept: five times the longest utterance.
	slots = 600

	// voiceRate is the rate at which a voice is kept: a telephone carries no more.
	voiceRate = 8000
	// mostVoice bounds the voice kept while finals are slow. Turns whose voice is
	// gone have no acoustics.
	mostVoice = 40 * time.Second
)

// levels is how loud a leg was lately.
type levels struct {
	first  int64 // number of the first slot since media time zero
	energy []float32
}

// add takes a block of samples that was heard.
func (l *levels) add(b media.Block) {
	at := media.DurationTicks(b.Offset, speech.Rate)
	const width = int64(slot / sample)
	for _, v := range b.Samples {
		n := at / width
		if end := l.first + int64(len(l.energy)); n < l.first || n > end+slots {
			l.first, l.energy = n, l.energy[:0]
		}
		for l.first+int64(len(l.energy)) <= n {
			l.energy = append(l.energy, 0)
		}
		f := float32(v) / 32768
		l.energy[n-l.first] += f * f / float32(width)
		at++
	}
	if over := len(l.energy) - slots; over > slots/4 {
		l.energy = l.energy[:copy(l.energy, l.energy[over:])]
		l.first += int64(over)
	}
}

// seconds gives the level of each second from begin to end, in dB of full scale.
func (l *levels) seconds(begin, end time.Duration) []float64 {
	var out []float64
	for from := int64(begin / slot); from < int64(end/slot); from += int64(time.Second / slot) {
		sum, n := 0.0, 0
		for i := from; i < min(from+int64(time.Second/slot), int64(end/slot)); i++ {
			if k := i - l.first; k >= 0 && k < int64(len(l.energy)) && l.energy[k] > 0 {
				sum += float64(l.energy[k])
				n++
			}
		}
		if n > 0 {
			out = append(out, 10*math.Log10(sum/float64(n)+1e-12))
		}
	}
	return out
}

// stretch is a voice without a hole.
type stretch struct {
	from time.Duration
	pcm  []int16
}

func (v *stretch) end() time.Duration {
	return v.from + media.TicksDuration(int64(len(v.pcm)), voiceRate)
}

// voice keeps what a customer said until it has been measured: the stretch that
// goes on, and the one before a hole, whose final may still be on its way.
type voice struct {
	now, earlier stretch
}

// add takes a block. What nobody said is kept as silence.
func (v *voice) add(b media.Block) {
	if hole := b.Offset - v.now.end(); len(v.now.pcm) == 0 || hole > slot || hole < -slot {
		if len(v.now.pcm) > 0 {
			v.earlier = v.now
		}
		v.now = stretch{from: b.Offset}
	}
	for i := 0; i+1 < len(b.Samples); i += 2 {
		// The mean of two neighbours is low-pass enough to measure a pitch.
		s := int16((int(b.Samples[i]) + int(b.Samples[i+1])) / 2)
		if b.Origin != media.Heard {
			s = 0
		}
		v.now.pcm = append(v.now.pcm, s)
	}
}

// forget drops what was before a time.
func (v *voice) forget(before time.Duration) {
	if v.earlier.end() <= before {
		v.earlier = stretch{}
	}
	before = max(before, v.now.end()-mostVoice)
	n := int(media.DurationTicks(before-v.now.from, voiceRate))
	if n < voiceRate {
		return // moving is not free
	}
	n = min(n, len(v.now.pcm))
	v.now.from += media.TicksDuration(int64(n), voiceRate)
	v.now.pcm = append([]int16(nil), v.now.pcm[n:]...)
}

// between copies what was said, nil when some of it is gone.
func (v *voice) between(begin, end time.Duration) []int16 {
	for _, s := range []*stretch{&v.now, &v.earlier} {
		if begin < s.from || end > s.end()+slot {
			continue
		}
		from := int(media.DurationTicks(begin-s.from, voiceRate))
		to := min(int(media.DurationTicks(end-s.from, voiceRate)), len(s.pcm))
		if from < to {
			return append([]int16(nil), s.pcm[from:to]...)
		}
	}
	return nil
}

// observe measures how a turn was spoken: what anybody could hear, never what
// the speaker might feel.
func observe(s *acoustic.Speaker, pcm []int16, words int) (*event.Acoustics, []acoustic.Deviation) {
	if err := s.WritePCM(media.Block{Samples: pcm}); err != nil {
		return nil, nil
	}
	f, against, ok := s.Turn(words)
	if !ok {
		return nil, nil
	}
	a := &event.Acoustics{Loudness: measure.Loudness(f.Level), PauseShare: f.PauseShare, ObservedOnly: true}
	for _, v := range []struct {
		to   *float64
		from *float64
	}{
		{&a.PitchHz, f.Pitch}, {&a.WordsPerMin, f.WordRate},
		{&a.PitchShift, against.PitchShift}, {&a.LoudnessUp, against.LevelShift},
	} {
		if v.from != nil {
			*v.to = *v.from
		}
	}
	return a, against.Deviations
}
