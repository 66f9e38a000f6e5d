package corpus

import "strings"

// Example is a text with what people said of it.
type Example struct {
	Text     string
	Labels   []string // none: out of scope
	Language string   // BCP 47, where the set says it
}

// Label is the first label, "" for out of scope.
func (e Example) Label() string {
	if len(e.Labels) == 0 {
		return ""
	}
	return e.Labels[0]
}

// Class is an example's only label as Example.Labels.
func class(name string) []string {
	name = strings.TrimSpace(name)
	if name == "" || name == "oos" {
		return nil
	}
	return []string{name}
}
