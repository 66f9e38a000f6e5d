package dashboards

import (
	"errors"
	"testing"
)

func TestPosition(t *testing.T) {
	p := Position{{0, 35, 36}, {1 << 50}, {7}}
	s := p.String()
	back, err := ParsePosition(s)
	if err != nil || back.String() != s || !back.fits(p) || !back.covers(p) {
		t.Fatalf("%s read back is %v, %v", s, back, err)
	}
	if back.passed(place{0, 1, 35}) || !back.passed(place{0, 1, 35}) || !back.passed(place{2, 0, 6}) {
		t.Error("an event is passed once, and those before the position are passed")
	}
	if p.covers(back) || !back.covers(p) {
		t.Error("a position covers what it has passed")
	}
}

func TestPositionRefused(t *testing.T) {
	for _, s := range []string{"1", "1.", "1.-", "1..", "x.0", "1.0-", "1.A", "1.00", "1.-1", "1.+1", "1.zzzzzzzzzzzzzzzzz", "1.0 ", "1.0\n", ".0", "1111.0", "1.0-a.", "1.é"} {
		if p, err := ParsePosition(s); !errors.Is(err, errPosition) {
			t.Errorf("%q is read as %v, %v", s, p, err)
		}
	}
	if _, err := ParsePosition("2.0-1.7"); !errors.Is(err, errOtherShape) {
		t.Errorf("another version: %v", err)
	}
}

func TestPositionTruncated(t *testing.T) {
	s := Position{{1, 2}, {3, 4}}.String()
	for n := range len(s) {
		if p, err := ParsePosition(s[:n]); err == nil && p.fits(Position{{0, 0}, {0, 0}}) && n < len(s)-1 {
			t.Errorf("%q fits: %v", s[:n], p)
		}
	}
}

func FuzzPosition(f *testing.F) {
	f.Add("1.5k-0-2.a-b-c")
	f.Add("2.0")
	f.Add("1.0-")
	f.Fuzz(func(t *testing.T, s string) {
		p, err := ParsePosition(s)
		if err == nil && p.String() != s {
			t.Errorf("%q is written back as %q", s, p.String())
		}
	})
}

func FuzzMark(f *testing.F) {
	f.Add("MTAuaV8x")
	f.Fuzz(func(t *testing.T, s string) {
		if m, ok := parseMark(s); ok {
			if again, ok := parseMark(m.String()); !ok || *again != *m {
				t.Errorf("%q does not come back", s)
			}
		}
	})
}
