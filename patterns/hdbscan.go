package patterns

import (
	"cmp"
	"math"
	"slices"
)

// Vector is a meaning: Value[i] stands at Index[i], or at i where Index is nil.
type Vector struct {
	Index []uint32
	Value []float32
}

// groups finds the dense groups among points by HDBSCAN (Campello, Moulavi and
// Sander 2013), by its leaves, the finest ones: how many there are follows from the
// data, and what lies between them belongs to none (−1). The distance is
// 1 − cosine. least is the smallest group; the same points give the same groups.
func groups(points []Vector, least int) []int {
	n := len(points)
	labels := make([]int, n)
	for i := range labels {
		labels[i] = -1
	}
	if n < 2*least {
		return labels
	}
	away := distances(points)
	edges := spanning(away, cores(away, n, least), n)
	tree := condense(edges, n, least)
	for i, b := range tree {
		if i == 0 || len(b.children) > 0 {
			continue // everything is no group, and what holds others is not the finest
		}
		for _, p := range b.own {
			labels[p] = i
		}
	}
	return labels
}

// distances is the full matrix, row after row. Every vector is spread over its
// positions once, so that a pair costs as much as the second one has values.
func distances(points []Vector) []float32 {
	n := len(points)
	width := uint32(0)
	long := make([]float64, n)
	for i, p := range points {
		for j, x := range p.Value {
			width = max(width, p.at(j)+1)
			long[i] += float64(x) * float64(x)
		}
		long[i] = math.Sqrt(long[i])
	}
	away, spread := make([]float32, n*n), make([]float32, width)
	for i, p := range points {
		for j, x := range p.Value {
			spread[p.at(j)] = x
		}
		for k := range i {
			var dot float32
			q := points[k]
			for j, x := range q.Value {
				dot += x * spread[q.at(j)]
			}
			d := float32(1)
			if long[i] > 0 && long[k] > 0 {
				d = max(0, 1-dot/float32(long[i]*long[k]))
			}
			away[i*n+k], away[k*n+i] = d, d
		}
		for j := range p.Value {
			spread[p.at(j)] = 0
		}
	}
	return away
}

func (v Vector) at(i int) uint32 {
	if v.Index == nil {
		return uint32(i)
	}
	return v.Index[i]
}

// cores is how far each point's least-th nearest neighbour is, itself counted.
func cores(away []float32, n, least int) []float32 {
	out, row := make([]float32, n), make([]float32, n)
	for i := range n {
		copy(row, away[i*n:(i+1)*n])
		slices.Sort(row)
		out[i] = row[least-1]
	}
	return out
}

type edge struct {
	a, b int
	far  float32
}

// spanning is the minimum spanning tree of the mutual reachability (Prim), its
// edges from near to far.
func spanning(away, core []float32, n int) []edge {
	nearest, from, done := make([]float32, n), make([]int, n), make([]bool, n)
	for i := range nearest {
		nearest[i] = math.MaxFloat32
	}
	edges := make([]edge, 0, n-1)
	at := 0
	for range n - 1 {
		done[at] = true
		next := -1
		for i := range n {
			if done[i] {
				continue
			}
			if d := max(away[at*n+i], core[at], core[i]); d < nearest[i] {
				nearest[i], from[i] = d, at
			}
			if next < 0 || nearest[i] < nearest[next] {
				next = i
			}
		}
		edges = append(edges, edge{from[next], next, nearest[next]})
		at = next
	}
	slices.SortStableFunc(edges, func(a, b edge) int { return cmp.Compare(a.far, b.far) })
	return edges
}

// branch is a node of the condensed tree: points that stay together from the
// density at which they part from others on.
type branch struct {
	children []int
	own      []int // points that fell out of it by themselves
}

type condensed []branch

// condense cuts the single-linkage tree from the top: a split into two sides of
// at least least points makes two branches, any other only lets points fall out.
func condense(edges []edge, n, least int) condensed {
	left, right, size := dendrogram(edges, n)
	tree := condensed{{}}
	type visit struct{ node, branch int }
	todo := []visit{{n + len(edges) - 1, 0}}
	for len(todo) > 0 {
		v := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		sides := [2]int{left[v.node-n], right[v.node-n]}
		parts := size[sides[0]] >= least && size[sides[1]] >= least
		for _, side := range sides {
			switch {
			case parts:
				tree = append(tree, branch{})
				tree[v.branch].children = append(tree[v.branch].children, len(tree)-1)
				todo = append(todo, visit{side, len(tree) - 1})
			case size[side] >= least:
				todo = append(todo, visit{side, v.branch})
			default:
				tree[v.branch].own = append(tree[v.branch].own, leaves(side, n, left, right)...)
			}
		}
	}
	return tree
}

// dendrogram joins points by edges from near to far: node n+i joins left[i] and
// right[i], and size counts the points of each node.
func dendrogram(edges []edge, n int) (left, right, size []int) {
	left, right = make([]int, len(edges)), make([]int, len(edges))
	size, top := make([]int, n+len(edges)), make([]int, n+len(edges))
	for i := range top {
		top[i] = i
		if i < n {
			size[i] = 1
		}
	}
	find := func(i int) int {
		for top[i] != i {
			top[i] = top[top[i]]
			i = top[i]
		}
		return i
	}
	for i, e := range edges {
		left[i], right[i] = find(e.a), find(e.b)
		top[left[i]], top[right[i]] = n+i, n+i
		size[n+i] = size[left[i]] + size[right[i]]
	}
	return left, right, size
}

func leaves(node, n int, left, right []int) []int {
	if node < n {
		return []int{node}
	}
	return append(leaves(left[node-n], n, left, right), leaves(right[node-n], n, left, right)...)
}
