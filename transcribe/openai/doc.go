// Package openai recognises speech on any server with OpenAI's transcription
// interfaces, over HTTP by utterance or over a WebSocket as it is spoken.
//
// What enters: audio at 16 kHz and the address of a server. What leaves: what
// package speech defines. It alone imports go-openai; it may not retry (the
// caller knows how urgent the audio is) nor put what was said in an error.
package openai
