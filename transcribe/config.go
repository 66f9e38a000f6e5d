package transcribe

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"throughline/governance"
	"throughline/transcribe/vocabulary"
)

// The engines that Config.Engine names.
const (
	Moonshine = "moonshine" // on this machine, English
	OpenAI    = "openai"    // any server with OpenAI's transcription interface
	Off       = "off"
)

// The forms of the realtime interface that Server.Realtime names.
const (
	RealtimeGA   = "ga"
	RealtimeBeta = "beta"
)

// The defaults of Config.
const (
	DefaultMeasureEvery = 10 * time.Second
	DefaultIdle         = time.Minute
	DefaultGiveUp       = time.Hour
	DefaultTimeout      = 30 * time.Second
)

// Config says who recognises speech, and how eagerly. The zero value recognises
// on this machine and tells finals only.
type Config struct {
	Engine  string `yaml:"engine" default:"moonshine" doc:"who recognises speech: moonshine (on this machine, English), openai (any server with that interface) or off"`
	Preload bool   `yaml:"preload" default:"false" doc:"load the models at the start, about 200 MB; otherwise the first call loads them within two seconds, and who has no calls never pays"`
	Workers int    `yaml:"workers" default:"0" doc:"utterances recognised at once; 0 is one for each processor"`

	Partials  bool `yaml:"partials" default:"true" doc:"show utterances while they grow; the first thing to be left out under load"`
	Speculate bool `yaml:"speculate" default:"true" doc:"recognise at the first short silence, which makes finals 0.1 to 0.2 s faster; left out under load"`

	Vocabulary []string `yaml:"vocabulary" doc:"names and products to put right; after an equals sign, what they are heard as: Acme Gold = acne gold | acme goal"`

	Timeout      time.Duration `yaml:"timeout" default:"30s" doc:"longest wait for the recogniser to hear one utterance"`
	GiveUp       time.Duration `yaml:"give_up" default:"1h" doc:"how long a failing recogniser is asked again before a turn is told without its words; audio waits in Kafka meanwhile"`
	MeasureEvery time.Duration `yaml:"measure_every" default:"10s" doc:"least time between two measures of a call that goes on"`
	Idle         time.Duration `yaml:"idle" default:"1m" doc:"after this silence of its source a leg is put away with what it had; it may come back"`

	Server Server `yaml:"openai"`
}

// Server is where the engine OpenAI asks.
type Server struct {
	URL      string `yaml:"url" doc:"where the interface begins, such as http://127.0.0.1:8000/v1"`
	Path     string `yaml:"path" doc:"instead of /audio/transcriptions, such as /inference for whisper.cpp"`
	Key      string `yaml:"key" secret:"true" doc:"bearer token, if the server wants one"`
	Model    string `yaml:"model" doc:"model to ask for"`
	Language string `yaml:"language" doc:"language spoken, such as en; empty leaves it to the server"`
	Context  bool   `yaml:"context" default:"true" doc:"send what the same speaker said a moment earlier as the end of the prompt of a brief utterance, which then waits for that one's text; not with realtime"`
	Realtime string `yaml:"realtime" doc:"ask over a WebSocket at /realtime below url, a session for each utterance: ga, or beta, the first form, which local servers still speak; empty: by HTTP"`
}

// Parts are what a Transcriber works with. Gate is needed.
type Parts struct {
	Gate    *governance.Gate
	Metrics prometheus.Registerer // nil: not registered
	Logger  *slog.Logger          // nil: slog.Default()
	// Recogniser and Detector replace those of Config.Engine, which is then not
	// loaded; both or none.
	Recogniser Recogniser
	Detector   Detector
}

func (c Config) withDefaults() Config {
	if c.Engine == "" {
		c.Engine = Moonshine
	}
	for _, f := range []struct {
		value   *time.Duration
		standby time.Duration
	}{
		{&c.Timeout, DefaultTimeout}, {&c.GiveUp, DefaultGiveUp},
		{&c.MeasureEvery, DefaultMeasureEvery}, {&c.Idle, DefaultIdle},
	} {
		if *f.value <= 0 {
			*f.value = f.standby
		}
	}
	return c
}

// inContext tells whether brief utterances are heard with the one before.
func (c Config) inContext() bool {
	return c.Engine == Moonshine || c.Engine == OpenAI && c.Server.Context && c.Server.Realtime == ""
}

func (c Config) check(p Parts) error {
	if p.Gate == nil {
		return errors.New("transcribe: Parts.Gate is nil; give the gate that clears turns")
	}
	if (p.Recogniser == nil) != (p.Detector == nil) {
		return errors.New("transcribe: Parts.Recogniser and Parts.Detector belong together; give both or none")
	}
	switch c.Engine {
	case Moonshine, Off:
	case OpenAI:
		if c.Server.URL == "" || c.Server.Model == "" {
			return errors.New("transcribe.openai: url and model are needed by the engine openai")
		}
		switch c.Server.Realtime {
		case "", RealtimeGA, RealtimeBeta:
		default:
			return fmt.Errorf("transcribe.openai.realtime: %q is unknown; use %s or %s, or leave it out", c.Server.Realtime, RealtimeGA, RealtimeBeta)
		}
	default:
		return fmt.Errorf("transcribe.engine: %q is unknown; use %s, %s or %s", c.Engine, Moonshine, OpenAI, Off)
	}
	return nil
}

// terms reads the vocabulary's lines.
func (c Config) terms() (terms []vocabulary.Term, hints []string) {
	for _, line := range c.Vocabulary {
		text, heard, _ := strings.Cut(line, "=")
		t := vocabulary.Term{Text: strings.TrimSpace(text)}
		for h := range strings.SplitSeq(heard, "|") {
			if h = strings.TrimSpace(h); h != "" {
				t.Heard = append(t.Heard, h)
			}
		}
		terms, hints = append(terms, t), append(hints, t.Text)
	}
	return terms, hints
}
