package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "describe:", err)
		os.Exit(1)
	}
}

func run() error {
	root, err := moduleRoot()
	if err != nil {
		return err
	}
	documents, err := describe(root)
	if err != nil {
		return err
	}
	for name, data := range documents {
		if err := os.WriteFile(filepath.Join(root, name), data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// describe makes every document, by its name under root.
func describe(root string) (map[string][]byte, error) {
	words, err := readComments(filepath.Join(root, "event"), filepath.Join(root, "dashboards"), filepath.Join(root, "outgoing"), filepath.Join(root, "patterns"), filepath.Join(root, "assist", "summary"))
	if err != nil {
		return nil, err
	}
	yaml, json, err := openAPI(filepath.Join(root, "dashboards", "describe", "paths.yaml"), words)
	if err != nil {
		return nil, fmt.Errorf("openapi: %w", err)
	}
	async, err := asyncAPI(words)
	if err != nil {
		return nil, fmt.Errorf("asyncapi: %w", err)
	}
	return map[string][]byte{"docs/openapi.yaml": yaml, "dashboards/openapi.json": json, "docs/asyncapi.yaml": async}, nil
}

// moduleRoot is the folder of go.mod at or above the working directory.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", errors.New("no go.mod here or above")
		}
		dir = up
	}
}
