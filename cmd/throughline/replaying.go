package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"throughline/cmd/throughline/replay"
	"throughline/event"
)

// replayFiles sends recorded messages to a running Throughline. Sent again they
// are the same messages, so a replay can be repeated, or go on where it stopped.
func replayFiles(ctx context.Context, args []string) error {
	f := flags("replay [flags] FILE.jsonl|FOLDER", "Send recorded messages, one JSON object a line, to a running Throughline: messages as POST /v1/messages takes them, or posts of a labelled set (tweet_id, text, airline). Prints how many were sent, and how many of them were known already.")
	o := replay.Options{}
	base := addressFlag(f)
	f.StringVar(&o.Token, "token", os.Getenv("THROUGHLINE_TOKEN"), "access `token`; default: THROUGHLINE_TOKEN")
	f.Float64Var(&o.Rate, "rate", 50, "`messages` a second")
	f.StringVar(&o.Channel, "channel", string(event.WebChat), "`channel` of posts")
	f.IntVar(&o.From, "from", 0, "leave out this many `lines` of each file")
	f.IntVar(&o.Limit, "limit", 0, "send this many `lines` of each file; 0: all")
	if err := parse(f, args, 1, 1); err != nil {
		return err
	}
	o.URL = base.String()
	sent, err := replay.Play(ctx, f.Arg(0), o)
	if err != nil && sent == (replay.Sent{}) {
		return fmt.Errorf("replay: %w", err)
	}
	return errors.Join(json.NewEncoder(os.Stdout).Encode(sent), err)
}
