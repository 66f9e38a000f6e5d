// Package replay sends recorded messages to a running Throughline, at a steady
// rate, over the same HTTP that everybody uses.
//
// Enters: files of one JSON object a line. Leaves: requests to POST /v1/messages
// whose ids are made of the lines, so that a replay can be broken off and
// repeated without anything counting twice.
package replay
