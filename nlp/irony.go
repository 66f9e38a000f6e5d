package nlp

import "strings"

// ironic tells whether a text ends with a mark by which people say that they mean
// the opposite: the tone indicator "/s", or a hashtag in words.
func ironic(text string) bool {
	words := strings.Fields(strings.ToLower(text[max(0, len(text)-longestMark):]))
	if len(words) == 0 {
		return false
	}
	switch words[len(words)-1] {
	case "/s", "/sarcasm", "/sarc", "#sarcasm", "#sarcastic", "#irony", "#ironic", "#sarcasmo", "#ironia", "#ironía", "#ironie", "#sarkasmus":
		return true
	}
	return false
}

// longestMark bounds what is looked at, in bytes.
const longestMark = 32
