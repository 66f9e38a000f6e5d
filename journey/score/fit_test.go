package score

import (
	"math"
	"math/rand/v2"
	"testing"
)

// drawn are rows of a known model: log-odds 2x₀ − x₁ over three cuts.
func drawn(n int) []Row {
	chance := rand.New(rand.NewPCG(1, 2))
	rows := make([]Row, n)
	for i := range rows {
		x := []float64{chance.Float64()*2 - 1, chance.Float64()*2 - 1, 0.5}
		u := chance.Float64()
		latent := 2*x[0] - x[1] + math.Log(u/(1-u))
		rows[i] = Row{X: x, Group: i, Weight: 1}
		for _, cut := range []float64{-1, 0, 1.5} {
			if latent > cut {
				rows[i].Level++
			}
		}
	}
	return rows
}

func TestFitFindsWhatRowsWereDrawnFrom(t *testing.T) {
	for name, signs := range map[string][]int{"free": nil, "signed": {1, -1, 1}} {
		t.Run(name, func(t *testing.T) {
			m, err := Fit(drawn(20000), FitOptions{Levels: 4, Signs: signs, Penalty: 1e-6})
			if err != nil {
				t.Fatal(err)
			}
			if math.Abs(m.Weights[0]-2) > 0.15 || math.Abs(m.Weights[1]+1) > 0.15 {
				t.Errorf("weights %v, want 2 and −1", m.Weights)
			}
			for k, want := range []float64{-1, 0, 1.5} {
				// Cuts are of margins against the mean of x.
				if got := m.Cuts[k] + 2*m.Mean[0] - m.Mean[1]; math.Abs(got-want) > 0.1 {
					t.Errorf("cut %d at %v, want %v", k, got, want)
				}
			}
		})
	}
}

func TestSignsHold(t *testing.T) {
	m, err := Fit(drawn(4000), FitOptions{Levels: 4, Signs: []int{-1, 0, 1}, Penalty: 1e-4})
	if err != nil {
		t.Fatal(err)
	}
	if m.Weights[0] > 0 || m.Weights[1] != 0 || m.Weights[2] != 0 {
		t.Errorf("weights %v against signs −1, 0 and a feature that never varies", m.Weights)
	}
}

func TestPerfectPartingStaysFinite(t *testing.T) {
	rows := drawn(1000)
	for i := range rows {
		rows[i].Level = int(yes(rows[i].X[0] > 0))
	}
	m, err := Fit(rows, FitOptions{Levels: 2, Signs: []int{1, 1, 1}, Penalty: penalty})
	if err != nil || !(m.Weights[0] < 100) {
		t.Errorf("weights %v, error %v", m, err)
	}
}

func TestFitSaysWhatIsWrong(t *testing.T) {
	one := []Row{{X: []float64{1}, Weight: 1}, {X: []float64{2}, Weight: 1, Group: 1}}
	for name, c := range map[string]struct {
		rows   []Row
		levels int
	}{
		"no rows":    {nil, 2},
		"one level":  {one, 2},
		"beyond":     {[]Row{{X: []float64{1}, Level: 2, Weight: 1}}, 2},
		"no cut":     {one, 1},
		"below zero": {[]Row{{X: []float64{1}, Level: -1, Weight: 1}}, 2},
	} {
		if _, err := Fit(c.rows, FitOptions{Levels: c.levels}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestQuality(t *testing.T) {
	q := judge([]float64{0.9, 0.8, 0.2, 0.1}, []bool{true, false, true, false}, []float64{1, 1, 1, 1})
	if q.AUC != 0.75 || q.Share != 0.5 || q.Base != 0.25 {
		t.Errorf("%+v", q)
	}
	want := (0.01 + 0.64 + 0.64 + 0.01) / 4
	if d := q.Brier - want; d > 1e-9 || d < -1e-9 {
		t.Errorf("Brier %v, want %v", q.Brier, want)
	}
}
