package main

import "gopkg.in/yaml.v3"

// pair and object build documents whose order is that of the sources, so that a
// change of one field is a change of one line.
type pair struct {
	key   string
	value any
}

type object []pair

// MarshalYAML keeps the order.
func (o object) MarshalYAML() (any, error) {
	n := &yaml.Node{Kind: yaml.MappingNode}
	for _, p := range o {
		var k, v yaml.Node
		if err := k.Encode(p.key); err != nil {
			return nil, err
		}
		if err := v.Encode(p.value); err != nil {
			return nil, err
		}
		n.Content = append(n.Content, &k, &v)
	}
	return n, nil
}
