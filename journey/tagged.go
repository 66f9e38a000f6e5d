package journey

import (
	"context"
	"slices"

	"throughline/event"
)

// maxTags bounds what policy may mark one customer's interactions with.
const maxTags = 50

// Tagged marks the journey as policy decided. Marks that are there already
// change nothing, so that a rule which sees its own mark comes to rest.
func (s *Shard) Tagged(_ context.Context, a event.Alert) ([]event.Message, error) {
	c := s.customers[a.Customer]
	if c == nil || a.Action != event.ActionTag {
		return nil, nil
	}
	var fresh []event.Tagged
	for _, tag := range a.Tags {
		if t := (event.Tagged{Tag: tag, Interaction: a.Interaction}); !slices.Contains(c.own.Tags, t) {
			fresh = append(fresh, t)
		}
	}
	if len(fresh) == 0 && !seen(c.seen, a.ID) {
		return nil, nil
	}
	return s.fold(c, a.ID, event.Cause{Type: "tag", ID: a.ID, Interaction: a.Interaction}, func(p *event.Part) {
		tags := append(slices.Clone(p.Tags), fresh...)
		p.Tags = tags[max(0, len(tags)-maxTags):]
	}), nil
}
