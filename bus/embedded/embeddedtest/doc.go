// Package embeddedtest runs the embedded broker in a child process, so that a
// test can kill it at any moment and start it again on the same log and port.
//
// What enters: an [embedded.Config]. What leaves: an address to connect to.
// What it may not touch: anything outside tests; the child is the test binary
// itself, run again, and it ends with the test that started it.
package embeddedtest
