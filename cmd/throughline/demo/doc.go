// Package demo plays a bundled day of customers against a running Throughline,
// and tells whether all of it arrived.
//
// Enters: addresses, day.yaml, voices. Leaves: signed webhooks, calls, chat
// frames and requests, as providers and browsers send them, and a report.
// It sees the pipeline from outside only: over HTTP, SQL and the bytes on disk.
package demo
