package line

import (
	"math"
	"testing"

	"throughline/media"
	"throughline/media/decode"
)

func TestLosses(t *testing.T) {
	for _, l := range []Line{{}, {Loss: 0.05}, {Loss: 0.05, Burst: 4}, {Loss: 0.2, Burst: 10}, {Loss: 1}} {
		const n = 400_000
		drop := l.dropper(7)
		lost, runs, before := 0, 0, false
		for range n {
			now := drop()
			if now {
				lost++
				if !before {
					runs++
				}
			}
			before = now
		}
		if share := float64(lost) / n; math.Abs(share-l.Loss) > 0.01 {
			t.Errorf("%+v: %.3f lost", l, share)
		}
		if l.Burst > 1 {
			if mean := float64(lost) / float64(runs); math.Abs(mean-l.Burst) > 0.05*l.Burst {
				t.Errorf("%+v: %.2f in a row", l, mean)
			}
		}
	}
}

// TestSend loses some of a tone and keeps its time.
func TestSend(t *testing.T) {
	tone := make([]int16, 16000)
	for i := range tone {
		tone[i] = int16(8000 * math.Sin(float64(i)/3))
	}
	for _, l := range []Line{{}, {Loss: 0.1, Burst: 3}, {Telephone: true, Loss: 0.1}} {
		out := &media.Samples{SampleRate: l.Format().ClockRate}
		d, err := decode.New(decode.Config{}, out)
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Send(tone, 1, d); err != nil {
			t.Fatal(err)
		}
		if hidden := d.Stats().Concealed > 0; hidden != (l.Loss > 0) {
			t.Errorf("%+v: %v concealed", l, d.Stats().Concealed)
		}
		if got := len(out.PCM); got > len(tone) || got < len(tone)*8/10 {
			t.Errorf("%+v: %d samples of %d", l, got, len(tone))
		}
	}
}
