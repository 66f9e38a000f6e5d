package eval

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"throughline/nlp/corpus"
)

// talks writes n rated dialogues, every other one of a customer who is helped.
// The encoder knows no Chinese, and the floor no mood in it: runs of characters
// have to do.
func talks(n int) (english, chinese string) {
	var e, c strings.Builder
	for i := range n {
		street := []string{"Mill Lane", "King Street", "the old bridge", "Park Row"}[i%4]
		if i%2 == 0 {
			fmt.Fprintf(&e, "USER\tcan you empty the bin on %s?\tASK\t3,3,3\nSYSTEM\tyes, it is booked for tomorrow\tOFFER\t\nUSER\tperfect, thank you\tTHANK\t4,4,5\nUSER\tOVERALL\t\t4,4,4\n\n", street)
			fmt.Fprintf(&c, "USER\t请问第%d个订单什么时候到\t配送\t3,3,3\nSYSTEM\t明天上午送到您家\t\t\nUSER\t太好了谢谢\t其他\t5,5,4\n\n", i)
		} else {
			fmt.Fprintf(&e, "USER\tcan you empty the bin on %s?\tASK\t3,3,3\nSYSTEM\tI am sorry, I cannot do that\tREFUSE\t\nUSER\tthat is useless, I asked you twice\tCOMPLAIN\t1,2,2\nUSER\tOVERALL\t\t2,2,2\n\n", street)
			fmt.Fprintf(&c, "USER\t请问第%d个订单什么时候到\t配送\t3,3,3\nSYSTEM\t抱歉这个我们办不了\t\t\nUSER\t你们真差劲我要投诉\t其他\t1,2,2\n\n", i)
		}
	}
	return e.String(), c.String()
}

func TestSatisfactionIsForeseen(t *testing.T) {
	data, sealed := t.TempDir(), t.TempDir()
	english, chinese := talks(60)
	some, others := talks(12)
	for path, text := range map[string]string{filepath.Join(data, "MWOZ.txt"): english, filepath.Join(sealed, "MWOZ.txt"): some} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r := run(t, Harness{}, "satisfaction", "--set", "uss", "--data", data, "--test", sealed, "--json")
	if r.N != 24 || r.Model != "floor" || r.Metrics["spearman"] < 0.9 || r.Metrics["f1"] < 0.9 || r.Metrics["uar"] < 0.6 {
		t.Errorf("%+v", r)
	}
	if r.Metrics["spearman_before"] < 0.6 || r.Metrics["spearman_shipped"] < 0.5 {
		t.Errorf("before the turn %v, shipped %v: nothing of the answers was seen", r.Metrics["spearman_before"], r.Metrics["spearman_shipped"])
	}
	if ci := r.CI["spearman"]; ci[0] > r.Metrics["spearman"] || ci[1] < r.Metrics["spearman"] {
		t.Errorf("interval %v around %v", ci, r.Metrics["spearman"])
	}

	for path, text := range map[string]string{filepath.Join(data, "MWOZ.txt"): chinese, filepath.Join(sealed, "MWOZ.txt"): others} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if r = run(t, Harness{}, "satisfaction", "--set", "uss", "--data", data, "--test", sealed, "--json"); r.Metrics["spearman"] < 0.8 {
		t.Errorf("in Chinese %+v", r.Metrics)
	}
}

func TestSatisfactionErrorsNameTheFix(t *testing.T) {
	empty, unrated := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(unrated, "SGD.txt"), []byte("USER\thello\t\t\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ args, want string }{
		"no files":   {"--set uss --data " + empty, "no *.txt"},
		"no ratings": {"--set uss --data " + unrated, "moments"},
		"no tweets":  {"--set twacs --data " + empty, "labelled.dev.jsonl"},
	} {
		err := Main(context.Background(), append([]string{"satisfaction"}, strings.Fields(c.args)...), &bytes.Buffer{})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", name, err, c.want)
		}
	}
}

func TestLastWordsFollowAnAnswer(t *testing.T) {
	c, a := corpus.Spoken{Customer: true}, corpus.Spoken{}
	for name, x := range map[string]struct {
		spoken []corpus.Spoken
		want   int
	}{
		"answered":       {[]corpus.Spoken{c, a, c}, 2},
		"agent last":     {[]corpus.Spoken{c, a, c, a}, 2},
		"no answer":      {[]corpus.Spoken{c, c, c}, 0},
		"said only once": {[]corpus.Spoken{c, a}, 0},
		"nobody":         {nil, 0},
	} {
		if got := answeredLast(&corpus.Talk{Spoken: x.spoken}); got != x.want {
			t.Errorf("%s: %d, want %d", name, got, x.want)
		}
	}
}

func TestSpearman(t *testing.T) {
	for name, c := range map[string]struct {
		a, b []float64
		want float64
	}{
		"same order": {[]float64{1, 2, 30}, []float64{0.1, 0.2, 0.3}, 1},
		"reversed":   {[]float64{3, 2, 1}, []float64{1, 2, 3}, -1},
		"ties":       {[]float64{1, 1, 2, 2}, []float64{1, 2, 3, 4}, 0.894427},
		"constant":   {[]float64{1, 1, 1}, []float64{1, 2, 3}, 0},
	} {
		if got := spearman(c.a, c.b); math.Abs(got-c.want) > 1e-6 {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
