// Command throughline is the whole product in one binary: it serves, plays the
// demo, replays, imports, evaluates and measures.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
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
		{"config", "check a config file, or print the annotated default, the table of keys or the shipped intents", configure},
		{"version", "print the version", version},
	}
}

func main() {
	os.Exit(exit(run(os.Args[1:])))
}

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

func run(args []string) error {
	// The engine's child process must not load anything else first.
	if len(args) > 0 && args[0] == clickhouse.ChildCommand {
		return clickhouse.ChildMain(args[1:])
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends at once
	switch {
	case len(args) == 0:
		usage(os.Stderr)
		return errUsage
	case args[0] == "--version":
		return version(ctx, nil)
	case asksForHelp(args[0]) && len(args) == 1:
		usage(os.Stdout)
		return nil
	case asksForHelp(args[0]):
		args = append(args[1:], "--help")
	}
	var names []string
	for _, c := range commands() {
		if c.name == args[0] {
			return c.run(ctx, args[1:])
		}
		names = append(names, c.name)
	}
	return fmt.Errorf("%q is not a command%s; throughline help lists them", args[0], didYouMean("", args[0], names))
}

func usage(to io.Writer) {
	var b strings.Builder
	b.WriteString("Throughline follows a customer's conversation across channels, live.\n\nUsage: throughline COMMAND [flags]\n\n")
	for _, c := range commands() {
		fmt.Fprintf(&b, "  %-10s %s\n", c.name, c.about)
	}
	b.WriteString("\nthroughline COMMAND --help tells more. Start with: throughline demo\n")
	fmt.Fprint(to, b.String())
}

func version(_ context.Context, args []string) error {
	if err := parse(flags("version", "Print the version: the module's, the commit, and that of Go."), args, 0, 0); err != nil {
		return err
	}
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
