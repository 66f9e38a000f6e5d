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
	"strings"
	"sync"
	"testing"
	"time"

	"throughline/transcribe/internal/corpus"
	"throughline/transcribe/segment"
	"throughline/transcribe/speech"
)

// BenchmarkLegs plays both sides of a recorded call, over and over from
// different places, on many legs in real time, and gives the wait from the end
// of speech to its final. Run it with -benchtime 1x. THROUGHLINE_BENCH_LEGS
// lists the numbers of legs, with commas, and THROUGHLINE_BENCH_SECONDS says
// how long each runs.
func BenchmarkLegs(b *testing.B) {
	seconds, err := strconv.Atoi(cmp.Or(os.Getenv("THROUGHLINE_BENCH_SECONDS"), "20"))
	if err != nil {
		b.Fatalf("THROUGHLINE_BENCH_SECONDS: %v", err)
	}
	var sides [][]int16
	for _, c := range corpus.Clips(b, "calls_two_channel") {
		sides = append(sides, pcm16(c.PCM))
	}
	for _, field := range strings.Split(cmp.Or(os.Getenv("THROUGHLINE_BENCH_LEGS"), "10,20"), ",") {
		n, err := strconv.Atoi(field)
		if err != nil {
			b.Fatalf("THROUGHLINE_BENCH_LEGS: %v", err)
		}
		for _, partials := range []bool{false, true} {
			b.Run(fmt.Sprintf("legs=%d/partials=%v", n, partials), func(b *testing.B) {
				for b.Loop() {
					play(b, sides, n, seconds, partials)
				}
			})
		}
	}
}

// chunk is how much audio comes at a time, as from the topic of audio.
const chunk = speech.Rate / 10

func play(b *testing.B, sides [][]int16, legs, seconds int, partials bool) {
	b.Helper()
	e, err := segment.New(segment.Config{Recogniser: corpus.Moonshine(b), Detector: corpus.Detector(b), Speculate: true})
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
	b.ReportMetric(at(measured, 0.5), "p50-s")
	b.ReportMetric(at(measured, 0.95), "p95-s")
	b.ReportMetric(100*load, "%cpu")
	b.ReportMetric(100*spoken.Seconds()/took/float64(legs), "%talk")
	b.ReportMetric(float64(told)/spoken.Minutes(), "partials/min")
	b.ReportMetric(late, "late-s")
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
