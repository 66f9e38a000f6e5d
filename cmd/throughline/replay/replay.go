package replay

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Options say where to and how fast.
type Options struct {
	URL     string  // of the running Throughline
	Token   string  // access token, "" for none
	Rate    float64 // messages a second
	Channel string  // of lines that are posts
	From    int     // lines of each file to leave out, sent before
	Limit   int     // lines of each file to send; 0: all
}

// The bounds of one request.
const (
	batchEvery = 100 * time.Millisecond
	maxBatch   = 500 // messages
	maxLine    = 1 << 20
	bodyBytes  = 2 << 20
	patience   = time.Minute // with somebody who cannot take a request now, or is away
)

// Sent is what became of the lines.
type Sent struct {
	Messages   int `json:"messages"`
	Duplicates int `json:"duplicates"` // known from an earlier replay
}

// Play sends a file, or every .jsonl file of a folder in order of their names.
func Play(ctx context.Context, path string, o Options) (Sent, error) {
	var sent Sent
	if err := o.check(); err != nil {
		return sent, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return sent, err
	}
	files := []string{path}
	if info.IsDir() {
		if files, err = filepath.Glob(filepath.Join(path, "*.jsonl")); err != nil {
			return sent, err
		}
		if len(files) == 0 {
			return sent, fmt.Errorf("%s holds no .jsonl file", path)
		}
		slices.Sort(files)
	}
	for _, file := range files {
		if err := o.play(ctx, file, &sent); err != nil {
			return sent, err
		}
	}
	return sent, nil
}

func (o Options) check() error {
	if !(o.Rate > 0) || math.IsInf(o.Rate, 1) {
		return errors.New("--rate must be more than 0 messages a second")
	}
	if o.From < 0 || o.Limit < 0 {
		return errors.New("--from and --limit count lines: neither can be less than 0")
	}
	return nil
}

// play sends one file. What was not sent when it ends early is named, so that
// the rest can be sent later.
func (o Options) play(ctx context.Context, file string, sent *Sent) error {
	in, err := os.Open(file)
	if err != nil {
		return err
	}
	defer in.Close()
	scan := bufio.NewScanner(in)
	scan.Buffer(nil, maxLine)
	size := min(maxBatch, max(1, int(o.Rate*batchEvery.Seconds())))
	due := time.Now()
	var batch []json.RawMessage
	weight, number, first := 0, 0, o.From+1
	flush := func() error {
		if len(batch) == 0 {
			return nil
		}
		select {
		case <-time.After(time.Until(due)):
		case <-ctx.Done():
		}
		due = due.Add(time.Duration(float64(len(batch)) / o.Rate * float64(time.Second)))
		duplicates, err := o.send(ctx, batch)
		if err != nil && ctx.Err() != nil {
			// What was under way may have arrived; sent again it counts as a duplicate.
			return fmt.Errorf("%s: stopped before line %d: go on with --from %d: %w", file, first, first-1, ctx.Err())
		}
		if err != nil {
			return fmt.Errorf("%s: lines %d to %d: %w", file, first, number, err)
		}
		sent.Messages += len(batch)
		sent.Duplicates += duplicates
		batch, weight, first = batch[:0], 0, number+1
		return nil
	}
	for scan.Scan() {
		number++
		line := bytes.TrimSpace(bytes.TrimPrefix(scan.Bytes(), []byte("\ufeff"))) // a byte order mark, as Windows begins files
		if number <= o.From || o.Limit > 0 && number > o.From+o.Limit || len(line) == 0 {
			continue
		}
		m, err := message(line, filepath.Base(file)+":"+strconv.Itoa(number), o.Channel)
		if err != nil {
			return fmt.Errorf("%s: line %d %w", file, number, err)
		}
		batch, weight = append(batch, m), weight+len(m)
		if len(batch) == size || weight > bodyBytes {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	if err := scan.Err(); err != nil {
		return fmt.Errorf("%s: after line %d: %w", file, number, err)
	}
	return flush()
}

// send stores a batch, and sends it again while the other side cannot take it.
func (o Options) send(ctx context.Context, batch []json.RawMessage) (duplicates int, err error) {
	body, err := json.Marshal(batch)
	if err != nil {
		return 0, err
	}
	for began := time.Now(); ; {
		answer, again, err := o.post(ctx, body)
		if err == nil {
			for _, a := range answer {
				if a.Duplicate {
					duplicates++
				}
			}
			return duplicates, nil
		}
		if again == 0 || time.Since(began) > patience {
			return 0, err
		}
		select {
		case <-time.After(again):
		case <-ctx.Done():
			return 0, errors.Join(ctx.Err(), err)
		}
	}
}

type receipt struct {
	Duplicate bool `json:"duplicate"`
}

// post sends one request; again is how long to wait where sending again may help.
func (o Options) post(ctx context.Context, body []byte) (receipts []receipt, again time.Duration, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(o.URL, "/")+"/v1/messages", bytes.NewReader(body))
	if err != nil {
		return nil, 0, err
	}
	req.Header.Set("Content-Type", "application/json")
	if o.Token != "" {
		req.Header.Set("Authorization", "Bearer "+o.Token)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, time.Second, fmt.Errorf("%s does not answer: %w", o.URL, err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 4<<20))
	if err != nil {
		return nil, time.Second, err
	}
	if resp.StatusCode/100 != 2 {
		if resp.StatusCode == http.StatusServiceUnavailable || resp.StatusCode == http.StatusTooManyRequests {
			again = time.Second
		}
		return nil, again, fmt.Errorf("%s: %.2000s", resp.Status, text)
	}
	var answer struct{ Messages []receipt }
	if err := json.Unmarshal(text, &answer); err != nil || answer.Messages == nil {
		return nil, 0, fmt.Errorf("%s answered what is no list of receipts: is it a Throughline?", o.URL)
	}
	return answer.Messages, 0, nil
}
