// Command throughline is the whole product in one binary: it serves, plays the
// demo, replays, imports, evaluates and measures.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	clickhouse "throughline/sink/embedded"
)

// command is one subcommand. Run gets the arguments after its name.
type command struct {
	name, about string
	run         func(ctx context.Context, args []string) error
}

func commands() []command {
	return []command{
		{"serve", "run the pipeline: all roles on embedded Kafka and ClickHouse, or some with --roles", serve},
		{"demo", "serve, and play a bundled day of customers over real protocols; --once ends with a report", demonstrate},
		{"import", "send recordings to a running Throughline as calls that are over", importFiles},
		{"replay", "send recorded messages to a running Throughline at a steady rate", replayFiles},
		{"eval", "measure quality on a labelled set and print one JSON object", evaluate},
		{"score", "fit the scores of journeys to your own outcomes", scores},
		{"policy", "check, test and back-test a policy, put it in force and take it back", policy},
		{"categories", "check a file of categories, and back-test it over what was said", categories},
		{"patterns", "ask a running Throughline what changed: rising intents, new themes, shifts of sentiment", showPatterns},
		{"dead", "list what stages could not handle, and publish it again", deadLetters},
		{"webhook", "make a secret for an outgoing target, or listen as one and verify what comes", webhook},
		{"config", "check a config file, or print the annotated default or the table of keys", configure},
		{"version", "print the version", version},
	}
}

func main() {
	os.Exit(exit(run()))
}

// errUsage ends with the usage already printed.
var errUsage = errors.New("usage")

func exit(err error) int {
	switch {
	case err == nil:
		return 0
	case errors.Is(err, flag.ErrHelp):
		return 0
	case errors.Is(err, errUsage):
		return 2
	}
	fmt.Fprintln(os.Stderr, "throughline:", err)
	return 1
}

func run() error {
	args := os.Args[1:]
	// The engine's child process must not load anything else first.
	if len(args) > 0 && args[0] == clickhouse.ChildCommand {
		return clickhouse.ChildMain(args[1:])
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends at once
	if len(args) == 0 || args[0] == "help" || args[0] == "--help" || args[0] == "-h" {
		usage()
		if len(args) == 0 {
			return errUsage
		}
		return nil
	}
	for _, c := range commands() {
		if c.name == args[0] {
			return c.run(ctx, args[1:])
		}
	}
	usage()
	return fmt.Errorf("%q is not a command", args[0])
}

func usage() {
	var b strings.Builder
	b.WriteString("Throughline follows a customer's conversation across channels, live.\n\nUsage: throughline COMMAND [flags]\n\n")
	for _, c := range commands() {
		fmt.Fprintf(&b, "  %-10s %s\n", c.name, c.about)
	}
	b.WriteString("\nthroughline COMMAND --help tells more. Start with: throughline demo\n")
	fmt.Fprint(os.Stderr, b.String())
}

// flags makes a flag set that prints its own help and returns its errors.
func flags(name, about string) *flag.FlagSet {
	f := flag.NewFlagSet(name, flag.ContinueOnError)
	f.Usage = func() {
		fmt.Fprintf(f.Output(), "Usage: throughline %s\n\n%s\n\n", name, about)
		f.PrintDefaults()
	}
	return f
}

func version(context.Context, []string) error {
	fmt.Println("throughline", buildVersion())
	return nil
}

func buildVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	v := info.Main.Version
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			v += " " + s.Value[:min(12, len(s.Value))]
		}
	}
	return strings.TrimSpace(v + " " + info.GoVersion)
}
