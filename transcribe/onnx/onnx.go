package onnx

import (
	"errors"
	"fmt"
	"os"

	ort "github.com/yalue/onnxruntime_go"
)

// A Value is a tensor that a session reads or writes. Its memory belongs to
// the native library: every Value is given to Release exactly once.
type Value = ort.Value

// Floats is a tensor of 32-bit floating-point numbers.
type Floats = ort.Tensor[float32]

// Runtime is the loaded native library.
type Runtime struct {
	version string
}

// Load opens the shared library of ONNX Runtime at path. The library keeps one
// environment for a process, so a second Load returns the environment that is
// already there, whatever its path. Call it from the set-up of the process,
// not from many goroutines. The headers in use need release 1.24 or newer.
func Load(path string) (*Runtime, error) {
	if ort.IsInitialized() {
		return &Runtime{version: ort.GetVersion()}, nil
	}
	if _, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("onnx library: %w", err)
	}
	ort.SetSharedLibraryPath(path)
	if err := ort.InitializeEnvironment(ort.WithLogLevelError()); err != nil {
		return nil, fmt.Errorf("onnx library %s: %w", path, err)
	}
	return &Runtime{version: ort.GetVersion()}, nil
}

// Version is the release of the loaded library, such as "1.24.3".
func (r *Runtime) Version() string { return r.version }

// Close unloads the library. No session may be in use, or used afterwards.
func (r *Runtime) Close() error {
	if !ort.IsInitialized() {
		return nil
	}
	return ort.DestroyEnvironment()
}

// Session is a network ready to run. It is safe for use by many goroutines.
type Session struct {
	session         *ort.DynamicAdvancedSession
	inputs, outputs int
}

// Open reads the network at path and fixes the order of its inputs and
// outputs. A session computes on the thread of its caller: on a shared machine
// two threads a call cost twice the processor time for little wall time, so
// parallelism belongs to the callers.
func (r *Runtime) Open(path string, inputs, outputs []string) (*Session, error) {
	s, err := open(inputs, outputs, func(o *ort.SessionOptions) (*ort.DynamicAdvancedSession, error) {
		return ort.NewDynamicAdvancedSession(path, inputs, outputs, o)
	})
	if err != nil {
		return nil, fmt.Errorf("open network %s: %w", path, err)
	}
	return s, nil
}

// OpenBytes is Open of a network that is already in memory, such as one that
// travels inside the program. It keeps no reference to network.
func (r *Runtime) OpenBytes(network []byte, inputs, outputs []string) (*Session, error) {
	s, err := open(inputs, outputs, func(o *ort.SessionOptions) (*ort.DynamicAdvancedSession, error) {
		return ort.NewDynamicAdvancedSessionWithONNXData(network, inputs, outputs, o)
	})
	if err != nil {
		return nil, fmt.Errorf("open network: %w", err)
	}
	return s, nil
}

func open(inputs, outputs []string, load func(*ort.SessionOptions) (*ort.DynamicAdvancedSession, error)) (*Session, error) {
	options, err := ort.NewSessionOptions()
	if err != nil {
		return nil, fmt.Errorf("session options: %w", err)
	}
	defer options.Destroy()
	err = errors.Join(
		options.SetIntraOpNumThreads(1),
		options.SetInterOpNumThreads(1),
		options.SetGraphOptimizationLevel(ort.GraphOptimizationLevelEnableAll),
	)
	if err != nil {
		return nil, fmt.Errorf("session options: %w", err)
	}
	session, err := load(options)
	if err != nil {
		return nil, err
	}
	return &Session{session: session, inputs: len(inputs), outputs: len(outputs)}, nil
}

// Run computes the outputs that follow from the inputs, given in the order of
// Open, and returns them in that order. The caller releases them; it keeps
// ownership of the inputs.
func (s *Session) Run(inputs ...Value) ([]Value, error) {
	if len(inputs) != s.inputs {
		return nil, fmt.Errorf("run network: %d inputs given, %d needed", len(inputs), s.inputs)
	}
	outputs := make([]Value, s.outputs)
	if err := s.session.Run(inputs, outputs); err != nil {
		Release(outputs...)
		return nil, fmt.Errorf("run network: %w", err)
	}
	return outputs, nil
}

// Close frees the network. No call to Run may be in progress.
func (s *Session) Close() error { return s.session.Destroy() }

// NewFloats makes a tensor over data, which it keeps and does not copy.
func NewFloats(data []float32, dims ...int64) (*Floats, error) {
	t, err := ort.NewTensor(ort.NewShape(dims...), data)
	if err != nil {
		return nil, fmt.Errorf("float tensor: %w", err)
	}
	return t, nil
}

// NewLongs makes a tensor over data, which it keeps and does not copy.
func NewLongs(data []int64, dims ...int64) (Value, error) {
	t, err := ort.NewTensor(ort.NewShape(dims...), data)
	if err != nil {
		return nil, fmt.Errorf("integer tensor: %w", err)
	}
	return t, nil
}

// NewScalar makes a tensor without dimensions that holds one integer.
func NewScalar(value int64) (Value, error) {
	t, err := ort.NewScalar(value)
	if err != nil {
		return nil, fmt.Errorf("scalar tensor: %w", err)
	}
	return t, nil
}

// AsFloats returns the tensor of floats that v is, or an error when the
// network gave another type.
func AsFloats(v Value) (*Floats, error) {
	t, ok := v.(*Floats)
	if !ok {
		return nil, fmt.Errorf("read output: got %T, want float tensor", v)
	}
	return t, nil
}

// Release frees the native memory of values; nil entries are skipped.
func Release(values ...Value) {
	for _, v := range values {
		if v != nil {
			// Destroy of a tensor cannot fail: it returns nil by construction.
			_ = v.Destroy()
		}
	}
}
