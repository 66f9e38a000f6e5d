// Package embedded is a ClickHouse that needs no installation: ClickHouse's own
// engine (libchdb) in a child process, behind the ClickHouse HTTP interface.
// In:  a data directory and an address; then any ClickHouse HTTP client.
// Out: that address, with one account that writes and one that only reads.
// The engine lives only in the child, so nothing that befalls it can take the
// pipeline down. Nobody else imports purego; this package imports no stage.
package embedded
