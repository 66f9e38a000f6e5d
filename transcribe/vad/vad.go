package vad

import (
	"errors"
	"fmt"

	"throughline/transcribe/onnx"
)

// Rate is the sample rate that the network listens at. At 8 kHz a frame costs
// a third less than at 16 kHz alone and half as much in a batch, and a
// telephone carries nothing more.
const Rate = 8000

// Frame is the number of samples that give one probability: 32 ms.
const Frame = 256

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
}

// Leg is what the network remembers of one leg's audio. The zero value is a
// leg that has heard nothing. A leg is used by one goroutine at a time.
type Leg struct {
	state [2 * memory]float32
	tail  [overlap]float32
}

// Open reads silero_vad_v5.onnx, or a later network with the same inputs.
func Open(rt *onnx.Runtime, path string) (*Detector, error) {
	session, err := rt.Open(path, []string{"input", "state", "sr"}, []string{"output", "stateN"})
	if err != nil {
		return nil, fmt.Errorf("load voice activity: %w", err)
	}
	rate, err := onnx.NewScalar(Rate)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("load voice activity: %w", err), session.Close())
	}
	return &Detector{session: session, rate: rate}, nil
}

// Close frees the network. No call to Detect may be in progress.
func (d *Detector) Close() error {
	onnx.Release(d.rate)
	return d.session.Close()
}

// Detect listens to the next frame of each leg and writes the probabilities of
// speech, in [0, 1], to out. frames holds Frame samples for each leg, one leg
// after the other. After an error the legs are as before.
func (d *Detector) Detect(legs []*Leg, frames, out []float32) error {
	n := len(legs)
	if len(frames) != n*Frame || len(out) < n {
		return fmt.Errorf("detect speech: %d samples and %d results for %d legs of %d", len(frames), len(out), n, Frame)
	}
	if n == 0 {
		return nil
	}
	input := make([]float32, 0, n*(overlap+Frame))
	state := make([]float32, 2*n*memory)
	for i, leg := range legs {
		input = append(input, leg.tail[:]...)
		input = append(input, frames[i*Frame:(i+1)*Frame]...)
		copy(state[i*memory:], leg.state[:memory])
		copy(state[(n+i)*memory:(n+i+1)*memory], leg.state[memory:])
	}
	speech, next, err := d.run(n, input, state)
	if err != nil {
		return fmt.Errorf("detect speech: %w", err)
	}
	copy(out, speech)
	for i, leg := range legs {
		copy(leg.state[:memory], next[i*memory:])
		copy(leg.state[memory:], next[(n+i)*memory:])
		copy(leg.tail[:], frames[(i+1)*Frame-overlap:])
	}
	return nil
}

func (d *Detector) run(n int, input, state []float32) (speech, next []float32, err error) {
	in, err := onnx.NewFloats(input, int64(n), overlap+Frame)
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
			speech = data
		} else {
			next = data
		}
	}
	return speech, next, nil
}
