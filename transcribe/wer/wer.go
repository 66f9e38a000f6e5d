package wer

import "fmt"

// Counts are the errors of one transcript, or the sum over many. The rate of a
// set is the rate of the summed counts, so long utterances weigh more.
type Counts struct {
	Substituted, Deleted, Inserted int
	// Reference is the number of words in the reference.
	Reference int
}

// Score normalises both texts and counts the errors of hypothesis.
func Score(reference, hypothesis string) Counts {
	return Align(Normalise(reference), Normalise(hypothesis))
}

// Add returns the sum of both.
func (c Counts) Add(o Counts) Counts {
	return Counts{c.Substituted + o.Substituted, c.Deleted + o.Deleted, c.Inserted + o.Inserted, c.Reference + o.Reference}
}

// Errors is the number of words that are wrong.
func (c Counts) Errors() int { return c.Substituted + c.Deleted + c.Inserted }

// Rate is the word error rate: errors for each word of the reference. It may
// exceed 1, and is 0 for an empty reference, where Inserted tells the rest.
func (c Counts) Rate() float64 {
	if c.Reference == 0 {
		return 0
	}
	return float64(c.Errors()) / float64(c.Reference)
}

func (c Counts) String() string {
	return fmt.Sprintf("%.1f %% (%d substituted, %d deleted, %d inserted of %d)",
		100*c.Rate(), c.Substituted, c.Deleted, c.Inserted, c.Reference)
}

// Align counts the errors of a least-cost alignment of words (Levenshtein,
// each error costing 1). Among alignments of equal cost it takes the one with
// the most substitutions, as sclite does.
func Align(reference, hypothesis []string) Counts {
	n, m := len(reference), len(hypothesis)
	cost := make([][]int, n+1)
	for i := range cost {
		cost[i] = make([]int, m+1)
		cost[i][0] = i
	}
	for j := range cost[0] {
		cost[0][j] = j
	}
	for i := 1; i <= n; i++ {
		for j := 1; j <= m; j++ {
			cost[i][j] = min(cost[i-1][j-1]+differ(reference[i-1], hypothesis[j-1]), cost[i-1][j]+1, cost[i][j-1]+1)
		}
	}
	c := Counts{Reference: n}
	for i, j := n, m; i > 0 || j > 0; {
		switch {
		case i > 0 && j > 0 && cost[i][j] == cost[i-1][j-1]+differ(reference[i-1], hypothesis[j-1]):
			c.Substituted += differ(reference[i-1], hypothesis[j-1])
			i, j = i-1, j-1
		case i > 0 && cost[i][j] == cost[i-1][j]+1:
			c.Deleted++
			i--
		default:
			c.Inserted++
			j--
		}
	}
	return c
}

func differ(a, b string) int {
	if a == b {
		return 0
	}
	return 1
}
