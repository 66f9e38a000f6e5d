package apachekafka

import (
	"bufio"
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
)

// Version is the Apache Kafka that [Start] runs, as pom.xml names it.
const Version = "4.1.1"

// dependencyPlugin is pinned, for Maven would take whatever is newest.
const dependencyPlugin = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1"

// ErrUnavailable says that this machine cannot run Apache Kafka; the error
// that wraps it names what is missing. A test skips on it, and says so.
var ErrUnavailable = errors.New("this machine cannot run Apache Kafka")

//go:embed pom.xml
var pom []byte

// Jars gives the folder that holds Kafka's jars, after fetching them if it is
// not there yet: 42 MiB from Maven Central, each file named on progress.
func Jars(ctx context.Context, progress io.Writer) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	folder := filepath.Join(cache, "throughline", "kafka-"+Version)
	if _, err := os.Stat(folder); err == nil {
		return folder, nil
	}
	mvn, err := exec.LookPath("mvn")
	if err != nil {
		return "", fmt.Errorf("%w: mvn is missing, which fetches it; install Maven: %w", ErrUnavailable, err)
	}
	if err := os.MkdirAll(filepath.Dir(folder), 0o755); err != nil {
		return "", fmt.Errorf("apachekafka: make cache: %w", err)
	}
	// Fetched beside and renamed, so that a folder of that name is complete.
	work, err := os.MkdirTemp(filepath.Dir(folder), "kafka-fetch-")
	if err != nil {
		return "", fmt.Errorf("apachekafka: make cache: %w", err)
	}
	defer os.RemoveAll(work)
	if err := fetch(ctx, mvn, work, progress); err != nil {
		return "", err
	}
	err = os.Rename(filepath.Join(work, "jars"), folder)
	if _, there := os.Stat(folder); err != nil && there != nil { // another test may have been first
		return "", fmt.Errorf("apachekafka: keep jars: %w", err)
	}
	return folder, nil
}

func fetch(ctx context.Context, mvn, work string, progress io.Writer) error {
	file := filepath.Join(work, "pom.xml")
	if err := os.WriteFile(file, pom, 0o644); err != nil {
		return fmt.Errorf("apachekafka: write pom: %w", err)
	}
	fmt.Fprintf(progress, "fetching Apache Kafka %s with Maven\n", Version)
	cmd := exec.CommandContext(ctx, mvn, "--batch-mode", "--strict-checksums", "--file", file,
		dependencyPlugin+":copy-dependencies", "-DoutputDirectory="+filepath.Join(work, "jars"), "-DincludeScope=runtime")
	var errs bytes.Buffer
	out, err := cmd.StdoutPipe()
	if err != nil {
		return fmt.Errorf("apachekafka: pipe mvn: %w", err)
	}
	cmd.Stderr = &errs
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("apachekafka: start mvn: %w", err)
	}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		line := lines.Text()
		if name, ok := jarName(line); ok {
			fmt.Fprintln(progress, " ", name)
		}
		if strings.HasPrefix(line, "[ERROR]") {
			fmt.Fprintln(&errs, line)
		}
	}
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("%w: mvn could not fetch it: %w: %s", ErrUnavailable, err, bytes.TrimSpace(errs.Bytes()))
	}
	return nil
}

// jarName finds the jar in Maven's line about having downloaded it.
func jarName(line string) (string, bool) {
	_, rest, _ := strings.Cut(line, "Downloaded from ")
	_, rest, _ = strings.Cut(rest, ": ")
	url, size, _ := strings.Cut(rest, " ")
	return path.Base(url) + " " + size, strings.HasSuffix(url, ".jar")
}
