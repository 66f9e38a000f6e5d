// Package onnx runs neural networks on ONNX Runtime, one thread a call.
//
// What enters: the path of the runtime's shared library and of a model, then
// tensors. What leaves: tensors. It is the only package that imports
// onnxruntime_go; it may not know what a network computes, nor fetch any file.
package onnx
