package dashboards

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Position is a place in the stream: for each partition of each topic, the
// offset of the next event. It is all that a client needs to go on after a
// break, and all that the server needs to know of a client.
type Position [][]int64

// positionVersion begins every written Position; it changes with the list of
// topics, so that an id of another program is told from a damaged one.
const positionVersion = "1"

// errPosition says that a text is no Position of any version.
var errPosition = errors.New("is not an id that this stream has given")

// errOtherShape says that a Position is of another version, or of a cluster
// with other partitions.
var errOtherShape = errors.New("position of another stream")

// String writes p as "1.5k-0-2.a-b-c": base 36, "-" between partitions, "."
// between topics. It is short, since it travels with every event, and holds
// nothing that a header or a URL would have to escape.
func (p Position) String() string { return string(p.append(make([]byte, 0, 160))) }

func (p Position) append(b []byte) []byte {
	b = append(b, positionVersion...)
	for _, topic := range p {
		for i, next := range topic {
			if i == 0 {
				b = append(b, '.')
			} else {
				b = append(b, '-')
			}
			b = strconv.AppendInt(b, next, 36)
		}
	}
	return b
}

// maxPosition bounds what is read of an id: 7 topics of 128 partitions.
const maxPosition = 16 << 10

// ParsePosition reads what String wrote. An id of another version or shape is
// told from one that is damaged only by fit.
func ParsePosition(s string) (Position, error) {
	if len(s) > maxPosition {
		return nil, errPosition
	}
	version, rest, ok := strings.Cut(s, ".")
	if !ok || version == "" || len(version) > 3 || strings.Trim(version, "0123456789") != "" {
		return nil, errPosition
	}
	var p Position
	for topic := range strings.SplitSeq(rest, ".") {
		var offsets []int64
		for digits := range strings.SplitSeq(topic, "-") {
			n, err := parseOffset(digits)
			if err != nil {
				return nil, errPosition
			}
			offsets = append(offsets, n)
		}
		p = append(p, offsets)
	}
	if version != positionVersion {
		return nil, errOtherShape
	}
	return p, nil
}

// parseOffset reads the one spelling of an offset: lower case, no sign and no
// leading zero.
func parseOffset(s string) (int64, error) {
	n, err := strconv.ParseInt(s, 36, 64)
	if err != nil || n < 0 || strconv.FormatInt(n, 36) != s {
		return 0, fmt.Errorf("offset: %w", errPosition)
	}
	return n, nil
}

func (p Position) clone() Position {
	c := make(Position, len(p))
	for i := range p {
		c[i] = slices.Clone(p[i])
	}
	return c
}

// fits tells whether p has the shape of other.
func (p Position) fits(other Position) bool {
	return slices.EqualFunc(p, other, func(a, b []int64) bool { return len(a) == len(b) })
}

// covers tells whether p is as far as other everywhere.
func (p Position) covers(other Position) bool {
	for t := range p {
		for i := range p[t] {
			if p[t][i] < other[t][i] {
				return false
			}
		}
	}
	return true
}

// passed tells whether the event at place was delivered before p, and moves p
// beyond it.
func (p Position) passed(at place) bool {
	next := &p[at.topic][at.partition]
	if at.offset < *next {
		return true
	}
	*next = at.offset + 1
	return false
}

// place is where an event stands.
type place struct {
	topic     int // index into topics
	partition int
	offset    int64
}
