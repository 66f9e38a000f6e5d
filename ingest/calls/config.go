package calls

import (
	"cmp"
	"os"
	"time"
)

// The defaults of Config.
const (
	DefaultMaxCalls     = 1000
	DefaultMaxLegs      = 8
	DefaultSilenceAfter = 8 * time.Second
	DefaultBuffer       = 30 * time.Second
	DefaultBufferBytes  = 256 << 20
	DefaultReportEvery  = 30 * time.Second
	DefaultResumeWithin = 30 * time.Second
	DefaultDrainWithin  = 5 * time.Second
	DefaultMaxDuration  = 12 * time.Hour
)

// Config bounds what calls may take. The zero value works.
type Config struct {
	Node         string        `yaml:"node" doc:"name of this process, the same after a restart and different from all others: calls that it left open are ended when it returns; empty: the host's name"`
	MaxCalls     int           `yaml:"max_calls" default:"1000" doc:"calls at once; more are refused with 503"`
	MaxLegs      int           `yaml:"max_legs" default:"8" doc:"legs of one call"`
	SilenceAfter time.Duration `yaml:"silence_after" default:"8s" doc:"a leg without audio for this long is reported"`
	Buffer       time.Duration `yaml:"buffer" default:"30s" doc:"audio kept for each leg while Kafka is away; what comes beyond is dropped, counted and marked as a gap"`
	BufferBytes  int64         `yaml:"buffer_bytes" default:"268435456" doc:"the same for all legs together, in bytes"`
	ReportEvery  time.Duration `yaml:"report_every" default:"30s" doc:"time between the reports of a leg's loss, jitter and estimated MOS"`
	ResumeWithin time.Duration `yaml:"resume_within" default:"30s" doc:"after a restart, calls that were left open and are not heard of for this long are ended as failed"`
	MaxDuration  time.Duration `yaml:"max_duration" default:"12h" doc:"a call that lasts longer was forgotten by its source: it ends as failed"`
	DrainWithin  time.Duration `yaml:"drain_within" default:"5s" doc:"on stopping, time for Kafka to take what is still buffered"`
}

func (c Config) withDefaults() Config {
	if c.Node == "" {
		c.Node, _ = os.Hostname() // an empty name still works, for a single process
	}
	c.MaxCalls = cmp.Or(max(c.MaxCalls, 0), DefaultMaxCalls)
	c.MaxLegs = cmp.Or(max(c.MaxLegs, 0), DefaultMaxLegs)
	c.SilenceAfter = cmp.Or(max(c.SilenceAfter, 0), DefaultSilenceAfter)
	c.Buffer = cmp.Or(max(c.Buffer, 0), DefaultBuffer)
	c.BufferBytes = cmp.Or(max(c.BufferBytes, 0), DefaultBufferBytes)
	c.ReportEvery = cmp.Or(max(c.ReportEvery, 0), DefaultReportEvery)
	c.ResumeWithin = cmp.Or(max(c.ResumeWithin, 0), DefaultResumeWithin)
	c.MaxDuration = cmp.Or(max(c.MaxDuration, 0), DefaultMaxDuration)
	c.DrainWithin = cmp.Or(max(c.DrainWithin, 0), DefaultDrainWithin)
	return c
}
