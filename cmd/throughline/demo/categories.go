package demo

import _ "embed"

//go:embed categories.yaml
var categoriesFile []byte

// Categories is the file of categories that the day is shown with.
func Categories() []byte { return append([]byte(nil), categoriesFile...) }
