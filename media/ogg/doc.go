// Package ogg reads and writes Opus in Ogg files (RFC 3533, RFC 7845): voice notes, recordings.
//
// In: a file or a stream of one. Out: Opus packets with their durations, or samples with the
// encoder's lead-in and padding cut off. Writing puts received packets into a file as they are.
// Damaged pages are skipped and counted. Other streams multiplexed into the file are passed over.
// It reads forward only and bounds what a file can make it allocate.
package ogg
