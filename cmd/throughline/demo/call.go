package demo

import (
	"bufio"
	"bytes"
	"embed"
	"fmt"
	"io"
	"slices"
	"strings"

	"throughline/event"
	"throughline/media"
	"throughline/media/codec"
	"throughline/media/ogg"
)

// voices hold what is said in calls, one party a file, and how it was made.
//
//go:embed voices/*.ogg voices/*.txt
var voices embed.FS

// call is one telephone call of the day. Its words stand in voices/ID.txt and
// sound from voices/ID-customer.ogg and voices/ID-agent.ogg, in their own time
// whatever the speed of the day: nobody speaks faster for it.
type call struct {
	ID    string `yaml:"id"`
	Title string `yaml:"title"`
	At    clock  `yaml:"at"`
	Who   string `yaml:"who"`
	Agent string `yaml:"agent"`
}

// sides are the parties of a call in the order of their streams.
func sides() []event.Role { return []event.Role{event.Customer, event.Agent} }

// lines counts what each party says.
func (c call) lines() (map[event.Role]int, error) {
	text, err := voices.ReadFile("voices/" + c.ID + ".txt")
	if err != nil {
		return nil, fmt.Errorf("call %s: %w", c.ID, err)
	}
	n := map[event.Role]int{}
	for in := bufio.NewScanner(bytes.NewReader(text)); in.Scan(); {
		who, _, _ := strings.Cut(in.Text(), " ")
		n[event.Role(who)]++
	}
	return n, nil
}

// sound is what a party says, in the form of the telephone network: µ-law, 8 kHz
// (ITU-T G.711).
func (c call) sound(who event.Role) ([]byte, error) {
	file, err := voices.Open("voices/" + c.ID + "-" + string(who) + ".ogg")
	if err != nil {
		return nil, fmt.Errorf("call %s: %w", c.ID, err)
	}
	defer file.Close()
	return telephone(file)
}

func telephone(in io.Reader) ([]byte, error) {
	var pcm samples
	if _, err := ogg.Decode(in, &pcm); err != nil {
		return nil, fmt.Errorf("read voice: %w", err)
	}
	return codec.AppendULaw(make([]byte, 0, len(pcm.all)), pcm.all), nil
}

// bandwidth of the telephone network, samples a second.
const bandwidth = 8000

// samples collects a decoded file.
type samples struct{ all []int16 }

func (*samples) Rate() int      { return bandwidth }
func (*samples) String() string { return "samples" }

func (s *samples) WritePCM(b media.Block) error {
	s.all = append(s.all, b.Samples...)
	return nil
}

// checkCalls finds the mistakes of the calls.
func (d day) checkCalls() (wrong []error) {
	ids := map[string]bool{}
	for _, c := range d.Calls {
		who, ok := d.person(c.Who)
		if c.ID == "" || ids[c.ID] || c.Title == "" || c.Agent == "" || !ok {
			wrong = append(wrong, fmt.Errorf("call %q: needs an id of its own, a title, an agent, and who of people", c.ID))
			continue
		}
		ids[c.ID] = true
		if !strings.Contains(who.Phone, "####") {
			wrong = append(wrong, fmt.Errorf("call %s: %s has no phone with room for digits", c.ID, c.Who))
		}
		said, err := c.lines()
		if err != nil {
			wrong = append(wrong, fmt.Errorf("call %s: has no words in voices", c.ID))
			continue
		}
		for who := range said {
			if !slices.Contains(sides(), who) {
				wrong = append(wrong, fmt.Errorf("call %s: %q speaks, who is neither agent nor customer", c.ID, who))
			}
		}
		for _, who := range sides() {
			if said[who] == 0 {
				wrong = append(wrong, fmt.Errorf("call %s: the %s says nothing", c.ID, who))
			}
		}
	}
	return wrong
}
