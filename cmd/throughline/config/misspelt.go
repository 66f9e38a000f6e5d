package config

import (
	"maps"
	"slices"
	"strings"
)

// suggest finds the key that a misspelt one stands for, among those of its section.
func suggest[T any](section, name string, known map[string]T) string {
	meant := Meant(name, slices.Sorted(maps.Keys(known)))
	if meant == "" {
		return ""
	}
	return ": did you mean " + strings.TrimPrefix(section+"."+meant, ".") + "?"
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
