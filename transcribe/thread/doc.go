// Package thread gives work that may wait threads that run after all others of
// the process.
//
// What enters: a goroutine, or a function to run. What leaves: nothing. It may not
// know what the work is.
package thread
