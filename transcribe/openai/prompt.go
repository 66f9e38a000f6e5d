package openai

import (
	"strings"
	"unicode"

	"throughline/transcribe/speech"
)

// maxBefore is how much of what was said before the server is told, in bytes: the
// end of it. Models of Whisper's kind read the last 224 tokens of a prompt, and
// names are to have most of them.
const maxBefore = 200

// prompt is what the server is told: names that may be said, and last, where the
// utterance goes on from, what the same speaker said a moment earlier.
func prompt(opts speech.Options) string {
	parts := opts.Hints
	if opts.Before != nil {
		if end := lastWords(opts.Before.Text, maxBefore); end != "" {
			parts = append(parts[:len(parts):len(parts)], end)
		}
	}
	return strings.Join(parts, ", ")
}

// lastWords is the end of a text that fits into n bytes, in whole words.
func lastWords(text string, n int) string {
	text = strings.Join(strings.Fields(text), " ")
	if len(text) <= n {
		return text
	}
	_, text, _ = strings.Cut(text[len(text)-n-1:], " ")
	return text
}

// repeats tells whether an answer begins with what was said before, as a model
// says that finds little in the audio and goes by the prompt.
func repeats(answer, before string) bool {
	before = letters(before)
	return before != "" && strings.HasPrefix(letters(answer), before)
}

// letters leaves only letters and digits, in small.
func letters(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, text)
}
