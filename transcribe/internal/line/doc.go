// Package line sends recorded speech as a call does, for measuring what a line
// costs in words.
//
// What enters: samples, and how bad the line is. What leaves: chunks of audio as
// they stand on the topic, into a decoder, the same ones each time. It may touch
// media only.
package line
