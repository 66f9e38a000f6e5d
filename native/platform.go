package native

import (
	"os"
	"path/filepath"
	"runtime"

	"golang.org/x/sys/cpu"
)

// UnsupportedError says that this machine cannot run a part, and what to do
// instead.
type UnsupportedError struct {
	Part   Part
	Reason string
}

func (e *UnsupportedError) Error() string {
	text := "native part " + string(e.Part) + " cannot run here: " + e.Reason
	switch e.Part {
	case ClickHouse:
		return text + "; set clickhouse.url to a ClickHouse server (24.8 or later) to use that instead"
	case ONNXRuntime, Moonshine, Silero:
		return text + "; set transcribe.url to an OpenAI-compatible speech server to use that instead"
	default:
		return text
	}
}

// Supported reports, as an *UnsupportedError, why this machine cannot run the
// part. It looks at the platform, the processor and the C library; it does not
// touch the network.
func Supported(part Part) error {
	if _, err := pinned(part); err != nil {
		return err
	}
	return runnable(part, host())
}

// machine is what the shared libraries ask of the computer beyond its platform.
type machine struct {
	amd64, linux bool
	v3           bool // the x86-64-v3 level of the x86-64 psABI: AVX2, BMI and FMA
	glibc        bool
}

func host() machine {
	return machine{
		amd64: runtime.GOARCH == "amd64",
		linux: runtime.GOOS == "linux",
		v3:    cpu.X86.HasAVX2 && cpu.X86.HasBMI1 && cpu.X86.HasBMI2 && cpu.X86.HasFMA,
		glibc: hasGlibc("/"),
	}
}

// hasGlibc looks for glibc's dynamic loader, whose path every dynamic program
// of these two architectures carries. A system built on musl has another.
func hasGlibc(root string) bool {
	for _, loader := range []string{"lib64/ld-linux-x86-64.so.2", "lib/ld-linux-aarch64.so.1"} {
		if _, err := os.Stat(filepath.Join(root, loader)); err == nil {
			return true
		}
	}
	return false
}

func runnable(part Part, m machine) error {
	isLibrary := part == ClickHouse || part == ONNXRuntime
	switch {
	case isLibrary && m.linux && !m.glibc:
		return &UnsupportedError{part, "it needs glibc, and this Linux has another C library (musl?)"}
	case part == ClickHouse && m.amd64 && !m.v3:
		return &UnsupportedError{part, "it needs an x86-64-v3 processor (AVX2, from about 2013 on)"}
	}
	return nil
}
