package redact

import (
	"strings"
	"testing"
)

func BenchmarkMail100KB(b *testing.B) {
	r, _ := New(Config{})
	s := strings.Repeat("Dear team, I call about my order 4839201 of 2026-11-22, the card was charged 1,250.00 and my number is 555-123-4567. ", 900)
	b.SetBytes(int64(len(s)))
	for b.Loop() {
		r.Text("t", s)
	}
}

func BenchmarkDigits100KB(b *testing.B) {
	r, _ := New(Config{})
	s := strings.Repeat("4 1 ", 25_000)
	b.SetBytes(int64(len(s)))
	for b.Loop() {
		r.Text("t", s)
	}
}

func BenchmarkFind20Words(b *testing.B) {
	s := "I would really like to know why nobody has told me that the delivery was moved to another day again please"
	for b.Loop() {
		Find(s)
	}
}
