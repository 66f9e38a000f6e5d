package graph

import (
	"encoding/binary"
	"fmt"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// Element is the type of a tensor's elements (TensorProto.DataType).
type Element int64

// The element types that occur in quantised speech models.
const (
	Float32 Element = 1
	Uint8   Element = 2
	Int8    Element = 3
	Int64   Element = 7
)

const (
	tensorDims    = 1
	tensorElement = 2
	tensorFloats  = 4
	tensorInts    = 5
	tensorName    = 8
	tensorRaw     = 9
)

// Tensor is a constant of the network. Data holds its elements in
// little-endian order when the file stores them so; small constants may sit in
// typed fields instead, which Scalar and ScalarByte read.
type Tensor struct {
	Name    string
	Element Element
	Dims    []int64
	Data    []byte
	floats  []byte
	ints    []int64
	raw     []byte
}

func parseTensor(b []byte) (Tensor, error) {
	t := Tensor{raw: b}
	err := eachField(b, func(f field) error {
		switch f.id {
		case tensorDims:
			dims, err := f.integers()
			t.Dims = append(t.Dims, dims...)
			return err
		case tensorElement:
			t.Element = Element(f.number)
		case tensorName:
			t.Name = string(f.value)
		case tensorRaw:
			t.Data = f.value
		case tensorFloats:
			if f.kind == protowire.BytesType {
				t.floats = append(t.floats, f.value...)
			} else if f.kind == protowire.Fixed32Type {
				t.floats = append(t.floats, f.raw[len(f.raw)-4:]...)
			}
		case tensorInts:
			ints, err := f.integers()
			t.ints = append(t.ints, ints...)
			return err
		}
		return nil
	})
	return t, err
}

// NewTensor makes a constant from its elements in little-endian order.
func NewTensor(name string, element Element, data []byte, dims ...int64) Tensor {
	var raw []byte
	for _, d := range dims {
		raw = appendInt(raw, tensorDims, d)
	}
	raw = appendInt(raw, tensorElement, int64(element))
	raw = appendString(raw, tensorName, name)
	raw = appendBytes(raw, tensorRaw, data)
	return Tensor{Name: name, Element: element, Dims: dims, Data: data, raw: raw}
}

// NewScalar makes a constant that holds one 32-bit floating-point number.
func NewScalar(name string, v float32) Tensor {
	return NewTensor(name, Float32, binary.LittleEndian.AppendUint32(nil, math.Float32bits(v)))
}

// Scalar returns the single floating-point number that t holds.
func (t Tensor) Scalar() (float32, error) {
	for _, b := range [][]byte{t.Data, t.floats} {
		if len(b) == 4 && t.Element == Float32 {
			return math.Float32frombits(binary.LittleEndian.Uint32(b)), nil
		}
	}
	return 0, fmt.Errorf("constant %q: not one float", t.Name)
}

// ScalarByte returns the single unsigned byte that t holds. A field that the
// writer left out is zero, as protobuf has it.
func (t Tensor) ScalarByte() (byte, error) {
	switch {
	case t.Element != Uint8 || len(t.Data) > 1 || len(t.ints) > 1:
		return 0, fmt.Errorf("constant %q: not one byte", t.Name)
	case len(t.Data) == 1:
		return t.Data[0], nil
	case len(t.ints) == 1:
		return byte(t.ints[0]), nil
	}
	return 0, nil
}

// Signed returns t, an unsigned 8-bit tensor, as a signed one that stands for
// the same numbers once its zero point is shifted by 128 likewise. The change
// is exact: v−z = (v−128)−(z−128).
func (t Tensor) Signed() (Tensor, error) {
	if t.Element != Uint8 {
		return t, fmt.Errorf("constant %q: element %d is not unsigned byte", t.Name, t.Element)
	}
	data := t.Data
	if len(data) == 0 {
		v, err := t.ScalarByte()
		if err != nil {
			return t, err
		}
		data = []byte{v}
	}
	signed := make([]byte, len(data))
	for i, v := range data {
		signed[i] = v ^ 0x80
	}
	return NewTensor(t.Name, Int8, signed, t.Dims...), nil
}
