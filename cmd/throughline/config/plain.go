package config

import (
	"errors"
	"regexp"
	"strings"

	"gopkg.in/yaml.v3"
)

var (
	unknownKey = regexp.MustCompile(`^line (\d+): field (\S+) not found in type \S+$`)
	otherType  = regexp.MustCompile(`(?s)^line (\d+): cannot unmarshal !!(\w+).* into (\S+)$`)
)

// plain says what is wrong with a file in the words of whoever wrote it: keys
// and values, not the program's types. Values are not repeated, since one of
// them may be a password.
func plain(err error, known []field) error {
	e, ok := errors.AsType[*yaml.TypeError](err)
	if !ok {
		return err
	}
	out := make([]string, len(e.Errors))
	for i, text := range e.Errors {
		out[i] = text
		if m := unknownKey.FindStringSubmatch(text); m != nil {
			out[i] = "line " + m[1] + ": " + m[2] + " is not a setting here" + suggest(m[2], known) + "; throughline config default prints all of them"
		} else if m := otherType.FindStringSubmatch(text); m != nil {
			out[i] = "line " + m[1] + ": " + found(m[2]) + " where " + wanted(m[3]) + " belongs"
		}
	}
	return errors.New(strings.Join(out, "; "))
}

// found names a kind of YAML node.
func found(tag string) string {
	switch tag {
	case "seq":
		return "a list"
	case "map":
		return "a section"
	case "int", "float":
		return "a number"
	case "bool":
		return "true or false"
	}
	return "a text"
}

// wanted names what a Go type takes.
func wanted(typ string) string {
	switch {
	case strings.HasPrefix(typ, "[]"):
		return "a list"
	case typ == "time.Duration":
		return "a duration such as 90s or 24h"
	case typ == "bool":
		return "true or false"
	case typ == "string":
		return "a text"
	case strings.HasPrefix(typ, "int"), strings.HasPrefix(typ, "uint"), strings.HasPrefix(typ, "float"):
		return "a number"
	}
	return "a section of settings"
}

// suggest finds the key, or section, that a misspelt one stands for: one letter
// wrong, missing, added, or two exchanged.
func suggest(name string, known []field) string {
	for _, f := range known {
		for _, word := range strings.Split(f.key, ".") {
			if word != name && near(name, word) {
				return ": did you mean " + word + "?"
			}
		}
	}
	return ""
}

// misspelt finds the variable that name stands for, "" for none: others may begin
// with our prefix too, as those do that Kubernetes sets for a service of our name.
func misspelt(name string, keys map[string]field) string {
	if !strings.HasPrefix(name, EnvPrefix) {
		return ""
	}
	for key := range keys {
		if near(name, key) {
			return key
		}
	}
	return ""
}

func near(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	if len(b)-len(a) > 1 || len(a) < 2 {
		return false
	}
	i := 0
	for i < len(a) && a[i] == b[i] {
		i++
	}
	if len(a) < len(b) {
		return a[i:] == b[i+1:]
	}
	if i == len(a) {
		return true
	}
	exchanged := i+1 < len(a) && a[i] == b[i+1] && a[i+1] == b[i] && a[i+2:] == b[i+2:]
	return a[i+1:] == b[i+1:] || exchanged
}
