package demo

import (
	"slices"

	"throughline/event"
)

// JourneysReport counts customers who came over several channels, and the calls
// of those who had written before: who answers has their context at the first ring.
type JourneysReport struct {
	Expected int `json:"expected_over_channels"`
	Spanning int `json:"over_channels"`
	Calls    int `json:"calls_of_known_customers"`
	Told     int `json:"with_context_before_the_first_word"`
}

// journeys looks for one journey that holds all the channels of a person, and
// for the consents that were withdrawn.
func (j *judging) journeys() {
	channels, optOut := map[string]map[string]bool{}, map[string]bool{}
	for _, c := range j.day.Conversations {
		if channels[c.Who] == nil {
			channels[c.Who] = map[string]bool{}
		}
		channels[c.Who][string(c.Channel)] = true
		optOut[c.Who] = optOut[c.Who] || c.OptsOut
	}
	for _, c := range j.day.Calls {
		if channels[c.Who] != nil { // who only ever called is in no other list
			channels[c.Who][string(event.Voice)] = true
		}
	}
	for _, p := range j.day.People {
		customers := j.customers(p.ID)
		if optOut[p.ID] {
			noted := false
			for c := range customers {
				noted = noted || j.found.optedOut[c]
			}
			if noted {
				j.report.Stored.OptedOut++
			} else {
				j.miss("%s opted out and no consent says so", p.ID)
			}
		}
		if len(channels[p.ID]) < 2 {
			continue
		}
		j.report.Journeys.Expected++
		if slices.ContainsFunc(j.found.journeys, func(r journeyRow) bool {
			for c := range channels[p.ID] {
				if !slices.Contains(r.Channels, c) {
					return false
				}
			}
			return customers[r.Customer]
		}) {
			j.report.Journeys.Spanning++
		} else {
			j.miss("the journey of %s does not span its channels", p.ID)
		}
	}
	j.contextsTold()
}

// contextsTold looks, for each call of somebody who had written before, for the
// context that came before its first word.
func (j *judging) contextsTold() {
	for _, k := range j.day.Calls {
		if !slices.ContainsFunc(j.day.Conversations, func(c conversation) bool { return c.Who == k.Who && c.At < k.At }) {
			continue
		}
		j.report.Journeys.Calls++
		customers := j.customers(k.Who)
		if slices.ContainsFunc(j.contexts, func(c pushed) bool { return c.Channel == event.Voice && customers[c.Customer] }) {
			j.report.Journeys.Told++
		} else {
			j.miss("%s rang, and nobody was told what is open before the first word", k.ID)
		}
	}
}
