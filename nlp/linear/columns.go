package linear

// columns packs the positions that occur in a problem into 0…n−1: a hash space
// of a quarter million holds a few thousand words of one taxonomy.
type columns struct {
	of    []int32 // position → column + 1; 0: never seen
	count int
}

func pack(vectors []Vector) (columns, []Vector) {
	var width uint32
	for _, v := range vectors {
		for j := range v.Value {
			width = max(width, v.At(j)+1)
		}
	}
	c := columns{of: make([]int32, width)}
	packed := make([]Vector, len(vectors))
	for i, v := range vectors {
		p := Vector{Index: make([]uint32, len(v.Value)), Value: v.Value}
		for j := range v.Value {
			at := v.At(j)
			if c.of[at] == 0 {
				c.count++
				c.of[at] = int32(c.count)
			}
			p.Index[j] = uint32(c.of[at] - 1)
		}
		packed[i] = p
	}
	return c, packed
}

// column of a position, −1 where the problem never had it.
func (c columns) column(at uint32) int {
	if int(at) >= len(c.of) {
		return -1
	}
	return int(c.of[at]) - 1
}
