package moonshine

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/cpu"

	"throughline/transcribe/onnx/graph"
)

// editVersion is part of the name of an edited network. It changes whenever an
// edit does.
const editVersion = 1

// networks are the files that are run.
type networks struct {
	encoder, first, next string
}

// signedWeights reports whether the processor has VNNI. Without it the kernels
// for a product of unsigned and signed bytes may saturate at 16 bits, so the
// weights stay as published.
func signedWeights() bool { return cpu.X86.HasAVX512VNNI || cpu.X86.HasAVXVNNI }

// prepare returns the networks to run, writing those that are not there yet.
func prepare(files Files, signed bool) (networks, error) {
	folder := files.Cache
	if folder == "" {
		folder = filepath.Dir(files.Decoder)
	}
	decoder, err := os.ReadFile(files.Decoder)
	if err != nil {
		return networks{}, fmt.Errorf("read decoder: %w", err)
	}
	n := networks{
		encoder: files.Encoder,
		first:   editedPath(folder, "decoder-first", decoder, signed),
		next:    editedPath(folder, "decoder-next", decoder, signed),
	}
	if !exists(n.first) || !exists(n.next) {
		if err := writeDecoder(n, decoder, signed); err != nil {
			return networks{}, err
		}
	}
	if !signed {
		return n, nil
	}
	encoder, err := os.ReadFile(files.Encoder)
	if err != nil {
		return networks{}, fmt.Errorf("read encoder: %w", err)
	}
	n.encoder = editedPath(folder, "encoder", encoder, signed)
	if exists(n.encoder) {
		return n, nil
	}
	m, err := graph.Parse(encoder)
	if err != nil {
		return networks{}, fmt.Errorf("read encoder: %w", err)
	}
	if err := signWeights(&m.Graph); err != nil {
		return networks{}, err
	}
	return n, writeOnce(n.encoder, m.Bytes(&m.Graph))
}

func writeDecoder(n networks, decoder []byte, signed bool) error {
	m, err := graph.Parse(decoder)
	if err != nil {
		return fmt.Errorf("read decoder: %w", err)
	}
	first, next, err := branches(m)
	if err != nil {
		return err
	}
	if first, err = editFirst(first, m.Graph.Constants); err != nil {
		return err
	}
	if next, err = editNext(next, m.Graph.Constants); err != nil {
		return err
	}
	for _, one := range []struct {
		path  string
		graph *graph.Graph
	}{{n.first, &first}, {n.next, &next}} {
		if signed {
			if err := signWeights(one.graph); err != nil {
				return err
			}
		}
		if err := writeOnce(one.path, m.Bytes(one.graph)); err != nil {
			return err
		}
	}
	return nil
}

// editedPath names an edited network by what it was made from, so that a new
// model or a new edit never meets an old file.
func editedPath(folder, part string, original []byte, signed bool) string {
	sum := sha256.Sum256(original)
	weights := "u8"
	if signed {
		weights = "s8"
	}
	return filepath.Join(folder, fmt.Sprintf("moonshine-%s-%s-v%d-%s.onnx", part, hex.EncodeToString(sum[:6]), editVersion, weights))
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

// writeOnce writes a file that others may be writing too: whoever renames last
// wins, and both wrote the same bytes.
func writeOnce(path string, b []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("write edited network (set a writable cache folder): %w", err)
	}
	defer os.Remove(f.Name())
	_, err = f.Write(b)
	if err = errors.Join(err, f.Chmod(0o644), f.Close()); err != nil {
		return fmt.Errorf("write edited network: %w", err)
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return fmt.Errorf("write edited network: %w", err)
	}
	return nil
}
