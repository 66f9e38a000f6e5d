// Package rtp holds the sockets on which calls are heard: it gives out ports,
// reads RTP and RTCP, reports back to senders, and serves legs without signalling.
//
// Enters: datagrams of senders; legs of the configuration and of /v1/rtp/legs.
// Leaves: packets with their arrival times into legs of ingest/calls; reports.
// It may not touch: the order of packets, codecs or Kafka.
package rtp
