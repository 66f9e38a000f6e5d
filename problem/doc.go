// Package problem answers an HTTP request that cannot be served, in the form of
// RFC 9457 (application/problem+json), and names every field that is wrong.
//
// Enters: what went wrong. Leaves: a response that tells the caller the fix.
// It imports nothing of ours, and never quotes what a person wrote.
package problem
