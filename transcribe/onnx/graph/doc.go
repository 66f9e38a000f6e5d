// Package graph reads, edits and writes the network inside an ONNX file.
//
// What enters: the bytes of a model (onnx.proto3, IR version 8). What leaves:
// its nodes and constants as Go values, and the bytes of an edited model. It
// walks the wire format itself, keeps what it does not know, runs nothing, and
// may not touch the runtime or the disk.
package graph
