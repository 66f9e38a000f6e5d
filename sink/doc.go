// Package sink writes what the pipeline knows into ClickHouse and asks it
// questions.
//
// Enters: every topic worth asking about. Leaves: rows, each once however often
// its event comes, and the answers to named queries.
// Nobody else may import clickhouse-go. sink/embedded is the engine in a child
// process.
package sink
