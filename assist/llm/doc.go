// Package llm asks a language model behind any OpenAI-compatible server.
//
// Enters: instructions and cleared text. Leaves: the model's text, or why there is
// none, in words that quote neither. It alone in assist imports go-openai; it does
// not retry, since whoever asks has an answer of its own to fall back on.
package llm
