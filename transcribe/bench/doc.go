// Package bench measures the speech engine beside the model's own package, and
// under the load of many legs in real time.
//
// What enters: the development recordings, and Node for the peer. What leaves:
// benchmark metrics. It holds benchmarks only and is no part of the product.
package bench
