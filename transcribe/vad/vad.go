package vad

import (
	"errors"
	"fmt"

	"throughline/transcribe/onnx"
	"throughline/transcribe/speech"
)

// Frame is the number of samples, at speech.Rate, that give one probability:
// 32 ms.
const Frame = 512

// The network listens at 8 kHz, to every other sample after a low-pass filter.
// There a frame costs a third less than at 16 kHz alone and half as much in a
// batch, and a telephone carries nothing more.
const (
	rate   = 8000
	window = Frame * rate / speech.Rate
)

// overlap is how many samples before a frame the network also reads. Without
// them it hears almost no speech at 8 kHz (mean probability 0.05 instead of
// 0.44).
const overlap = 32

// memory is the size of the network's recurrent state, two layers of it.
const memory = 128

// MaxBatch is the most legs that are computed together; beyond it a batch
// gains nothing more.
const MaxBatch = 32

// Detector is the loaded network. It is safe for use by many goroutines.
type Detector struct {
	session *onnx.Session
	rate    onnx.Value
	taps    [halfTaps]float32
}

// Leg is what the network remembers of one leg's audio. The zero value is a
// leg that has heard nothing. A leg is used by one goroutine at a time.
type Leg struct {
	state [2 * memory]float32
	tail  [overlap]float32
	half  halver
}

// Open reads silero_vad_v5.onnx, or a later network with the same inputs.
func Open(rt *onnx.Runtime, path string) (*Detector, error) {
	session, err := rt.Open(path, []string{"input", "state", "sr"}, []string{"output", "stateN"})
	if err != nil {
		return nil, fmt.Errorf("load voice activity: %w", err)
	}
	hertz, err := onnx.NewScalar(rate)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("load voice activity: %w", err), session.Close())
	}
	return &Detector{session: session, rate: hertz, taps: halfBand()}, nil
}

// Close frees the network. No call to Detect may be in progress.
func (d *Detector) Close() error {
	onnx.Release(d.rate)
	return d.session.Close()
}

// Detect listens to the next frame of each leg and writes the probabilities of
// speech, in [0, 1], to out. frames holds Frame samples at speech.Rate for each
// leg, one leg after the other. After an error the frame is as if unheard.
func (d *Detector) Detect(legs []*Leg, frames, out []float32) error {
	n := len(legs)
	if len(frames) != n*Frame || len(out) < n {
		return fmt.Errorf("detect speech: %d samples and %d results for %d legs of %d", len(frames), len(out), n, Frame)
	}
	if n == 0 {
		return nil
	}
	const row = overlap + window
	input := make([]float32, n*row)
	state := make([]float32, 2*n*memory)
	halves := make([]halver, n)
	for i, leg := range legs {
		copy(input[i*row:], leg.tail[:])
		halves[i] = leg.half
		halves[i].halve(&d.taps, input[i*row+overlap:(i+1)*row], frames[i*Frame:(i+1)*Frame])
		copy(state[i*memory:], leg.state[:memory])
		copy(state[(n+i)*memory:(n+i+1)*memory], leg.state[memory:])
	}
	probabilities, next, err := d.run(n, input, state)
	if err != nil {
		return fmt.Errorf("detect speech: %w", err)
	}
	copy(out, probabilities)
	for i, leg := range legs {
		copy(leg.state[:memory], next[i*memory:])
		copy(leg.state[memory:], next[(n+i)*memory:])
		copy(leg.tail[:], input[(i+1)*row-overlap:])
		leg.half = halves[i]
	}
	return nil
}

func (d *Detector) run(n int, input, state []float32) (probabilities, next []float32, err error) {
	in, err := onnx.NewFloats(input, int64(n), overlap+window)
	if err != nil {
		return nil, nil, err
	}
	defer onnx.Release(in)
	st, err := onnx.NewFloats(state, 2, int64(n), memory)
	if err != nil {
		return nil, nil, err
	}
	defer onnx.Release(st)
	outputs, err := d.session.Run(in, st, d.rate)
	if err != nil {
		return nil, nil, err
	}
	defer onnx.Release(outputs...)
	for i, want := range []int{n, 2 * n * memory} {
		t, err := onnx.AsFloats(outputs[i])
		if err != nil {
			return nil, nil, err
		}
		data := t.GetData()
		if len(data) != want {
			return nil, nil, fmt.Errorf("read output %d: %d numbers, want %d", i, len(data), want)
		}
		if i == 0 {
			probabilities = data
		} else {
			next = data
		}
	}
	return probabilities, next, nil
}
