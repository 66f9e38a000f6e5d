package encoder_test

import (
	"strings"
	"testing"

	"throughline/nlp/intent"
	"throughline/nlp/linear"
)

const (
	threeWishes = "Where is my order? I want to cancel my contract and can you change my address too"
	twoClauses  = "where is my parcel? it should have been here on monday, this is getting annoying"
)

// embedded is the encoder's part of a vector.
func embedded(v linear.Vector) linear.Vector { return linear.Vector{Value: v.Value[:384]} }

// A clause that shares its run is read as if it were alone, in short texts and in
// those that need several runs; so is the text.
func TestCompanyOfClauses(t *testing.T) {
	r := open(t)
	long := strings.Repeat("I have asked three times on the phone and by mail where the parcel with my new kettle is, ", 5)
	for name, text := range map[string]string{
		"three wishes": threeWishes,
		"one run full": long + ". " + threeWishes,
		"many runs":    long + ". " + long + ". " + threeWishes + ". " + long + ". Please refund me now.",
	} {
		clauses := intent.Clauses(text)
		if len(clauses) < 3 {
			t.Fatalf("%s: %d clauses", name, len(clauses))
		}
		reading, err := r.Read(t.Context(), text, clauses...)
		if err != nil {
			t.Fatal(err)
		}
		if len(reading.Clauses) != len(clauses) {
			t.Fatalf("%s: %d clauses read of %d", name, len(reading.Clauses), len(clauses))
		}
		for i, part := range append([]string{text}, clauses...) {
			alone, err := r.Embed(t.Context(), part)
			if err != nil {
				t.Fatal(err)
			}
			got := append([]linear.Vector{reading.Vector}, reading.Clauses...)[i]
			if like := embedded(got).Cosine(embedded(alone)); like < 0.975 {
				t.Errorf("%s: %.30q in company is %.3f like itself alone", name, part, like)
			}
		}
	}
}

// Foreign clauses have words and no embedding, and punctuation has nothing.
func TestClausesWithoutAnEmbedding(t *testing.T) {
	r := open(t)
	for text, clauses := range map[string][]string{
		"¿Dónde está mi pedido? Quiero cancelar mi contrato": {"¿Dónde está mi pedido?", "Quiero cancelar mi contrato"},
		"I want my money back. ?!":                           {"I want my money back.", "?!"},
	} {
		reading, err := r.Read(t.Context(), text, clauses...)
		if err != nil {
			t.Fatal(err)
		}
		for i, c := range clauses {
			alone, err := r.Embed(t.Context(), c)
			if err != nil {
				t.Fatal(err)
			}
			if got := reading.Clauses[i]; len(got.Value) != len(alone.Value) {
				t.Errorf("%q: %d values in company, %d alone", c, len(got.Value), len(alone.Value))
			}
		}
	}
}

// The turn of the bench: its two clauses share one run with it.
func BenchmarkReadTwoClauses(b *testing.B) { readWith(b, twoClauses) }

func BenchmarkReadThreeWishes(b *testing.B) { readWith(b, threeWishes) }

func readWith(b *testing.B, text string) {
	b.Helper()
	r := open(b)
	clauses := intent.Clauses(text)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.Read(b.Context(), text, clauses...); err != nil {
			b.Fatal(err)
		}
	}
}
