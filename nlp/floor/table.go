package floor

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strings"

	"throughline/nlp/linear"
)

// A model file is a header, the names of the classes, their scales and biases as
// float32, and one signed byte a position and class, row by position. Numbers
// are little-endian. It is read in place, so opening one costs nothing.
const magic = "TLFLOOR1"

// maxClasses is how many classes a model may have.
const maxClasses = 64

var errFile = errors.New("not a floor model file")

// table is an open model file.
type table struct {
	width   uint32 // a power of two
	names   []string
	scales  []float32
	biases  []float32
	weights string
}

// Encode is r as a model file: each class's weights shared out over a signed
// byte. The few weights beyond reach, one in ten thousand, are cut to it.
func Encode(r *linear.Regression, names []string) ([]byte, error) {
	if len(names) != r.Classes || r.Width&(r.Width-1) != 0 {
		return nil, fmt.Errorf("encode model: %d names for %d classes, width %d", len(names), r.Classes, r.Width)
	}
	joined := strings.Join(names, "\n")
	out := append([]byte(magic), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
	binary.LittleEndian.PutUint32(out[8:], uint32(r.Width))
	binary.LittleEndian.PutUint32(out[12:], uint32(r.Classes))
	binary.LittleEndian.PutUint32(out[16:], uint32(len(joined)))
	out = append(out, joined...)
	scales := make([]float64, r.Classes)
	for k := range r.Classes {
		scales[k] = reach(r, k) / 127
		out = binary.LittleEndian.AppendUint32(out, math.Float32bits(float32(scales[k])))
	}
	for _, b := range r.Bias {
		out = binary.LittleEndian.AppendUint32(out, math.Float32bits(b))
	}
	for i, w := range r.Weights {
		step := math.Round(float64(w) / scales[i%r.Classes])
		out = append(out, byte(int8(min(max(step, -127), 127))))
	}
	return out, nil
}

// reach is the weight of class k that only one in ten thousand exceeds.
func reach(r *linear.Regression, k int) float64 {
	const bins = 4096
	var most float64
	for i := k; i < len(r.Weights); i += r.Classes {
		most = max(most, math.Abs(float64(r.Weights[i])))
	}
	if most == 0 {
		return 1
	}
	var count [bins + 1]int
	for i := k; i < len(r.Weights); i += r.Classes {
		count[int(math.Abs(float64(r.Weights[i]))/most*bins)]++
	}
	beyond, bin := 0, bins
	for ; bin > 1 && beyond+count[bin] <= r.Width/10000; bin-- {
		beyond += count[bin]
	}
	return most * float64(bin+1) / bins
}

// parse opens a model file.
func parse(file string) (table, error) {
	if len(file) < 20 || file[:8] != magic {
		return table{}, errFile
	}
	number := func(at int) uint32 { return binary.LittleEndian.Uint32([]byte(file[at : at+4])) }
	width, classes, names := number(8), number(12), number(16)
	if width == 0 || width&(width-1) != 0 || width > Width || classes == 0 || classes > maxClasses || names > 1<<16 {
		return table{}, fmt.Errorf("%w: width %d, classes %d", errFile, width, classes)
	}
	body := 20 + int(names)
	if want := body + int(classes)*8 + int(width)*int(classes); len(file) != want {
		return table{}, fmt.Errorf("%w: %d bytes, want %d", errFile, len(file), want)
	}
	t := table{width: width, names: strings.Split(file[20:body], "\n"), weights: file[body+int(classes)*8:]}
	if len(t.names) != int(classes) {
		return table{}, fmt.Errorf("%w: %d names for %d classes", errFile, len(t.names), classes)
	}
	for k := range int(classes) {
		t.scales = append(t.scales, math.Float32frombits(number(body+4*k)))
		t.biases = append(t.biases, math.Float32frombits(number(body+4*(int(classes)+k))))
	}
	return t, nil
}

// scores puts each class's score for the hashed features into out, which must be
// as long as there are classes.
func (t *table) scores(features []uint32, out []float64) {
	var sums [maxClasses]int32
	k := len(t.names)
	for _, f := range features {
		at := int(f&(t.width-1)) * k
		for c, w := range []byte(t.weights[at : at+k]) {
			sums[c] += int32(int8(w))
		}
	}
	norm := scale(len(features))
	for c := range out {
		out[c] = float64(t.scales[c])*float64(sums[c])*norm + float64(t.biases[c])
	}
}

// scale is what the count of each feature is multiplied by, so that long and
// short texts weigh alike.
func scale(features int) float64 {
	if features == 0 {
		return 0
	}
	return 1 / math.Sqrt(float64(features))
}
