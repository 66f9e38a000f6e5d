package patterns

import (
	"cmp"
	"context"
	"encoding/csv"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"throughline/native"
	"throughline/nlp"
	"throughline/nlp/encoder"
	"throughline/nlp/floor"
	"throughline/transcribe/onnx"
)

// banking reads real sentences of bank customers by what they want.
func banking(t *testing.T) map[string][]string {
	t.Helper()
	file, err := os.Open(filepath.Join("..", "..", "shared", "data", "banking77", "train.csv"))
	if err != nil {
		t.Skipf("the sentences are not beside the checkout: %v", err)
	}
	defer file.Close()
	rows, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	by := map[string][]string{}
	for _, r := range rows[1:] {
		by[r[1]] = append(by[r[1]], r[0])
	}
	return by
}

func floorEmbed(t *testing.T) Embed {
	t.Helper()
	reader, err := floor.Open()
	if err != nil {
		t.Fatal(err)
	}
	return with(reader)
}

func with(reader nlp.Reader) Embed {
	return func(ctx context.Context, text string) (Vector, error) {
		v, err := reader.Embed(ctx, text)
		return Vector{Index: v.Index, Value: v.Value}, err
	}
}

// encoderEmbed skips where ONNX Runtime is not on this machine.
func encoderEmbed(t *testing.T) Embed {
	t.Helper()
	if testing.Short() {
		t.Skip("reads three thousand sentences")
	}
	dir, ok := native.Path(native.ONNXRuntime)
	if !ok {
		t.Skip("ONNX Runtime is not on this machine")
	}
	library, err := filepath.Glob(filepath.Join(dir, "libonnxruntime*"))
	if err != nil || len(library) == 0 {
		t.Skip("ONNX Runtime's library is not in its folder")
	}
	rt, err := onnx.Load(library[0])
	if err != nil {
		t.Fatal(err)
	}
	session, err := rt.OpenBytes(encoder.Network(), encoder.Inputs(), encoder.Outputs())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = session.Close() })
	beside, err := floor.Open()
	if err != nil {
		t.Fatal(err)
	}
	reader, err := encoder.Open(session, beside)
	if err != nil {
		t.Fatal(err)
	}
	return with(reader)
}

// planted mixes sentences of 25 intents over five weeks, of which the last is
// the window, and one more intent in the window only.
func planted(by map[string][]string, theme string, background, of int) (turns []said, since time.Time, isTheme map[string]bool) {
	chance := rand.New(rand.NewPCG(5, uint64(len(theme))))
	names := []string{}
	for name := range by {
		if name != theme {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	chance.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	since = monday.Add(month * time.Hour)
	isTheme = map[string]bool{}
	add := func(text string, at time.Time, is bool) {
		id := fmt.Sprint("t", len(turns))
		turns = append(turns, said{ID: id, Interaction: "i" + id, At: at, Text: text})
		isTheme[id] = is
	}
	for n := range background {
		from := by[names[n%25]]
		add(from[chance.IntN(len(from))], monday.Add(time.Duration(chance.Int64N(int64(whole*time.Hour)))), false)
	}
	for n := range of {
		add(by[theme][n], since.Add(time.Duration(chance.Int64N(int64(week*time.Hour)))), true)
	}
	slices.SortFunc(turns, func(a, b said) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.ID, b.ID)) })
	return turns, since, isTheme
}

// TestNothingNew draws 40 worlds in which no theme begins or grows: at most one
// in twenty, give or take chance, may report one.
func TestNothingNew(t *testing.T) {
	by, finder := banking(t), &Finder{Embed: floorEmbed(t)}
	const worlds = 40
	alarms := 0
	for n := range worlds {
		turns, since, _ := planted(by, strings.Repeat("x", n), 300, 0)
		vectors, err := finder.embed(t.Context(), turns)
		if err != nil {
			t.Fatal(err)
		}
		finder.known = nil // the ids of the next world are the same, its words are not
		p := []float64{}
		for _, g := range themes(turns, vectors, since, [2]float64{8000, 2000}, DefaultLeast) {
			p = append(p, g.p)
		}
		if q := discoveries(p); len(q) > 0 && slices.Min(q) <= DefaultLevel {
			alarms++
		}
	}
	t.Logf("%d of %d worlds without anything new reported a theme", alarms, worlds)
	if alarms > 6 {
		t.Errorf("want at most 6")
	}
}

// TestFindsPlantedTheme: an intent that nobody knows begins in the window, among
// 600 sentences of 25 others. Most must be the first theme, and be themselves;
// a theme beside a known one that shares its words grows together with that.
func TestFindsPlantedTheme(t *testing.T) {
	by := banking(t)
	for reader, c := range map[string]struct {
		embed func(*testing.T) Embed
		least int // of the five
	}{"floor": {floorEmbed, 3}, "encoder": {encoderEmbed, 4}} {
		t.Run(reader, func(t *testing.T) {
			embed, found := c.embed(t), 0
			for _, theme := range []string{"card_swallowed", "lost_or_stolen_phone", "apple_pay_or_google_pay", "passcode_forgotten", "atm_support"} {
				const many = 40
				turns, since, isTheme := planted(by, theme, 600, many)
				began := time.Now()
				finder := &Finder{Embed: embed}
				vectors, err := finder.embed(t.Context(), turns)
				if err != nil {
					t.Fatal(err)
				}
				grown := themes(turns, vectors, since, [2]float64{8000, 2000}, DefaultLeast)
				if len(grown) == 0 {
					t.Errorf("%s: no theme", theme)
					continue
				}
				q := make([]float64, len(grown))
				for i := range grown {
					q[i] = grown[i].p
				}
				q = discoveries(q)
				significant := 0
				for _, v := range q {
					if v <= DefaultLevel {
						significant++
					}
				}
				first := grown[0]
				right := 0.0
				for _, m := range first.members {
					if isTheme[turns[m].ID] {
						right++
					}
				}
				pure, recall := right/float64(len(first.members)), right/many
				t.Logf("%s: purity %.2f, recall %.2f, named %q, new %v, p %.1g; %d groups, %d themes; %v", theme, pure, recall, strings.Join(first.words, " "), first.interactions[0] == 0, first.p, len(grown), significant, time.Since(began).Round(time.Millisecond))
				if pure >= 0.8 && q[0] <= DefaultLevel {
					found++
				}
			}
			if found < c.least {
				t.Errorf("%d of 5 were the first theme and pure, want %d", found, c.least)
			}
		})
	}
}
