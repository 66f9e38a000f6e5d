package linear

// columns packs the positions that occur in a problem into 0…n−1: a hash space
// of a quarter million holds a few thousand words of one taxonomy.
type columns struct {
	of    map[uint32]int32
	count int
}

func pack(vectors []Vector) (columns, []Vector) {
	c := columns{of: make(map[uint32]int32)}
	packed := make([]Vector, len(vectors))
	for i, v := range vectors {
		p := Vector{Index: make([]uint32, len(v.Value)), Value: v.Value}
		for j := range v.Value {
			at := v.at(j)
			column, ok := c.of[at]
			if !ok {
				column = int32(len(c.of))
				c.of[at] = column
			}
			p.Index[j] = uint32(column)
		}
		packed[i] = p
	}
	c.count = len(c.of)
	return c, packed
}
