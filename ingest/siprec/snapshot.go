package siprec

import (
	"context"
	"fmt"
	"time"

	"github.com/emiago/sipgo"
	"github.com/emiago/sipgo/sip"
)

// snapshotBody asks a recording client to tell all of its metadata once more
// (RFC 7866 §9.2), which it then does by a request of its own.
const snapshotBody = `<?xml version="1.0" encoding="UTF-8"?>` + "\r\n" +
	`<requestsnapshot xmlns="urn:ietf:params:xml:ns:recording:1"><requestreason xml:lang="en">metadata is incomplete here</requestreason></requestsnapshot>` + "\r\n"

const (
	// askAgain is the pause between two requests for a snapshot.
	askAgain = 10 * time.Second
	// mostAsks is how often in a call one is asked for: some controllers say that
	// they know the request, and do nothing.
	mostAsks = 3
	// askWithin bounds the wait for the answer, 64·T1 (RFC 3261 §17.1.1.2).
	askWithin = 32 * time.Second
)

// snapshotDue tells whether to ask for a snapshot now, and notes that it is done.
// After a restart of ours a controller may go on with partial updates of what it
// believes we know. Whoever does not list the request under Accept would refuse
// it. The caller holds mu.
func (d *dialog) snapshotDue(now time.Time) bool {
	if !d.snapshots || d.asks >= mostAsks || now.Sub(d.asked) < askAgain || !d.meta.incomplete() {
		return false
	}
	d.asks, d.asked = d.asks+1, now
	return true
}

// askForSnapshot sends the request as an UPDATE, which needs no description, or
// as a new INVITE with ours as it stands where the peer does not allow UPDATE.
func (d *dialog) askForSnapshot() {
	ctx, cancel := context.WithTimeout(context.Background(), askWithin)
	defer cancel()
	d.server.metrics.snapshots.Inc()
	status, err := d.snapshot(ctx)
	if err == nil && status >= 300 {
		err = fmt.Errorf("status %d", status)
	}
	if err != nil {
		d.server.log.Warn("metadata was asked for in vain", "interaction_id", d.call.Interaction(), "error", err)
	}
}

func (d *dialog) snapshot(ctx context.Context) (status int, err error) {
	if d.updates {
		req := d.request(sip.UPDATE)
		req.AppendHeader(header("Content-Type", typeSnapshot))
		req.AppendHeader(header("Content-Disposition", "recording-session"))
		req.SetBody([]byte(snapshotBody))
		res, err := d.server.send(ctx, req)
		if err != nil {
			return 0, err
		}
		return res.StatusCode, nil
	}
	const boundary = "throughline"
	d.mu.Lock()
	sdp := d.describeMedia()
	d.mu.Unlock()
	req := d.request(sip.INVITE)
	req.AppendHeader(header("Content-Type", "multipart/mixed;boundary="+boundary))
	req.SetBody(fmt.Appendf(nil, "--%s\r\nContent-Type: %s\r\n\r\n%s\r\n--%s\r\nContent-Type: %s\r\nContent-Disposition: recording-session\r\n\r\n%s--%s--\r\n",
		boundary, typeSDP, sdp, boundary, typeSnapshot, snapshotBody, boundary))
	res, err := d.server.send(ctx, req)
	if err != nil {
		return 0, err
	}
	if res.StatusCode < 300 {
		// The transaction acknowledges refusals only (RFC 3261 §13.2.2.4).
		ack := d.requestAs(sip.ACK, req.CSeq().SeqNo)
		if err := d.server.client.WriteRequest(ack, sipgo.ClientRequestAddVia); err != nil {
			return 0, fmt.Errorf("acknowledge: %w", err)
		}
	}
	return res.StatusCode, nil
}
