package entity

import (
	"slices"
	"strings"

	"throughline/event"
)

// Finder finds entities. The zero Finder knows no products.
type Finder struct {
	products map[string][]product // by first word
}

type product struct {
	words []string
	name  string
}

// NewFinder takes the names of the user's products, and what else they are
// called: "iPhone 12": ["iphone twelve"].
func NewFinder(products map[string][]string) *Finder {
	f := &Finder{products: make(map[string][]product)}
	for name, others := range products {
		for _, spelling := range append([]string{name}, others...) {
			var split []string
			for _, w := range words(spelling) {
				split = append(split, w.lower)
			}
			if len(split) > 0 {
				f.products[split[0]] = append(f.products[split[0]], product{split, name})
			}
		}
	}
	for _, list := range f.products {
		slices.SortFunc(list, func(a, b product) int {
			if len(a.words) != len(b.words) {
				return len(b.words) - len(a.words) // the longest name wins
			}
			return strings.Compare(a.name, b.name)
		})
	}
	return f
}

// Find gives the entities of a turn in the order of the text, none overlapping.
// What the customer named first in this list wins: amounts, numbers, dates,
// products, people, places.
func (f *Finder) Find(t event.Turn) []event.Entity {
	ws := words(t.Text)
	if len(ws) == 0 {
		return nil
	}
	at := t.At
	var all []event.Entity
	taken := make([]bool, ws[len(ws)-1].end) // bytes that an entity has
	for _, some := range [][]event.Entity{
		amounts(t.Text, ws), codes(t.Text, ws), dates(t.Text, ws, at, t.Language), f.find(t.Text, ws), people(t.Text, ws), places(t.Text, ws),
	} {
		for _, e := range some {
			if of := taken[e.Start:e.End]; !slices.Contains(of, true) {
				all = append(all, e)
				for i := range of {
					of[i] = true
				}
			}
		}
		if len(all) > maxEntities {
			break
		}
	}
	slices.SortFunc(all, func(a, b event.Entity) int { return a.Start - b.Start })
	return all[:min(len(all), maxEntities)]
}

// maxEntities bounds what one turn can name, and with it the time.
const maxEntities = 200

func (f *Finder) find(text string, ws []word) []event.Entity {
	var out []event.Entity
	for i := range ws {
		for _, p := range f.products[ws[i].lower] {
			if i+len(p.words) > len(ws) {
				continue
			}
			same := true
			for j, w := range p.words {
				same = same && ws[i+j].lower == w
			}
			if same {
				out = append(out, made(text, "PRODUCT", ws[i].start, ws[i+len(p.words)-1].end, p.name))
				break
			}
		}
	}
	return out
}
