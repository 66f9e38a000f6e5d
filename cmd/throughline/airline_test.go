package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"throughline/event"
	"throughline/governance/access"
)

// TestScreenSentimentIsBelievable replays real messages to airlines' support
// and compares what the list of the live screen says of each with what people
// said of it. The set is for evaluation only.
func TestScreenSentimentIsBelievable(t *testing.T) {
	const lines = 400
	file := filepath.Join(dataSets(), "us_airline_sentiment", "tweets.dev.jsonl")
	labels, err := airlineLabels(file, lines)
	if err != nil {
		t.Skipf("the set is not here: %v", err)
	}
	p := program(t)
	p.Start()
	cmd := exec.Command(os.Args[0], "replay", "--url", "http://"+p.HTTP, "--rate", "200", "--limit", fmt.Sprint(lines), file)
	cmd.Env = append(os.Environ(), runAsProgram+"=1")
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), fmt.Sprintf(`"messages":%d`, lines)) {
		t.Fatalf("replay: %v\n%s", err, out)
	}
	shown := map[string]float64{}
	for end := time.Now().Add(4 * time.Minute); len(shown) < lines && time.Now().Before(end); time.Sleep(300 * time.Millisecond) {
		shown = onScreen(t, p.HTTP)
	}
	if len(shown) != lines {
		t.Fatalf("the screen shows the sentiment of %d of %d messages", len(shown), lines)
	}
	var right, count, opposite int
	means := map[string][2]float64{}
	for customer, label := range labels {
		v := shown[customer]
		count++
		said := "neutral" // as tone in dashboards/web/src/format.ts colours it
		if v <= -0.75 {
			said = "negative"
		} else if v >= 0.75 {
			said = "positive"
		}
		if said == label {
			right++
		}
		if said == "negative" && label == "positive" || said == "positive" && label == "negative" {
			opposite++
		}
		m := means[label]
		means[label] = [2]float64{m[0] + v, m[1] + 1}
	}
	mean := func(label string) float64 { return means[label][0] / means[label][1] }
	t.Logf("%d messages: %.3f agree, %.3f say the opposite; shown on average: negative %.2f, neutral %.2f, positive %.2f",
		count, float64(right)/float64(count), float64(opposite)/float64(count), mean("negative"), mean("neutral"), mean("positive"))
	if !(mean("negative") < mean("neutral")-0.5 && mean("neutral") < mean("positive")-0.5) {
		t.Error("the screen does not order the messages as people do")
	}
	if opposite*10 > count {
		t.Errorf("%d of %d messages are shown as the opposite", opposite, count)
	}
	p.Stop()
}

// dataSets is the folder of the data sets beside the checkout.
func dataSets() string {
	if dir := os.Getenv("THROUGHLINE_DATA"); dir != "" {
		return dir
	}
	return filepath.Join("..", "..", "..", "shared", "data")
}

// airlineLabels are the labels of the first n posts, by customer.
func airlineLabels(file string, n int) (map[string]string, error) {
	in, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	labels := map[string]string{}
	scan := bufio.NewScanner(in)
	for range n {
		if !scan.Scan() {
			return nil, fmt.Errorf("%s has fewer than %d lines", file, n)
		}
		var post struct {
			ID    string `json:"tweet_id"`
			Label string `json:"airline_sentiment"`
		}
		if err := json.Unmarshal(scan.Bytes(), &post); err != nil {
			return nil, err
		}
		labels[event.CustomerID(access.DefaultTenant, event.Handle{Kind: event.Visitor, Value: "post-" + post.ID})] = post.Label
	}
	return labels, scan.Err()
}

// onScreen is the sentiment, −5..+5, that the list of the screen shows, by customer.
func onScreen(t *testing.T, addr string) map[string]float64 {
	t.Helper()
	shown := map[string]float64{}
	for cursor := ""; ; {
		resp, err := http.Get("http://" + addr + "/v1/interactions?limit=200&cursor=" + url.QueryEscape(cursor))
		if err != nil {
			t.Fatal(err)
		}
		var page struct {
			Interactions []struct {
				Customer  string
				Sentiment *float64
			}
			Next string
		}
		err = json.NewDecoder(resp.Body).Decode(&page)
		resp.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range page.Interactions {
			if i.Sentiment != nil {
				shown[i.Customer] = *i.Sentiment
			}
		}
		if cursor = page.Next; cursor == "" {
			return shown
		}
	}
}
