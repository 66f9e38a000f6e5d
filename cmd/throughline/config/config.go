// Package config reads the settings of the whole program into structs whose
// fields carry their own key, default and doc, and prints them back as an
// annotated file and as a table.
//
// Enters: a YAML file and the environment. Leaves: a filled struct, or errors
// that name the key, its place in the file and the fix.
package config

import (
	"encoding"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"throughline/flaw"
)

// EnvPrefix begins the name of every environment variable that sets a key:
// kafka.brokers is THROUGHLINE_KAFKA_BROKERS.
const EnvPrefix = "THROUGHLINE_"

// Load fills into from, in rising order: the defaults in its tags, the file at
// path ("" for none), the environment.
func Load(path string, environ []string, into any) error {
	if err := defaults(reflect.ValueOf(into).Elem()); err != nil {
		return err
	}
	if path != "" {
		b, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("read config: %w", err)
		}
		if err := read(b, reflect.ValueOf(into).Elem()); err != nil {
			return flaw.In(path, err)
		}
	}
	return fromEnvironment(environ, into)
}

func fromEnvironment(environ []string, into any) error {
	keys := map[string]field{}
	for _, f := range fields(reflect.ValueOf(into).Elem(), "") {
		keys[EnvPrefix+strings.ToUpper(strings.ReplaceAll(f.key, ".", "_"))] = f
	}
	for _, kv := range environ {
		name, value, _ := strings.Cut(kv, "=")
		f, ok := keys[name]
		if !ok {
			if meant := misspelt(name, keys); meant != "" {
				return fmt.Errorf("environment %s is not a setting: did you mean %s? throughline config default prints all of them", name, meant)
			}
			continue
		}
		if err := set(f.value, value); err != nil {
			return fmt.Errorf("environment %s: %w", name, err)
		}
	}
	return nil
}

// field is one setting: a leaf of the struct.
type field struct {
	key, doc, standard string
	secret             bool
	value              reflect.Value
}

// fields lists the leaves of v in order. Maps, and lists of structs, are leaves
// that only a file can set.
func fields(v reflect.Value, prefix string) []field {
	var out []field
	for i := range v.NumField() {
		t := v.Type().Field(i)
		key, inline, ok := keyOf(t)
		if !ok {
			continue
		}
		if inline {
			out = append(out, fields(v.Field(i), prefix)...)
			continue
		}
		if t.Type.Kind() == reflect.Struct && !isLeaf(v.Field(i)) {
			out = append(out, fields(v.Field(i), prefix+key+".")...)
			continue
		}
		out = append(out, field{key: prefix + key, doc: t.Tag.Get("doc"), standard: t.Tag.Get("default"), secret: t.Tag.Get("secret") == "true", value: v.Field(i)})
	}
	return out
}

func isLeaf(v reflect.Value) bool {
	if !v.CanAddr() {
		return false
	}
	_, text := v.Addr().Interface().(encoding.TextUnmarshaler)
	_, node := v.Addr().Interface().(yaml.Unmarshaler)
	return text || node
}

func defaults(v reflect.Value) error {
	for _, f := range fields(v, "") {
		if f.standard == "" {
			continue
		}
		if err := set(f.value, f.standard); err != nil {
			return fmt.Errorf("default of %s: %w", f.key, err)
		}
	}
	return nil
}

// set parses s as the type of v. Lists are separated by commas.
func set(v reflect.Value, s string) error {
	if v.CanAddr() {
		if u, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
			return u.UnmarshalText([]byte(s))
		}
	}
	if v.Type() == reflect.TypeFor[time.Duration]() {
		d, err := time.ParseDuration(s)
		if err != nil {
			return fmt.Errorf("%q is not a duration such as 90s or 24h", s)
		}
		v.SetInt(int64(d))
		return nil
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(s)
	case reflect.Bool:
		b, err := strconv.ParseBool(s)
		if err != nil {
			return fmt.Errorf("%q is not true or false", s)
		}
		v.SetBool(b)
	case reflect.Int, reflect.Int32, reflect.Int64:
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil || v.OverflowInt(n) {
			return fmt.Errorf("%q is not a whole number", s)
		}
		v.SetInt(n)
	case reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uint:
		n, err := strconv.ParseUint(s, 10, 64)
		if err != nil || v.OverflowUint(n) {
			return fmt.Errorf("%q is not a whole number from 0 on", s)
		}
		v.SetUint(n)
	case reflect.Float64:
		n, err := strconv.ParseFloat(s, 64)
		if err != nil {
			return fmt.Errorf("%q is not a number", s)
		}
		v.SetFloat(n)
	case reflect.Slice:
		if v.Type().Elem().Kind() != reflect.String {
			return errors.New("this list can only be set in the file")
		}
		list := reflect.MakeSlice(v.Type(), 0, 4)
		for item := range strings.SplitSeq(s, ",") {
			if item = strings.TrimSpace(item); item != "" {
				list = reflect.Append(list, reflect.ValueOf(item).Convert(v.Type().Elem()))
			}
		}
		v.Set(list)
	default:
		return errors.New("this setting can only be given in the file")
	}
	return nil
}

// WriteDefault prints the annotated file with every key at its default,
// commented out: it is the manual, and a start for one's own.
func WriteDefault(w io.Writer, of any) error {
	fresh := reflect.New(reflect.TypeOf(of).Elem())
	if err := defaults(fresh.Elem()); err != nil {
		return err
	}
	var open []string
	for _, f := range fields(fresh.Elem(), "") {
		path := strings.Split(f.key, ".")
		depth := 0
		for depth < len(path)-1 && depth < len(open) && open[depth] == path[depth] {
			depth++
		}
		for ; depth < len(path)-1; depth++ {
			if depth == 0 {
				fmt.Fprintln(w)
			}
			fmt.Fprintf(w, "%s%s:\n", strings.Repeat("  ", depth), path[depth])
		}
		open = path[:len(path)-1]
		indent := strings.Repeat("  ", len(path)-1)
		if f.doc != "" {
			fmt.Fprintf(w, "%s# %s\n", indent, f.doc)
		}
		fmt.Fprintf(w, "%s# %s: %s\n", indent, path[len(path)-1], literal(f))
	}
	return nil
}

func literal(f field) string {
	if f.standard != "" {
		if f.value.Kind() == reflect.Slice {
			return "[" + f.standard + "]"
		}
		return f.standard
	}
	switch f.value.Kind() {
	case reflect.Slice:
		return "[]"
	case reflect.Map, reflect.Struct:
		return "{}"
	case reflect.String:
		return `""`
	case reflect.Bool:
		return "false"
	default:
		return "0"
	}
}

// WriteTable prints every key as a Markdown table.
func WriteTable(w io.Writer, of any) {
	fmt.Fprintln(w, "| key | default | what it is |\n|---|---|---|")
	for _, f := range fields(reflect.New(reflect.TypeOf(of).Elem()).Elem(), "") {
		fmt.Fprintf(w, "| `%s` | `%s` | %s |\n", f.key, literal(f), strings.ReplaceAll(f.doc, "|", `\|`))
	}
}
