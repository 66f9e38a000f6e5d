package config

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"throughline/flaw"
)

var unknownKey = regexp.MustCompile(`^unknown key "(.+)"$`)

// plain says what is wrong with a file in the words of whoever wrote it: keys
// and values, not the program's types.
func plain(err error, known []field) error {
	var out []string
	for _, f := range flaw.OfYAML(err, flaw.Start()) {
		reason := f.Reason
		if m := unknownKey.FindStringSubmatch(reason); m != nil {
			reason = m[1] + " is not a setting here" + suggest(m[1], known) + "; throughline config default prints all of them"
		}
		out = append(out, fmt.Sprintf("line %d: %s", f.Line, reason))
	}
	return errors.New(strings.Join(out, "; "))
}

// suggest finds the key, or section, that a misspelt one stands for.
func suggest(name string, known []field) string {
	var words []string
	for _, f := range known {
		words = append(words, strings.Split(f.key, ".")...)
	}
	if meant := Meant(name, words); meant != "" {
		return ": did you mean " + meant + "?"
	}
	return ""
}

// misspelt finds the variable that name stands for, "" for none: others may begin
// with our prefix too, as those do that Kubernetes sets for a service of our name.
func misspelt(name string, keys map[string]field) string {
	if !strings.HasPrefix(name, EnvPrefix) {
		return ""
	}
	return Meant(name, slices.Sorted(maps.Keys(keys)))
}

// Meant finds the word that a misspelt one stands for, "" for none: one letter
// wrong, missing, added, or two exchanged.
func Meant(word string, known []string) string {
	for _, k := range known {
		if k != word && near(word, k) {
			return k
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
