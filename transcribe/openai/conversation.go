package openai

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"throughline/transcribe/speech"
)

// conversation puts the items of a realtime session in order. Transcripts may
// come out of order: the server works on several items at once.
type conversation struct {
	emit  func(speech.Event)
	known map[string]*item
	order []*item // in the order in which they were spoken, the untold ones
	next  int     // number of the next item

	// draining is set when the audio has ended, and answered when the server
	// has taken note: it committed the rest, or said that there is none.
	draining, answered bool
}

// item is one utterance of the session.
type item struct {
	number     int
	start, end time.Duration
	partial    strings.Builder
	speaking   bool
	done       bool
	final      speech.Event
}

// mostText bounds the partial of one item.
const mostText = 1 << 16

// ErrSession is an error that the server reports about the whole session.
var ErrSession = errors.New("realtime session failed")

// errItem is an utterance that the server could not transcribe.
var errItem = errors.New("realtime transcription failed")

// hear takes the next message. Kinds that carry no speech are passed over.
func (c *conversation) hear(m message) error {
	switch m.Type {
	case "input_audio_buffer.speech_started":
		it := c.item(m.ItemID)
		it.start, it.speaking = milliseconds(m.StartMS), true
		it.end = max(it.end, it.start)
		c.emit(speech.Event{Kind: speech.Started, Utterance: it.number, Start: it.start, End: it.start})
	case "input_audio_buffer.speech_stopped":
		it := c.item(m.ItemID)
		it.end = max(it.start, milliseconds(m.EndMS))
		c.stop(it)
	case "input_audio_buffer.committed":
		c.item(m.ItemID)
		c.answered = c.answered || c.draining
	case "conversation.item.input_audio_transcription.delta":
		it := c.item(m.ItemID)
		if it.done || it.partial.Len()+len(m.Delta) > mostText {
			return nil
		}
		it.partial.WriteString(m.Delta)
		c.emit(speech.Event{Kind: speech.Partial, Utterance: it.number, Start: it.start, End: it.end, Tail: strings.TrimSpace(it.partial.String())})
	case "conversation.item.input_audio_transcription.completed":
		text := strings.Join(strings.Fields(m.Transcript), " ")
		c.finish(m.ItemID, speech.Event{Text: text, NoSpeech: text == ""})
	case "conversation.item.input_audio_transcription.failed":
		c.finish(m.ItemID, speech.Event{Err: fmt.Errorf("%w: %s", errItem, m.Error.Code)})
	case "error":
		if c.draining && strings.HasSuffix(m.Error.Code, "commit_empty") {
			c.answered = true
			return nil
		}
		if m.Error.Type == "invalid_request_error" || m.Error.Type == "authentication_error" {
			return fmt.Errorf("%w: %w: %s", ErrSession, speech.ErrPermanent, m.Error.Code)
		}
		return fmt.Errorf("%w: %s", ErrSession, m.Error.Code)
	}
	return nil
}

// item finds an utterance by its name, or opens it.
func (c *conversation) item(id string) *item {
	it, ok := c.known[id]
	if !ok {
		it = &item{number: c.next}
		c.next++
		c.known[id] = it
		c.order = append(c.order, it)
	}
	return it
}

func (c *conversation) stop(it *item) {
	if it.speaking {
		it.speaking = false
		c.emit(speech.Event{Kind: speech.Ended, Utterance: it.number, Start: it.end, End: it.end})
	}
}

// finish notes a final and tells all that are due.
func (c *conversation) finish(id string, e speech.Event) {
	it := c.item(id)
	if it.done {
		return
	}
	c.stop(it)
	e.Kind, e.Utterance, e.Start, e.End = speech.Final, it.number, it.start, it.end
	it.done, it.final = true, e
	for len(c.order) > 0 && c.order[0].done {
		first := c.order[0]
		c.order = c.order[1:]
		c.emit(first.final)
		first.final, first.partial = speech.Event{}, strings.Builder{}
	}
}

// settled reports whether every utterance has been told.
func (c *conversation) settled() bool { return len(c.order) == 0 }

func milliseconds(ms float64) time.Duration {
	// Anything beyond a day is a broken clock.
	return time.Duration(max(0, min(ms, 86400e3)) * float64(time.Millisecond))
}
