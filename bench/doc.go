// Package bench measures the whole product on one machine: make bench runs it,
// docs/benchmarks.md explains each figure.
//
// Enters: the program, built and started as people do. Leaves: latencies,
// throughput, start-up and memory, each beside the bare parts it stands on.
package bench
