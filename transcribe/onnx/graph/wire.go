package graph

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
)

// errTruncated is returned for bytes that are not a protobuf message.
var errTruncated = errors.New("malformed message")

// field is one field of a protobuf message: raw is tag and value together,
// value is the payload of a length-delimited field, and number the payload of
// a varint.
type field struct {
	id     protowire.Number
	kind   protowire.Type
	raw    []byte
	value  []byte
	number uint64
}

// eachField calls visit for every field of the message b, in order.
func eachField(b []byte, visit func(field) error) error {
	for len(b) > 0 {
		id, kind, tag := protowire.ConsumeTag(b)
		if tag < 0 {
			return fmt.Errorf("read tag: %w", errTruncated)
		}
		size := protowire.ConsumeFieldValue(id, kind, b[tag:])
		if size < 0 {
			return fmt.Errorf("read field %d: %w", id, errTruncated)
		}
		f := field{id: id, kind: kind, raw: b[:tag+size]}
		switch kind {
		case protowire.BytesType:
			f.value, _ = protowire.ConsumeBytes(b[tag:])
		case protowire.VarintType:
			f.number, _ = protowire.ConsumeVarint(b[tag:])
		}
		if err := visit(f); err != nil {
			return err
		}
		b = b[tag+size:]
	}
	return nil
}

// integers reads a repeated integer field, which a writer may or may not pack.
func (f field) integers() ([]int64, error) {
	if f.kind == protowire.VarintType {
		return []int64{int64(f.number)}, nil
	}
	var out []int64
	for b := f.value; len(b) > 0; {
		v, n := protowire.ConsumeVarint(b)
		if n < 0 {
			return nil, fmt.Errorf("read integers: %w", errTruncated)
		}
		out = append(out, int64(v))
		b = b[n:]
	}
	return out, nil
}

func appendBytes(b []byte, id protowire.Number, v []byte) []byte {
	b = protowire.AppendTag(b, id, protowire.BytesType)
	return protowire.AppendBytes(b, v)
}

func appendString(b []byte, id protowire.Number, v string) []byte {
	b = protowire.AppendTag(b, id, protowire.BytesType)
	return protowire.AppendString(b, v)
}

func appendInt(b []byte, id protowire.Number, v int64) []byte {
	b = protowire.AppendTag(b, id, protowire.VarintType)
	return protowire.AppendVarint(b, uint64(v))
}
