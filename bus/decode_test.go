package bus

import (
	"bytes"
	stdjson "encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"throughline/event"
)

// filled sets every field below v, so that no kind of field goes unseen.
func filled(v reflect.Value, depth int) {
	switch {
	case depth > 8:
	case v.Type() == reflect.TypeFor[time.Time]():
		v.Set(reflect.ValueOf(time.Date(2026, 11, 22, 9, 30, 1, 123456789, time.UTC)))
	case v.Type() == reflect.TypeFor[stdjson.RawMessage]():
		v.SetBytes([]byte(`{"a":[1,"ü"]}`))
	case v.Kind() == reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		filled(v.Elem(), depth+1)
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			filled(v.Field(i), depth+1)
		}
	case v.Kind() == reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fallthrough
	case v.Kind() == reflect.Array:
		for i := range v.Len() {
			filled(v.Index(i), depth+1)
		}
	case v.Kind() == reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		filled(key, depth+1)
		filled(value, depth+1)
		v.SetMapIndex(key, value)
	case v.Kind() == reflect.String:
		v.SetString("“a” \\\"\n")
	case v.Kind() == reflect.Bool:
		v.SetBool(true)
	case v.CanInt():
		v.SetInt(7)
	case v.CanUint():
		v.SetUint(7)
	case v.CanFloat():
		v.SetFloat(-0.123456789)
	}
}

// same decodes data as both packages do and compares; where encoding/json
// refuses, an event must be refused too.
func same[T any](t *testing.T, data []byte) {
	t.Helper()
	var want T
	werr := stdjson.Unmarshal(data, &want)
	got, err := decode[T](raw{value: data})
	if (err == nil) != (werr == nil) {
		t.Fatalf("%T: error is %v, encoding/json says %v\n%s", want, err, werr, data)
	}
	if err == nil && !reflect.DeepEqual(got.Value, want) {
		t.Fatalf("%T of %s\n is %+v\nwant %+v", want, data, got.Value, want)
	}
}

func sameAll(t *testing.T, data []byte) {
	same[event.Turn](t, data)
	same[event.Features](t, data)
	same[event.Journey](t, data)
	same[event.Interaction](t, data)
	same[event.Alert](t, data)
	same[event.Suggestion](t, data)
	same[event.Consent](t, data)
	same[event.Identity](t, data)
	same[event.AudioChunk](t, data)
}

func sample[T any](t testing.TB) []byte {
	var v T
	filled(reflect.ValueOf(&v).Elem(), 0)
	data, err := stdjson.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func samples(t testing.TB) [][]byte {
	return [][]byte{
		sample[event.Turn](t), sample[event.Features](t), sample[event.Journey](t), sample[event.Interaction](t), sample[event.Alert](t),
		sample[event.Suggestion](t), sample[event.Consent](t), sample[event.Identity](t), sample[event.AudioChunk](t),
	}
}

// TestDecodesAsEncodingJSON: what is on the topics was written by encoding/json,
// by this program or by others, and must be read as it reads it.
func TestDecodesAsEncodingJSON(t *testing.T) {
	for _, data := range samples(t) {
		sameAll(t, data)
		sameAll(t, bytes.ToUpper(data))
		for n := range data {
			if n%7 == 0 {
				sameAll(t, data[:n])
			}
		}
	}
	for _, data := range []string{
		`null`, ` {"id" : "a" } `, `{"id":null,"at":null,"words":null,"raw":null,"quarters":null}`, `{"ID":"a","id":"b","Id":"c"}`, `{"id":7}`,
		`{"id":"\ud800"}`, "{\"id\":\"\xff\"}", `{"at":"2026-11-22"}`, `{"at":"2026-11-22T09:00:00,5Z"}`, `{"version":-1}`, `{"version":1e2}`, `{"version":1.0}`, `{"turns":99999999999999999999}`,
		`{"confidence":1e400}`, `{"payload":"AA==\n"}`, `{"payload":"AB=="}`, `{"payload":"A"}`, `{"payload":[1,2]}`, `{"seen":null}`, `{"sentiment":{"quarters":[1,null]}}`, `{"sentiment":{"quarters":[1,2,3,4,5]}}`,
		`{"attrs":{"a":"b","a":"c"}}`, `{"attrs":{"a":1}}`, `{"media":{"id":"a"},"media":{"mime":"b"}}`, `{"id":"a"} x`, `[]`, `"a"`, `{"unknown":{"deep":[1,{"x":2}]}}`,
	} {
		sameAll(t, []byte(data))
	}
}

func FuzzDecodesAsEncodingJSON(f *testing.F) {
	for _, data := range samples(f) {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) { sameAll(t, data) })
}

// TestDecodeErrorsQuoteNobody: an error goes to the log and the dead-letter topic.
func TestDecodeErrorsQuoteNobody(t *testing.T) {
	for data, want := range map[string]string{
		`{"text":{"geheim":"geheim"}}`:        `field "text"`,
		`{"attrs":{"geheim":1}}`:              `field "attrs"`,
		`{"at":"geheim"}`:                     `field "at"`,
		`{"text":"geheim`:                     "not JSON",
		`{"media":{"size":"geheim"},"geh":1}`: `field "media"`,
	} {
		_, err := decode[event.Turn](raw{value: []byte(data)})
		if err == nil || strings.Contains(err.Error(), "geheim") || !strings.Contains(err.Error(), want) || !IsPermanent(err) {
			t.Errorf("%s: %v", data, err)
		}
	}
}

func BenchmarkDecodeJourney(b *testing.B) {
	data := sample[event.Journey](b)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if _, err := decode[event.Journey](raw{value: data}); err != nil {
			b.Fatal(err)
		}
	}
}
