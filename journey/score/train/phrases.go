package main

import (
	"bufio"
	"context"
	_ "embed"
	"fmt"
	"strings"

	"throughline/event"
	"throughline/nlp"
	"throughline/nlp/floor"
	"throughline/nlp/intent"
)

//go:embed phrases.txt
var phrasesFile string

// said is a sentence as the product understands it.
type said struct {
	text     string
	features event.Features
}

// voices are the sentences of each mood, move and want, read once.
type voices map[string][]said

// listen reads every sentence with the floor model and the shipped taxonomy, so
// that the models are fitted to what nlp makes of words, its errors included.
func listen(ctx context.Context) (voices, []string, error) {
	reader, err := floor.Open()
	if err != nil {
		return nil, nil, err
	}
	taxonomy, err := intent.Default()
	if err != nil {
		return nil, nil, err
	}
	owned, err := intent.Own(ctx, taxonomy, reader, intent.Options{})
	if err != nil {
		return nil, nil, err
	}
	model := nlp.New(nlp.Parts{Reader: reader, Intents: owned})
	v := make(voices)
	add := func(name, text string) error {
		role := event.Customer
		if strings.HasPrefix(name, "agent ") {
			role = event.Agent
		}
		f, err := model.Features(ctx, event.Turn{ID: name + text, Role: role, Kind: event.Text, Text: text}, nlp.Before{})
		if err != nil {
			return err
		}
		v[name] = append(v[name], said{text, f})
		return nil
	}
	heading := ""
	lines := bufio.NewScanner(strings.NewReader(phrasesFile))
	for lines.Scan() {
		switch line := strings.TrimSpace(lines.Text()); {
		case line == "" || line[0] == '#':
		case line[0] == '[':
			heading = strings.Trim(line, "[]")
		default:
			if err := add(heading, line); err != nil {
				return nil, nil, err
			}
		}
	}
	if err := lines.Err(); err != nil {
		return nil, nil, fmt.Errorf("read phrases: %w", err)
	}
	var wants []string
	for _, i := range taxonomy.Intents {
		switch i.Name {
		case "greeting", "goodbye", "thanks", "confirm", "deny":
			continue
		case "complaint", "escalation_threat", "speak_to_human", "churn_intent", "cancel_service", "account_close":
		default:
			wants = append(wants, i.Name)
		}
		for _, text := range i.Examples {
			if err := add(i.Name, text); err != nil {
				return nil, nil, err
			}
		}
	}
	return v, wants, nil
}
