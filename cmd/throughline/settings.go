package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"throughline/assist"
	"throughline/assist/llm"
	"throughline/bus"
	"throughline/cmd/throughline/config"
	"throughline/dashboards"
	"throughline/governance"
	"throughline/governance/access"
	"throughline/ingest"
	"throughline/ingest/api"
	"throughline/ingest/webchat"
	"throughline/ingest/whatsapp"
	"throughline/journey"
	"throughline/nlp/intent"
	"throughline/outgoing"
	"throughline/patterns"
	"throughline/sink"
	"throughline/transcribe"
)

// settings is the whole configuration; each part belongs to its package.
type settings struct {
	DataDir string        `yaml:"data_dir" default:"var" doc:"where the embedded broker and engine keep their data"`
	Log     logSettings   `yaml:"log"`
	HTTP    httpSettings  `yaml:"http"`
	Access  access.Config `yaml:"access"`

	Kafka      kafkaSettings      `yaml:"kafka"`
	ClickHouse clickhouseSettings `yaml:"clickhouse"`

	Governance governance.Config     `yaml:"governance"`
	Sessions   ingest.SessionsConfig `yaml:"sessions"`
	Ingest     ingest.DoorConfig     `yaml:"ingest"`
	API        api.Config            `yaml:"api"`
	WhatsApp   whatsapp.Config       `yaml:"whatsapp"`
	WebChat    webchat.Config        `yaml:"webchat"`
	Voice      voiceSettings         `yaml:",inline"`
	Transcribe transcribe.Config     `yaml:"transcribe"`
	NLP        nlpSettings           `yaml:"nlp"`
	Journey    journey.Config        `yaml:"journey"`
	Assist     assist.Config         `yaml:"assist"`
	Model      llm.Config            `yaml:"language_model"`
	Outgoing   outgoing.Config       `yaml:"outgoing"`
	Patterns   patterns.Config       `yaml:"patterns"`
	Dashboards dashboards.HubConfig  `yaml:"dashboards"`
}

type logSettings struct {
	Level  string `yaml:"level" default:"info" doc:"debug, info, warn or error"`
	Format string `yaml:"format" default:"text" doc:"text or json"`
}

type httpSettings struct {
	Listen  string        `yaml:"listen" default:"127.0.0.1:8080" doc:"address of the live screen, the API, the webhooks and /metrics"`
	Profile bool          `yaml:"profile" default:"false" doc:"serve Go's profiles under /debug/pprof/"`
	Drain   time.Duration `yaml:"drain" default:"5s" doc:"how long requests may take to end when the process stops"`
}

type kafkaSettings struct {
	bus.Config `yaml:",inline"`
	Listen     string `yaml:"listen" default:"127.0.0.1:9092" doc:"address of the embedded broker"`
	Sync       bool   `yaml:"sync" default:"false" doc:"embedded broker: make each acknowledgement survive a power cut, at the cost of a disk flush"`
}

type clickhouseSettings struct {
	sink.Config `yaml:",inline"`
	Listen      string         `yaml:"listen" default:"127.0.0.1:8123" doc:"address of the embedded engine's HTTP interface"`
	Dir         string         `yaml:"dir" doc:"where the embedded engine keeps its data; empty is data_dir/clickhouse"`
	Reader      readerSettings `yaml:"reader"`
}

type readerSettings struct {
	Password string `yaml:"password" secret:"true" doc:"password of the read-only user qa of the embedded engine; empty needs none, and listens on this machine only"`
}

type nlpSettings struct {
	Model      string              `yaml:"model" default:"auto" doc:"encoder: a sentence encoder of milliseconds a turn, better on English, on ONNX Runtime, which is fetched when missing; floor: linear models of microseconds a turn, in the binary; auto: the encoder, and the floor where it cannot be opened"`
	Intents    string              `yaml:"intents" doc:"path of intents.yaml; empty uses the contact-centre taxonomy that is shipped, which config intents prints. A changed file is in force within seconds; one that cannot be used is told to the log with line and column, and the old one stays"`
	Categories string              `yaml:"categories" doc:"path of categories.yaml: rules over what was said, in CEL; empty: none. Changes are followed as those of intents are"`
	Agents     bool                `yaml:"agent_emotions" default:"false" doc:"read emotions out of the words of agents and of unknown speakers, too: ask your works council and counsel before"`
	Products   map[string][]string `yaml:"products" doc:"product names to find in text, each with what else it is called"`
}

// load reads the settings from the file given (or none) and the environment.
func load(path string) (*settings, error) {
	s := &settings{}
	if err := config.Load(path, os.Environ(), s); err != nil {
		return nil, err
	}
	if s.ClickHouse.Dir == "" {
		s.ClickHouse.Dir = filepath.Join(s.DataDir, "clickhouse")
	}
	return s, nil
}

func configure(_ context.Context, args []string) error {
	f := flags("config check|default|doc|intents [--config FILE]", "Check the settings and the files they name, print the annotated default file or the table of keys, or print the intents that are shipped, to start your own nlp.intents from.")
	path := f.String("config", "", "settings `file` (YAML)")
	word, args, err := verb(f, args, "check", "default", "doc", "intents")
	if err == nil {
		err = parse(f, args, 0, 0)
	}
	switch {
	case err != nil:
		return err
	case word == "default":
		return config.WriteDefault(os.Stdout, &settings{})
	case word == "intents":
		_, err := os.Stdout.Write(intent.DefaultFile())
		return err
	case word == "doc":
		config.WriteTable(os.Stdout, &settings{})
		return nil
	}
	s, err := load(*path)
	if err != nil {
		return err
	}
	if _, err := newHouse(s, roles); err != nil {
		return err
	}
	fmt.Println("the settings are sound")
	return nil
}
