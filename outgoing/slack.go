package outgoing

import (
	"cmp"
	"fmt"
	"strings"
	"time"
)

// message is what Slack's incoming webhooks take; Mattermost and others read
// the text and leave the blocks.
type message struct {
	Text   string  `json:"text"` // for notifications, and for who shows no blocks
	Blocks []block `json:"blocks"`
}

type block struct {
	Type     string       `json:"type"`
	Text     *slackText   `json:"text,omitempty"`
	Fields   []*slackText `json:"fields,omitempty"`
	Elements []*slackText `json:"elements,omitempty"`
}

type slackText struct {
	Type string `json:"type"`
	Text string `json:"text"`
}

// Slack's bounds, in characters: of a section's text, and of one of its fields.
const (
	slackSection = 3000
	slackField   = 2000
)

func slackMessage(n Notice) message {
	what := string(n.Action)
	if n.Severity != "" {
		what = string(n.Severity) + " " + what
	}
	if n.Stale {
		what = "stale " + what
	}
	head := escapeSlack(what + ": " + cmp.Or(n.Title, n.Rule.Name))
	line := "*" + head + "*"
	if n.Link != "" {
		line += "\n<" + n.Link + "|Open the interaction>"
	}
	blocks := []block{{Type: "section", Text: mrkdwn(line, slackSection)}}
	if n.Body != "" {
		blocks = append(blocks, block{Type: "section", Text: mrkdwn(escapeSlack(n.Body), slackSection)})
	}
	var fields []*slackText
	for _, f := range [][2]string{{"Channel", string(n.Channel)}, {"Queue", n.Queue}, {"Skill", n.Skill}, {"Tags", strings.Join(n.Tags, ", ")},
		{"Agent", n.Agent}, {"Interaction", n.Interaction}, {"Customer", n.Customer}, {"Due", stamp(n.Due)}} {
		if f[1] != "" {
			fields = append(fields, mrkdwn("*"+f[0]+"*\n"+escapeSlack(f[1]), slackField))
		}
	}
	blocks = append(blocks, block{Type: "section", Fields: fields},
		block{Type: "context", Elements: []*slackText{mrkdwn(escapeSlack(fmt.Sprintf("rule %s, policy %s, %s", n.Rule.Name, n.Rule.Version, stamp(n.At))), slackField)}})
	return message{Text: head, Blocks: blocks}
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

func mrkdwn(s string, most int) *slackText {
	if runes := []rune(s); len(runes) > most {
		s = string(runes[:most-1]) + "…"
	}
	return &slackText{Type: "mrkdwn", Text: s}
}

// escapeSlack keeps words from becoming mentions and links: Slack reads only
// these three characters as control.
func escapeSlack(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s)
}
