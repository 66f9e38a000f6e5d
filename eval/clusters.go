package eval

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"

	"gonum.org/v1/gonum/floats"
	"throughline/nlp"
	"throughline/nlp/corpus"
	"throughline/nlp/linear"
)

// clusters scores NatCS as its challenge does: the intents of its domains are
// unknown beforehand, utterances are clustered by meaning, and accuracy is over
// the best one-to-one matching of clusters and intents (Gung et al., DSTC11
// track 2). The number of clusters is taken as known.
func (h Harness) clusters(ctx context.Context, q request, reader nlp.Reader) (Result, error) {
	pattern, folder := "*_development.jsonl", q.data
	if q.test != "" {
		pattern, folder = "*_test.jsonl", q.test
	}
	files, err := filepath.Glob(filepath.Join(folder, pattern))
	if err != nil || len(files) == 0 {
		return Result{}, fmt.Errorf("no %s in %s", pattern, folder)
	}
	var truth, said []int
	classes := 0
	for _, file := range files {
		rows, err := corpus.NatCS(file)
		if err != nil {
			return Result{}, err
		}
		names := labels(rows)
		examples, err := embed(ctx, reader, rows, names)
		if err != nil {
			return Result{}, err
		}
		var vectors []linear.Vector
		var real []int
		for _, e := range examples {
			if len(e.Labels) > 0 {
				vectors = append(vectors, e.Vector)
				real = append(real, e.Labels[0])
			}
		}
		group := cluster(vectors, len(names))
		matched := match(group, real, len(names))
		for i := range group {
			truth = append(truth, classes+real[i])
			said = append(said, classes+matched[group[i]])
		}
		classes += len(names)
	}
	r := Result{N: len(truth)}
	r.Metrics, r.CI = intervals(len(truth), func(drawn []int) map[string]float64 {
		accuracy, f1, _ := single(drawn, truth, said, classes)
		return map[string]float64{"accuracy": accuracy, "macro_f1": f1}
	})
	return named(r, reader), nil
}

// starts of the clustering; the best is kept.
const starts = 20

// cluster is spherical k-means. The same rows always give the same groups.
func cluster(rows []linear.Vector, k int) []int {
	rows, width := packed(rows)
	chance := rand.New(rand.NewPCG(seed, 3))
	var best []int
	most := -1.0
	for range starts {
		centres := make([][]float64, k)
		for c, i := range chance.Perm(len(rows))[:k] {
			centres[c] = make([]float64, width)
			for j, x := range rows[i].Value {
				centres[c][rows[i].Index[j]] = float64(x)
			}
		}
		group := make([]int, len(rows))
		var total float64
		for range 25 {
			total = 0
			moved := false
			for i, v := range rows {
				nearest, closest := 0, -2.0
				for c := range centres {
					if like := likeness(v, centres[c]); like > closest {
						nearest, closest = c, like
					}
				}
				moved = moved || group[i] != nearest
				group[i] = nearest
				total += closest
			}
			if !moved {
				break
			}
			centres = means(rows, group, k, width)
		}
		if total > most {
			best, most = append([]int(nil), group...), total
		}
	}
	return best
}

// packed renumbers the positions that occur, so that centres can be dense.
func packed(rows []linear.Vector) ([]linear.Vector, int) {
	column := make(map[uint32]uint32)
	out := make([]linear.Vector, len(rows))
	for i, v := range rows {
		out[i] = linear.Vector{Index: make([]uint32, len(v.Value)), Value: v.Value}
		for j := range v.Value {
			at, ok := column[v.At(j)]
			if !ok {
				at = uint32(len(column))
				column[v.At(j)] = at
			}
			out[i].Index[j] = at
		}
	}
	return out, len(column)
}

func likeness(v linear.Vector, centre []float64) float64 {
	var sum float64
	for i, x := range v.Value {
		sum += float64(x) * centre[v.Index[i]]
	}
	return sum
}

// means are the unit centres of the groups.
func means(rows []linear.Vector, group []int, k, width int) [][]float64 {
	out := make([][]float64, k)
	for c := range out {
		out[c] = make([]float64, width)
	}
	for i, v := range rows {
		for j, x := range v.Value {
			out[group[i]][v.Index[j]] += float64(x)
		}
	}
	for _, centre := range out {
		if long := floats.Norm(centre, 2); long > 0 {
			floats.Scale(1/long, centre)
		}
	}
	return out
}

// match assigns clusters to classes so that most rows agree: the Hungarian
// algorithm with potentials (Kuhn 1955; Munkres 1957).
func match(group, real []int, k int) []int {
	cost := make([][]float64, k+1)
	for i := range cost {
		cost[i] = make([]float64, k+1)
	}
	for i := range group {
		cost[group[i]+1][real[i]+1]--
	}
	u, v := make([]float64, k+1), make([]float64, k+1)
	row, way := make([]int, k+1), make([]int, k+1)
	for i := 1; i <= k; i++ {
		row[0] = i
		column := 0
		least := make([]float64, k+1)
		used := make([]bool, k+1)
		for j := range least {
			least[j] = 1e18
		}
		for {
			used[column] = true
			at, delta, next := row[column], 1e18, 0
			for j := 1; j <= k; j++ {
				if used[j] {
					continue
				}
				if reduced := cost[at][j] - u[at] - v[j]; reduced < least[j] {
					least[j], way[j] = reduced, column
				}
				if least[j] < delta {
					delta, next = least[j], j
				}
			}
			for j := 0; j <= k; j++ {
				if used[j] {
					u[row[j]] += delta
					v[j] -= delta
				} else {
					least[j] -= delta
				}
			}
			column = next
			if row[column] == 0 {
				break
			}
		}
		for column != 0 {
			row[column] = row[way[column]]
			column = way[column]
		}
	}
	out := make([]int, k)
	for j := 1; j <= k; j++ {
		out[row[j]-1] = j - 1
	}
	return out
}
