package apachekafka

import (
	"bytes"
	"context"
	"crypto/rand"
	_ "embed"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"text/template"
	"time"

	"github.com/segmentio/kafka-go"
)

// Bounds on what a node may take to start, and to stop when asked.
const (
	readyIn = 60 * time.Second
	stopIn  = 15 * time.Second
)

//go:embed server.properties
var serverProperties string

//go:embed log4j2.xml
var log4j2 []byte

// Node is one Apache Kafka node.
type Node struct {
	java, jars, dir string
	addr            string

	mu     sync.Mutex
	server *exec.Cmd
	exited chan struct{}  // closed when server has ended
	guard  io.WriteCloser // its closing by our death kills server
}

// Start makes a node whose data live in dir, which should be empty, and
// returns when it answers. It fetches Kafka first if need be, and shows that
// on stderr.
func Start(ctx context.Context, dir string) (*Node, error) {
	java, err := exec.LookPath("java")
	if err != nil {
		return nil, fmt.Errorf("%w: java is missing; install a Java runtime, 17 or later: %w", ErrUnavailable, err)
	}
	jars, err := Jars(ctx, os.Stderr)
	if err != nil {
		return nil, err
	}
	ports, err := freePorts(2)
	if err != nil {
		return nil, err
	}
	n := &Node{java: java, jars: jars, dir: dir, addr: ports[0]}
	if err := n.configure(ports[1]); err != nil {
		return nil, err
	}
	if err := n.format(ctx); err != nil {
		return nil, err
	}
	if err := n.Restart(ctx); err != nil {
		return nil, err
	}
	return n, nil
}

// freePorts finds loopback addresses that nobody serves now.
func freePorts(count int) ([]string, error) {
	var addrs []string
	for range count {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, fmt.Errorf("apachekafka: find port: %w", err)
		}
		defer ln.Close()
		addrs = append(addrs, ln.Addr().String())
	}
	return addrs, nil
}

func (n *Node) properties() string { return filepath.Join(n.dir, "server.properties") }

func (n *Node) configure(controller string) error {
	t, err := template.New("server.properties").Parse(serverProperties)
	if err != nil {
		return fmt.Errorf("apachekafka: parse properties: %w", err)
	}
	var text bytes.Buffer
	values := struct{ Broker, Controller, Logs string }{n.addr, controller, filepath.Join(n.dir, "logs")}
	if err := t.Execute(&text, values); err != nil {
		return fmt.Errorf("apachekafka: fill properties: %w", err)
	}
	err = errors.Join(
		os.WriteFile(n.properties(), text.Bytes(), 0o644),
		os.WriteFile(filepath.Join(n.dir, "log4j2.xml"), log4j2, 0o644))
	if err != nil {
		return fmt.Errorf("apachekafka: write properties: %w", err)
	}
	return nil
}

// run prepares one of Kafka's main classes, in a heap that suits a test.
func (n *Node) run(class string, args ...string) *exec.Cmd {
	java := []string{
		"-Xms64m", "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
		"-Dlog4j2.configurationFile=" + filepath.Join(n.dir, "log4j2.xml"),
		"-cp", filepath.Join(n.jars, "*"), class,
	}
	return exec.Command(n.java, append(java, args...)...)
}

// format gives the node's directory its cluster id (KIP-853, --standalone).
func (n *Node) format(ctx context.Context) error {
	id, err := clusterID()
	if err != nil {
		return err
	}
	cmd := n.run("kafka.tools.StorageTool", "format", "--standalone", "--ignore-formatted",
		"--cluster-id="+id, "--config="+n.properties())
	defer context.AfterFunc(ctx, func() { cmd.Process.Kill() })()
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("apachekafka: format storage: %w: %s", err, bytes.TrimSpace(out))
	}
	return nil
}

// clusterID is a random UUID as Kafka writes it: 22 characters of base64.
func clusterID() (string, error) {
	var id [16]byte
	if _, err := rand.Read(id[:]); err != nil {
		return "", fmt.Errorf("apachekafka: make cluster id: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(id[:]), nil
}

// Addr is where the node answers, the same after every restart.
func (n *Node) Addr() string { return n.addr }

// Restart starts the node again on the same data and port, after killing it
// if it still runs. It returns when the node answers.
func (n *Node) Restart(ctx context.Context) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.kill()
	logPath := filepath.Join(n.dir, "kafka.log")
	log, err := os.OpenFile(logPath, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("apachekafka: open log: %w", err)
	}
	defer log.Close()
	cmd := n.run("kafka.Kafka", n.properties())
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("apachekafka: start java: %w", err)
	}
	n.server, n.exited = cmd, make(chan struct{})
	go func(exited chan struct{}) {
		cmd.Wait()
		close(exited)
	}(n.exited)
	if n.guard, err = guard(cmd.Process.Pid); err == nil {
		err = n.await(ctx)
	}
	if err != nil {
		n.kill()
		tail, _ := os.ReadFile(logPath)
		return fmt.Errorf("apachekafka: start node: %w\n%s", err, tail[max(0, len(tail)-2000):])
	}
	return nil
}

// guard kills the process when this one dies, for a test binary that runs out
// of time cleans nothing up. A line written to it first calls it off.
func guard(pid int) (io.WriteCloser, error) {
	cmd := exec.Command("sh", "-c", `read line || kill -9 "$1"`, "sh", strconv.Itoa(pid))
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("pipe guard: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start guard: %w", err)
	}
	go cmd.Wait()
	return in, nil
}

// await waits until the node lists itself as a broker.
func (n *Node) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyIn)
	defer cancel()
	transport := &kafka.Transport{}
	defer transport.CloseIdleConnections()
	client := &kafka.Client{Addr: kafka.TCP(n.addr), Transport: transport, Timeout: time.Second}
	for {
		meta, err := client.Metadata(ctx, &kafka.MetadataRequest{})
		if err == nil && len(meta.Brokers) > 0 {
			return nil
		}
		transport.CloseIdleConnections()
		select {
		case <-n.exited:
			return errors.New("java ended by itself")
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// Kill ends the node with SIGKILL.
func (n *Node) Kill() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.kill()
}

func (n *Node) kill() {
	if n.server == nil {
		return
	}
	n.server.Process.Kill()
	n.ended()
}

func (n *Node) ended() {
	<-n.exited
	if n.guard != nil {
		io.WriteString(n.guard, "\n")
		n.guard.Close()
	}
	n.server, n.guard = nil, nil
}

// Stop ends the node in good order, or kills it when that takes too long.
// Stopping what is stopped does nothing.
func (n *Node) Stop() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.server == nil {
		return nil
	}
	n.server.Process.Signal(syscall.SIGTERM)
	select {
	case <-n.exited:
		n.ended()
		return nil
	case <-time.After(stopIn):
		n.kill()
		return fmt.Errorf("apachekafka: still running %v after SIGTERM, killed", stopIn)
	}
}
