package demo

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"throughline/event"
)

// TestTheVoicesOfTheCalls wants both parties of every call to be there, of one
// length, within what the day has room for, and not silent.
func TestTheVoicesOfTheCalls(t *testing.T) {
	d := bundledDay(t)
	if len(d.Calls) < 2 {
		t.Fatalf("%d calls are no day", len(d.Calls))
	}
	written, size := map[string]bool{}, 0
	for _, c := range d.Conversations {
		written[c.Who] = true
	}
	again := 0
	for _, c := range d.Calls {
		if written[c.Who] {
			again++
		}
		lengths := map[event.Role]int{}
		for _, who := range sides() {
			voice, err := c.sound(who)
			if err != nil {
				t.Fatal(err)
			}
			lengths[who] = len(voice)
			lasts := time.Duration(len(voice)) * time.Second / bandwidth
			if lasts < 25*time.Second || lasts > 40*time.Second {
				t.Errorf("%s of the %s lasts %v", c.ID, who, lasts)
			}
			if quiet := bytes.Count(voice, []byte{silentULaw}); quiet > len(voice)*9/10 {
				t.Errorf("the %s of %s is silent in %d of %d samples", who, c.ID, quiet, len(voice))
			}
		}
		if lengths[event.Agent] != lengths[event.Customer] {
			t.Errorf("the sides of %s last %v samples", c.ID, lengths)
		}
	}
	if again == 0 {
		t.Error("nobody who writes also calls")
	}
	files, err := voices.ReadDir("voices")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		info, err := f.Info()
		if err != nil {
			t.Fatal(err)
		}
		size += int(info.Size())
	}
	if size > 300<<10 {
		t.Errorf("the voices are %d bytes", size)
	}
}

func TestAVoiceThatCannotBeRead(t *testing.T) {
	file, err := voices.ReadFile("voices/blender-call-agent.ogg")
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{0, 1, 27, 60} {
		if _, err := telephone(bytes.NewReader(file[:n])); err == nil {
			t.Errorf("%d bytes of a file are a voice", n)
		}
	}
}

func TestMistakesOfCallsAreNamed(t *testing.T) {
	const people = "people: [{id: a, names: [Ann Ash], phone: \"+1555#######\"}, {id: b, names: [Bo Elm]}]\n" +
		"conversations:\n  - {id: c, title: t, at: \"09:00\", channel: sms, who: a, steps: [{says: x}, {end: y}]}\n"
	for _, tt := range []struct{ name, in, want string }{
		{"nobody", "{id: outage-call, title: t, at: \"09:00\", who: x, agent: g}", "who of people"},
		{"no agent", "{id: outage-call, title: t, at: \"09:00\", who: a}", "an agent"},
		{"no phone", "{id: outage-call, title: t, at: \"09:00\", who: b, agent: g}", "no phone"},
		{"no words", "{id: other, title: t, at: \"09:00\", who: a, agent: g}", "no words"},
		{"twice", "{id: outage-call, title: t, at: \"09:00\", who: a, agent: g}, {id: outage-call, title: t, at: \"10:00\", who: a, agent: g}", "id of its own"},
	} {
		if _, err := parseDay([]byte(people + "calls: [" + tt.in + "]\n")); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: the error is %v", tt.name, err)
		}
	}
	if _, err := parseDay([]byte(people + "calls: [{id: outage-call, title: t, at: \"09:00\", who: a, agent: g}]\n")); err != nil {
		t.Errorf("a sound call is refused: %v", err)
	}
}

// TestWithoutSpeechNoWordsAreAskedFor wants a machine that cannot transcribe to
// say so, and a round to be whole all the same.
func TestWithoutSpeechNoWordsAreAskedFor(t *testing.T) {
	d, l, f := all(t)
	clear(f.uttered)
	if r := judge(d, l, f); r.OK {
		t.Error("words are missing and nobody minds")
	}
	f.speechless = "transcribe.engine is off"
	r := judge(d, l, f)
	if !r.OK || r.Calls.Ended != len(d.Calls) || r.Calls.Transcribed != 0 || !strings.Contains(r.summary(), "transcribe.engine is off") {
		t.Errorf("calls %+v, missing %v", r.Calls, r.Missing)
	}
	d.Calls = nil
	if r := judge(d, l, f); !strings.Contains(r.Calls.Note, "no recording server") {
		t.Errorf("without calls it notes %q", r.Calls.Note)
	}
}

func TestAnswered(t *testing.T) {
	const head = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
	for _, tt := range []struct{ name, in, want string }{
		{"two streams", head + "m=audio 4000 RTP/AVP 0\r\na=recvonly\r\nm=audio 4002 RTP/AVP 0\r\n", "192.0.2.1:4000 192.0.2.1:4002"},
		{"an address of its own", head + "m=audio 4000 RTP/AVP 0\r\nc=IN IP4 192.0.2.7\r\n", "192.0.2.7:4000"},
		{"IPv6", "c=IN IP6 ::1\r\nm=audio 4000 RTP/AVP 0\r\n", "[::1]:4000"},
		{"declined", head + "m=audio 0 RTP/AVP 0\r\n", ""},
		{"no address", "m=audio 4000 RTP/AVP 0\r\n", ""},
		{"a name", "c=IN IP4 media.example\r\nm=audio 4000 RTP/AVP 0\r\n", ""},
		{"no port", head + "m=audio high RTP/AVP 0\r\n", ""},
		{"nothing", "", ""},
	} {
		got, err := answered([]byte(tt.in))
		var said []string
		for _, a := range got {
			said = append(said, a.String())
		}
		if strings.Join(said, " ") != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("%s gives %v %v", tt.name, said, err)
		}
	}
}

func FuzzAnswered(f *testing.F) {
	f.Add([]byte("c=IN IP4 192.0.2.1\r\nm=audio 4000 RTP/AVP 0\r\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		all, err := answered(in)
		if err == nil && len(all) == 0 {
			t.Error("an answer without a place is taken")
		}
		for _, a := range all {
			if !a.IsValid() || a.Port() == 0 {
				t.Errorf("%v is no place", a)
			}
		}
	})
}
