package transcribe_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"throughline/event"
	"throughline/media"
	"throughline/media/resample"
	"throughline/media/wav"
	"throughline/transcribe"
	"throughline/transcribe/internal/corpus"
)

// recorded reads one side of a recorded call at 8 kHz.
func recorded(t testing.TB, path string) []int16 {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := wav.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	out := &media.Samples{SampleRate: 8000, Limit: time.Hour}
	w, err := resample.NewWriter(r.Format().SampleRate, out)
	if err != nil {
		t.Fatal(err)
	}
	buf := make([]int16, 8000)
	at := int64(0)
	for {
		n, err := r.Read(buf)
		if err != nil {
			break
		}
		if err := w.WritePCM(media.Block{Offset: media.TicksDuration(at, r.Format().SampleRate), Samples: buf[:n]}); err != nil {
			t.Fatal(err)
		}
		at += int64(n)
	}
	return out.PCM
}

func cpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// TestRecordedCall hears a real call of two parties as fast as it can.
func TestRecordedCall(t *testing.T) {
	dir := corpus.Data(t, "calls_two_channel")
	h := newHouse(t)
	h.start(transcribe.Config{Speculate: true}, transcribe.Parts{})
	var parties []party
	for _, role := range []event.Role{event.Agent, event.Customer} {
		pcm := recorded(t, filepath.Join(dir, "auto_repairs_40_"+string(role)+".wav"))
		parties = append(parties, party{interaction: "i_1", leg: "i_1/" + string(role), role: role, pcm: pcm})
	}
	chunks := merged(t, parties...)
	used, began := cpu(), time.Now()
	h.publish(chunks...)
	var m *event.Measures
	words := map[event.Role]int{}
	h.eventually(2*time.Minute, "the last measures, 40 turns and 150 words of each", func() bool {
		var over bool
		m, over = lastMeasures(h.states, "i_1")
		clear(words)
		for _, turn := range h.finals {
			words[turn.Role] += len(strings.Fields(turn.Text))
		}
		return over && len(h.finals) >= 40 && words[event.Agent] >= 150 && words[event.Customer] >= 150
	})
	length := time.Duration(m.DurationMS) * time.Millisecond
	h.mu.Lock()
	defer h.mu.Unlock()
	t.Logf("%v of two legs in %v, %.3f s of processor a second of call; %d turns, words %v; %s",
		length.Round(time.Second), time.Since(began).Round(time.Millisecond), (cpu()-used).Seconds()/length.Seconds(), len(h.finals), words, show(m))
	seen := map[string]bool{}
	for _, turn := range h.finals {
		if seen[turn.ID] {
			t.Errorf("turn %s came twice", turn.ID)
		}
		seen[turn.ID] = true
	}
	if m.Unknown != "" || *m.CustomerTalkMS < 40000 || *m.AgentTalkMS < 40000 || m.CustomerWPM == nil || m.NonTalkMS == nil {
		t.Errorf("measures %s", show(m))
	}
}
