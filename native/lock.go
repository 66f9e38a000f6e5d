package native

import (
	"bytes"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"path"
	"runtime"
	"strings"
)

// Part names one native part, as lock.json does.
type Part string

const (
	// ClickHouse holds libchdb.so, ClickHouse's own engine as a library.
	ClickHouse Part = "clickhouse"
	// ONNXRuntime holds the ONNX Runtime shared library for the CPU.
	ONNXRuntime Part = "onnxruntime"
	// Moonshine holds the English tiny speech model: encoder_model.onnx,
	// decoder_model_merged.onnx, and moonshine.min.js with its vocabulary.
	Moonshine Part = "moonshine"
	// Silero holds the voice-activity model silero_vad_v5.onnx.
	Silero Part = "silero"
)

// Parts lists every part in the order a newcomer needs them.
func Parts() []Part { return []Part{ClickHouse, ONNXRuntime, Moonshine, Silero} }

//go:embed lock.json
var lockFile []byte

// file is one member of a package that a part needs.
type file struct {
	Name   string `json:"name"`   // its name in the part's directory
	Member string `json:"member"` // its path inside the tarball
	SHA256 string `json:"sha256"` // of the extracted file, in hexadecimal
	Bytes  int64  `json:"bytes"`
}

// pin is one version of one npm package, as a platform uses it.
type pin struct {
	Package   string `json:"package"`
	Version   string `json:"version"`
	Integrity string `json:"integrity"` // of the tarball, in npm's form "sha512-<base64>"
	Bytes     int64  `json:"bytes"`     // of the tarball
	Files     []file `json:"files"`
}

// tarball gives the path of the package below a registry's address. Every npm
// registry and mirror serves this path; it is what npm itself rewrites the
// "resolved" addresses of a lock file to.
func (p pin) tarball() string {
	return p.Package + "/-/" + path.Base(p.Package) + "-" + p.Version + ".tgz"
}

// dir is the name of the directory that holds the extracted files.
func (p pin) dir() string {
	return strings.NewReplacer("@", "", "/", "-").Replace(p.Package) + "-" + p.Version
}

func (p pin) sha512() ([]byte, error) {
	encoded, ok := strings.CutPrefix(p.Integrity, "sha512-")
	if !ok {
		return nil, fmt.Errorf("integrity of %s: only sha512 is accepted", p.Package)
	}
	sum, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil || len(sum) != 64 {
		return nil, fmt.Errorf("integrity of %s: not a sha512 in base64", p.Package)
	}
	return sum, nil
}

// lock is lock.json: for each part, the pin of every platform that has one.
// The platform "any" serves all.
type lock map[Part]struct {
	Licence   string         `json:"licence"`
	Platforms map[string]pin `json:"platforms"`
}

func readLock(text []byte) (lock, error) {
	var l lock
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&l); err != nil {
		return nil, fmt.Errorf("native lock: %w", err)
	}
	return l, nil
}

func (l lock) pin(part Part, platform string) (pin, error) {
	entry, ok := l[part]
	if !ok {
		return pin{}, fmt.Errorf("native part %q: not in lock.json", part)
	}
	if p, ok := entry.Platforms[platform]; ok {
		return p, nil
	}
	if p, ok := entry.Platforms["any"]; ok {
		return p, nil
	}
	return pin{}, &UnsupportedError{Part: part, Reason: "there is no build of it for " + platform}
}

func pinned(part Part) (pin, error) {
	l, err := readLock(lockFile)
	if err != nil {
		return pin{}, err
	}
	return l.pin(part, runtime.GOOS+"/"+runtime.GOARCH)
}
