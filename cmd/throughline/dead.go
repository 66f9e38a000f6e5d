package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"throughline/bus"
	"throughline/event"
)

// deadLetters lists what stages could not handle, and publishes it again.
func deadLetters(ctx context.Context, args []string) error {
	f := flags("dead [flags]", "List the events that a stage could not handle and set aside, with the reason; never what they say. With --deliver the same events are published again once the cause is mended: every reader gets them, and ids make that one effect for those who had handled them.")
	path := f.String("config", "", "settings `file` (YAML): where Kafka is")
	topic := f.String("topic", "", "only events of this `topic`")
	stage := f.String("stage", "", "only events that this `stage` could not handle")
	since := f.String("since", "28d", "how far back: a `span` (30d, 12h) or a moment (RFC 3339)")
	all := f.Bool("all", false, "also list what was delivered since")
	deliver := f.Bool("deliver", false, "publish what is listed on its topic again")
	asJSON := f.Bool("json", false, "print one JSON object a line")
	if err := parse(f, args, 0, 0); err != nil {
		return err
	}
	from, err := moment(*since, time.Now())
	if err != nil {
		return fmt.Errorf("--since: %w", err)
	}
	topics, err := topicsNamed(*topic)
	if err != nil {
		return err
	}
	b, err := dialRunning(*path)
	if err != nil {
		return err
	}
	defer b.Close(context.WithoutCancel(ctx))
	asked, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if err := b.Ready(asked); err != nil {
		return fmt.Errorf("%w: is throughline serve running, or kafka.brokers set?", err)
	}
	var letters []bus.Letter
	for _, t := range topics {
		found, err := b.Letters(ctx, t, from)
		if err != nil {
			return err
		}
		for _, l := range found {
			if (*stage == "" || l.Stage == *stage) && (*all || !l.Delivered) {
				letters = append(letters, l)
			}
		}
	}
	if *deliver {
		return deliverLetters(ctx, b, letters)
	}
	if *asJSON {
		return lettersAsJSON(os.Stdout, letters)
	}
	return listLetters(os.Stdout, letters)
}

// topicsNamed is the topic of that name, or every one.
func topicsNamed(name string) ([]event.Spec, error) {
	if name == "" {
		return event.All(), nil
	}
	var known []string
	for _, t := range event.All() {
		if t.Name == strings.TrimSuffix(name, ".dead") {
			return []event.Spec{t}, nil
		}
		known = append(known, t.Name)
	}
	return nil, fmt.Errorf("--topic: %q is not a topic: give one of %s", name, strings.Join(known, ", "))
}

// dialRunning reaches the configured Kafka, or the embedded broker of a running
// Throughline.
func dialRunning(path string) (*bus.Bus, error) {
	s, err := load(path)
	if err != nil {
		return nil, err
	}
	if len(s.Kafka.Brokers) == 0 {
		s.Kafka.Brokers = []string{s.Kafka.Listen}
	}
	s.Kafka.Logger = slog.New(slog.DiscardHandler)
	return bus.Dial(s.Kafka.Config)
}

// deliverLetters stops at the first that cannot be delivered; those before it
// are marked, so that the same command goes on there.
func deliverLetters(ctx context.Context, b *bus.Bus, letters []bus.Letter) error {
	done, refused := 0, 0
	for _, l := range letters {
		if l.Delivered {
			continue
		}
		if l.Topic.Compact {
			refused++
			continue
		}
		if err := b.Deliver(ctx, l); err != nil {
			return fmt.Errorf("%d delivered, then %s: %w", done, place(l), err)
		}
		done++
	}
	fmt.Printf("%d delivered\n", done)
	if refused > 0 {
		return fmt.Errorf("%d are of topics that keep the latest of each key, where an old event would replace a newer one: publish those changes anew", refused)
	}
	return nil
}

func listLetters(w io.Writer, letters []bus.Letter) error {
	if len(letters) == 0 {
		fmt.Fprintln(w, "nothing was set aside")
		return nil
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "WHERE\tWHEN\tSTAGE\tBYTES\tDELIVERED\tREASON")
	for _, l := range letters {
		reason, _, _ := strings.Cut(l.Reason, "\n") // what follows is a stack
		fmt.Fprintf(t, "%s\t%s\t%s\t%d\t%v\t%s\n", place(l), l.At.UTC().Format(time.DateTime), l.Stage, l.Bytes, l.Delivered, reason)
	}
	return t.Flush()
}

func lettersAsJSON(w io.Writer, letters []bus.Letter) error {
	enc := json.NewEncoder(w)
	for _, l := range letters {
		if err := enc.Encode(map[string]any{"topic": l.Topic.Name, "place": place(l), "at": l.At.UTC(), "stage": l.Stage, "reason": l.Reason, "bytes": l.Bytes, "delivered": l.Delivered}); err != nil {
			return err
		}
	}
	return nil
}

// place is where a letter lies: topic, partition and offset.
func place(l bus.Letter) string {
	return fmt.Sprintf("%s/%d/%d", l.Topic.Dead().Name, l.Partition, l.Offset)
}
