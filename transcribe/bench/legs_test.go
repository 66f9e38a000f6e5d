package bench

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"os"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"throughline/transcribe/internal/corpus"
	"throughline/transcribe/segment"
	"throughline/transcribe/speech"
)

// BenchmarkLegs finds how many legs of a recorded call, played over and over from
// different places in real time, take 60 and 90 per cent of the processors, with
// finals only and with partials, and sustains each for two minutes: legs a
// processor, and the wait from the end of speech to its final. It takes nine
// minutes; THROUGHLINE_BENCH_SECONDS sets another length. Run it with
// -benchtime 1x, and nothing beside it: what others take looks like nobody's.
func BenchmarkLegs(b *testing.B) {
	seconds, err := strconv.Atoi(cmp.Or(os.Getenv("THROUGHLINE_BENCH_SECONDS"), "120"))
	if err != nil {
		b.Fatalf("THROUGHLINE_BENCH_SECONDS: %v", err)
	}
	var sides [][]int16
	for _, c := range corpus.Clips(b, "calls_two_channel") {
		sides = append(sides, pcm16(c.PCM))
	}
	for _, mode := range []struct {
		name     string
		partials bool
	}{{"finals", false}, {"partials", true}} {
		var legs func(load float64) int
		for _, load := range []float64{0.6, 0.9} {
			b.Run(fmt.Sprintf("%s/load=%.0f%%", mode.name, 100*load), func(b *testing.B) {
				if legs == nil {
					legs = sizes(b, sides, max(5, min(seconds, 15)), mode.partials)
				}
				for b.Loop() {
					p := play(b, sides, legs(load), seconds, mode.partials)
					if math.Abs(p.load-load) > 0.03 { // the line bends near the top
						p = play(b, sides, int(float64(p.legs)*load/p.load), seconds, mode.partials)
					}
					p.report(b)
				}
			})
		}
	}
}

// sizes tries few legs and then several times as many, for a moment each, and
// gives the number of legs for a load on the line through both: partials are
// thinned as the load grows, so a leg has no price of its own.
func sizes(b *testing.B, sides [][]int16, seconds int, partials bool) func(load float64) int {
	b.Helper()
	few := 6 * runtime.GOMAXPROCS(0)
	low := play(b, sides, few, seconds, partials).load
	many := max(few+1, int(float64(few)*min(0.75/low, 6)))
	slope := (play(b, sides, many, seconds, partials).load - low) / float64(many-few)
	if slope <= 0 {
		b.Fatalf("%d legs take no more than %d: the machine is not quiet", many, few)
	}
	return func(load float64) int { return max(1, few+int((load-low)/slope)) }
}

// chunk is how much audio comes at a time, as from the topic of audio.
const chunk = speech.Rate / 10

// played is what became of legs in real time.
type played struct {
	legs     int
	load     float64   // share of the processors that this process took
	talk     float64   // share of the legs' time in which somebody spoke
	partials float64   // for each minute of speech
	waits    []float64 // from the end of speech to its final, in seconds, in order
	late     float64   // the most by which audio was written after its time, in seconds
}

func (p played) report(b *testing.B) {
	b.ReportMetric(float64(p.legs)/float64(runtime.GOMAXPROCS(0)), "legs/core")
	b.ReportMetric(at(p.waits, 0.5), "p50-s")
	b.ReportMetric(at(p.waits, 0.95), "p95-s")
	b.ReportMetric(100*p.load, "%cpu")
	b.ReportMetric(100*p.talk, "%talk")
	b.ReportMetric(p.partials, "partials/min")
	b.ReportMetric(p.late, "late-s")
}

func play(b *testing.B, sides [][]int16, legs, seconds int, partials bool) played {
	b.Helper()
	e, err := segment.New(segment.Config{Recogniser: corpus.Moonshine(b), Detector: corpus.Detector(b), Speculate: true, Context: true})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	ended := make(chan error, 1)
	go func() { ended <- e.Run(ctx) }()

	var mu sync.Mutex
	var waits []float64
	var spoken time.Duration
	told := 0
	start := time.Now()
	open := make([]*segment.Leg, legs)
	for i := range open {
		open[i] = e.Open(segment.LegConfig{Partials: partials, Emit: func(ev speech.Event) {
			mu.Lock()
			defer mu.Unlock()
			switch ev.Kind {
			case speech.Final:
				spoken += ev.End - ev.Start
				if !ev.Cut {
					waits = append(waits, (time.Since(start) - ev.End).Seconds())
				}
			case speech.Partial:
				told++
			}
		}})
	}
	used := cpu()
	late := 0.0
	for t := range seconds * 10 {
		due := start.Add(time.Duration(t+1) * 100 * time.Millisecond)
		time.Sleep(time.Until(due))
		for i, l := range open {
			side := sides[i%len(sides)]
			at := (i*1234567 + t*chunk) % (len(side) - chunk)
			if err := l.Write(ctx, side[at:at+chunk]); err != nil {
				b.Fatal(err)
			}
		}
		late = max(late, time.Since(due).Seconds())
	}
	took := time.Since(start).Seconds()
	load := (cpu() - used).Seconds() / took / float64(runtime.GOMAXPROCS(0))
	measured := slices.Clone(func() []float64 { mu.Lock(); defer mu.Unlock(); return waits }())
	for _, l := range open {
		if err := l.Close(ctx); err != nil {
			b.Fatal(err)
		}
	}
	cancel()
	if err := <-ended; err != nil {
		b.Fatal(err)
	}
	slices.Sort(measured)
	return played{legs: legs, load: load, talk: spoken.Seconds() / took / float64(legs),
		partials: float64(told) / max(spoken.Minutes(), 1e-9), waits: measured, late: late}
}

func at(sorted []float64, quantile float64) float64 {
	if len(sorted) == 0 {
		return math.NaN()
	}
	return sorted[min(len(sorted)-1, int(quantile*float64(len(sorted))))]
}

func pcm16(pcm []float32) []int16 {
	out := make([]int16, len(pcm))
	for i, v := range pcm {
		out[i] = int16(max(-32768, min(32767, math.Round(float64(v)*32768))))
	}
	return out
}
