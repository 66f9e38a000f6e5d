// Package media holds the vocabulary of call audio: frames, gaps, chunks and chains of writers.
//
// In: codec payloads in media order, from media/rtpstream or from a [Feed] over a stream socket.
// Out: [Chunk], the compact form of 100–200 ms of one leg that travels on Kafka, gaps marked.
// Decoding is media/decode's; order and time are media/rtpstream's. Audio flows through chained
// writers, and a chain prints itself. It may import no package of ours outside media.
package media
