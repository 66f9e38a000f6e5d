package eval

import (
	"math"
	"testing"
)

// The wanted values are those of the package rouge-score 0.1.2 without stemming,
// and of Lin's own examples (2004, §3.1), whose ROUGE-L they are.
func TestRouge(t *testing.T) {
	for name, c := range map[string]struct {
		said, reference string
		want            [3]float64
	}{
		"Lin's S2":           {"police kill the gunman", "police killed the gunman", [3]float64{0.75, 1. / 3, 0.75}},
		"Lin's S3":           {"the gunman kill police", "police killed the gunman", [3]float64{0.75, 1. / 3, 0.5}},
		"lengths differ":     {"the gunman kill police", "the police killed the gunman", [3]float64{2. / 3, 2. / 7, 4. / 9}},
		"marks and numbers":  {"The customer wants the refund of order 4839201!", "Customer asks for a refund, order 4839201.", [3]float64{8. / 15, 2. / 13, 8. / 15}},
		"a word said twice":  {"no no no", "no", [3]float64{0.5, 0, 0.5}},
		"the same":           {"one two", "One, two", [3]float64{1, 1, 1}},
		"nothing said":       {"", "x", [3]float64{}},
		"nothing to compare": {"...", "!", [3]float64{}},
	} {
		one, two, longest := rouge(rougeWords(c.said), rougeWords(c.reference))
		for i, got := range [3]float64{one, two, longest} {
			if math.Abs(got-c.want[i]) > 1e-9 {
				t.Errorf("%s: %v, want %v", name, [3]float64{one, two, longest}, c.want)
				break
			}
		}
	}
}
