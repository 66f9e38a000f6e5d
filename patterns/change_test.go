package patterns

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// A Monday.
var monday = time.Date(2026, 10, 26, 0, 0, 0, 0, time.UTC)

// world makes a series of a month and a week: interactions follow the hours of
// the week, and so does the share that has something.
type world struct {
	kind     kind
	volume   float64 // interactions an hour, on average
	share    float64 // of them that have something; for means, the mean
	seasonal float64 // 0: the share is the same at each hour of the week
	from     int     // hour of the change
	factor   float64 // of the share from then on; for means, what is added
	restless float64 // standard deviation of the log of each day's share
}

const (
	month = 4 * week
	whole = month + week
)

func poisson(chance *rand.Rand, mean float64) float64 {
	if mean > 60 {
		return max(0, math.Round(mean+math.Sqrt(mean)*chance.NormFloat64()))
	}
	n, p := 0.0, chance.Float64()
	for limit := math.Exp(-mean); p > limit; n++ {
		p *= chance.Float64()
	}
	return n
}

func (w world) series(chance *rand.Rand) *series {
	s := &series{kind: w.kind, start: monday, window: month, of: make([]float64, whole), sum: make([]float64, whole)}
	mood := 0.0
	for i := range whole {
		hour := float64(i % 24)
		if i%day == 0 {
			mood = w.restless * chance.NormFloat64()
		}
		busy := 1 + 0.8*math.Sin((hour-9)/24*2*math.Pi)
		if i%week >= 5*day {
			busy *= 0.4
		}
		s.of[i] = poisson(chance, w.volume*busy)
		tide := w.seasonal * math.Cos(hour/24*2*math.Pi)
		if w.kind == counts {
			share := w.share * math.Exp(tide+mood)
			if i >= w.from {
				share *= w.factor
			}
			for range int(s.of[i]) {
				if chance.Float64() < share {
					s.sum[i]++
				}
			}
			continue
		}
		mean := w.share + tide + mood
		if i >= w.from {
			mean += w.factor
		}
		for range int(s.of[i]) { // skewed as real scores are: many flat, some bad
			v := mean
			switch u := chance.Float64(); {
			case u < 0.2:
				v -= 0.7
			case u < 0.3:
				v += 0.5
			}
			s.sum[i] += v
			s.squares += v * v
		}
	}
	return s
}

// TestFalseAlarms measures how often a series without a change gives p ≤ 5 %:
// the level must hold, with the hours of the week, rare intents, restless days
// and skewed scores. 1,000 series, 200 a case.
func TestFalseAlarms(t *testing.T) {
	if testing.Short() {
		t.Skip("simulates a thousand months")
	}
	const worlds, level = 200, 0.05
	for name, w := range map[string]world{
		"common intent":                {kind: counts, volume: 20, share: 0.08, from: whole},
		"with hours of the week":       {kind: counts, volume: 20, share: 0.08, seasonal: 0.7, from: whole},
		"rare intent":                  {kind: counts, volume: 20, share: 0.003, from: whole},
		"restless days":                {kind: counts, volume: 20, share: 0.08, restless: 0.2, from: whole},
		"skewed scores, hours of week": {kind: means, volume: 6, share: 0.1, seasonal: 0.1, from: whole},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			alarms := 0
			for n := range worlds {
				s := w.series(rand.New(rand.NewPCG(uint64(n), 7)))
				if s.test(s.scan(s.sum), uint64(n)) <= level {
					alarms++
				}
			}
			share := float64(alarms) / worlds
			t.Logf("%s: false alarms at p ≤ %.2f: %.3f of %d", name, level, share, worlds)
			most := level + 3*math.Sqrt(level*(1-level)/worlds)
			if w.restless > 0 {
				most = 2 * level // four weeks know the restlessness of days only roughly
			}
			if share > most {
				t.Errorf("%.3f of series without a change gave an alarm, want at most %.3f", share, most)
			}
		})
	}
}

// TestFindsChanges asks hour by hour after a known change, and tells how many
// hours it took until p ≤ 0.001, the median of 20 worlds.
func TestFindsChanges(t *testing.T) {
	for name, c := range map[string]struct {
		world
		within int // hours
		near   int // hours that the estimated time may be off, at the median
	}{
		"an intent doubles":    {world{kind: counts, volume: 20, share: 0.08, seasonal: 0.5, factor: 2}, 24, 8},
		"an intent trebles":    {world{kind: counts, volume: 20, share: 0.08, seasonal: 0.5, factor: 3}, 10, 2},
		"an intent halves":     {world{kind: counts, volume: 20, share: 0.08, seasonal: 0.5, factor: 0.5}, 48, 10},
		"sentiment sinks":      {world{kind: means, volume: 6, share: 0.1, seasonal: 0.05, factor: -0.2}, 36, 6},
		"a rare intent ×8":     {world{kind: counts, volume: 20, share: 0.003, factor: 8}, 30, 8},
		"restless and doubles": {world{kind: counts, volume: 20, share: 0.08, restless: 0.2, factor: 2}, 72, 12},
	} {
		t.Run(name, func(t *testing.T) {
			c.from = month + 2*day + 9
			const worlds = 20
			took, off := []float64{}, []float64{}
			for n := range worlds {
				s := c.series(rand.New(rand.NewPCG(uint64(n), 11)))
				delay := float64(whole - c.from)
				for end := c.from + 1; end <= whole; end++ {
					until := *s
					until.of, until.sum = s.of[:end], s.sum[:end]
					if s.kind == means { // about the squares of what was seen
						until.squares = s.squares * float64(end) / whole
					}
					found := until.scan(until.sum)
					if found.statistic > 9 && until.test(found, uint64(n)) <= 0.001 {
						delay = float64(end - c.from)
						break
					}
				}
				took = append(took, delay)
				off = append(off, math.Abs(float64(s.scan(s.sum).hour-c.from)))
			}
			t.Logf("%s: found after %v h, and placed %v h off, at the median", name, median(took), median(off))
			if median(took) > float64(c.within) || median(off) > float64(c.near) {
				t.Errorf("want within %d h, and at most %d h off", c.within, c.near)
			}
		})
	}
}

func median(v []float64) float64 {
	v = slices.Clone(v)
	slices.Sort(v)
	return v[len(v)/2]
}

func TestDiscoveries(t *testing.T) {
	// The example of Benjamini and Hochberg (1995), §3.2: at 0.05 the first four are rejected.
	p := []float64{0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0}
	rejected := 0
	for _, q := range discoveries(p) {
		if q <= 0.05 {
			rejected++
		}
	}
	if rejected != 4 {
		t.Errorf("%d rejected, want 4", rejected)
	}
	if len(discoveries(nil)) != 0 {
		t.Error("of nothing came something")
	}
}

// TestAliases draws by weights, one of which is nothing.
func TestAliases(t *testing.T) {
	s := &series{kind: counts, of: []float64{1, 0, 3, 6}, sum: []float64{4, 0, 4, 2}}
	seen := make([]float64, 4)
	draw := s.simulator(rand.New(rand.NewPCG(1, 1)), change{})
	for range 10000 {
		for i, v := range draw() {
			seen[i] += v
		}
	}
	for i, n := range s.of {
		if want := n * 10000; math.Abs(seen[i]-want) > 4*math.Sqrt(want+1) {
			t.Errorf("hour %d got %v, want about %v", i, seen[i], want)
		}
	}
}
