package replay

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
)

// post is a public post of a labelled set, as the corpora of customer messages
// have it: an id, the words, whom they are to.
type post struct {
	ID      string `json:"tweet_id"`
	Text    string `json:"text"`
	Company string `json:"airline"`
}

// message makes of one line what POST /v1/messages takes. A line in that shape
// goes as it is, with an id made of its place where it has none. A post becomes
// a message on the channel by a customer of its own (posts name no author), to
// the company's account; its labels stay here.
func message(line []byte, place, channel string) (json.RawMessage, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(line, &fields); err != nil {
		return nil, errors.New("is not a JSON object")
	}
	if _, ours := fields["tweet_id"]; !ours {
		if _, ok := fields["text"]; !ok {
			return nil, errors.New("has no text: a line is a message as POST /v1/messages takes it, or a post with tweet_id, text and airline")
		}
		if fields["id"] == nil {
			fields = maps.Clone(fields)
			fields["id"], _ = json.Marshal(place) // a string always encodes
		}
		return json.Marshal(fields)
	}
	var p post
	if err := json.Unmarshal(line, &p); err != nil || p.ID == "" || p.Text == "" {
		return nil, errors.New("is a post whose tweet_id or text is missing or no string")
	}
	return json.Marshal(map[string]any{
		"id": "post-" + p.ID, "channel": channel, "account": p.Company, "role": "customer", "text": p.Text,
		"customer": map[string]string{"visitor": "post-" + p.ID, "name": fmt.Sprintf("Post %s", p.ID[max(0, len(p.ID)-4):])},
	})
}
