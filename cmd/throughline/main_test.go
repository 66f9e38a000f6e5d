package main

import (
	"os"
	"testing"

	"throughline/cmd/throughline/throughlinetest"
	clickhouse "throughline/sink/embedded"
)

// runAsProgram makes this test binary be the program.
const runAsProgram = "THROUGHLINE_TEST_RUN"

func TestMain(m *testing.M) {
	if os.Getenv(runAsProgram) != "" || len(os.Args) > 1 && os.Args[1] == clickhouse.ChildCommand {
		os.Exit(exit(run(os.Args[1:])))
	}
	os.Exit(m.Run())
}

func program(tb testing.TB, env ...string) *throughlinetest.Process {
	return throughlinetest.New(tb, os.Args[0], append(env, runAsProgram+"=1")...)
}
