package embedded

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"throughline/native"
)

// parentCommand makes the test binary a program that runs a server and prints
// its address, to be killed.
const parentCommand = "clickhouse-parent"

func parentMain(dir string) error {
	s := New(Config{Dir: dir, Listen: "127.0.0.1:0", Writer: Account{Password: "change"}})
	go func() {
		<-s.Ready()
		fmt.Println(s.Addr())
	}()
	return s.Run(context.Background())
}

func startParent(t *testing.T, dir string) (*exec.Cmd, string) {
	t.Helper()
	if err := native.Supported(native.ClickHouse); err != nil {
		t.Skip(err)
	}
	if _, err := native.Fetch(t.Context(), native.ClickHouse, os.Stderr); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0], parentCommand, dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the parent ended: %v", err)
	}
	return cmd, strings.TrimSpace(line)
}
