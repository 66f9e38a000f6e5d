package dashboards

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"throughline/problem"
)

// retryMS is what a browser waits before it connects again.
const retryMS = "3000"

// stream serves Server-Sent Events (HTML standard, §9.2).
func (s *Server) stream(w http.ResponseWriter, r *http.Request) error {
	f, from, err := streamRequest(r)
	if err != nil {
		return err
	}
	sub, err := s.subscribe(r, from, f)
	if err != nil {
		return err
	}
	s.hub.metrics.streams.WithLabelValues("sse").Inc()
	defer s.hub.metrics.streams.WithLabelValues("sse").Dec()
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // nginx would keep events back
	out := sseWriter{w: w, ctl: http.NewResponseController(w), deadline: s.cfg.WriteDeadline}
	if err := out.greet(sub); err != nil {
		return nil // the reader is gone
	}
	if sub.Reset != "" {
		s.hub.metrics.reset.WithLabelValues("sse").Inc()
	}
	err = s.pump(r.Context(), sub, &out)
	if errors.Is(err, ErrBehind) {
		s.hub.metrics.behind.WithLabelValues("sse").Inc()
	}
	return nil // headers are sent: the end of the stream is the answer
}

// streamRequest reads filter and position of a request for a stream. The header
// that a browser sends when it connects again is newer than the query it keeps.
func streamRequest(r *http.Request) (Filter, Position, error) {
	q := query{values: r.URL.Query()}
	q.only("topics", "interaction", "customer", "channel", "agent", "queue", "last_event_id")
	if err := q.err(); err != nil {
		return Filter{}, nil, err
	}
	f, err := filterOf(q.values)
	if err != nil {
		return f, nil, err
	}
	id, where := r.Header.Get("Last-Event-ID"), "Last-Event-ID"
	if id == "" {
		id, where = q.values.Get("last_event_id"), "?last_event_id"
	}
	from, err := resumeFrom(id, where)
	return f, from, err
}

// resumeFrom reads an id; none gives nil. One of another version gives a
// Position that fits no stream, and so a reset.
func resumeFrom(id, where string) (Position, error) {
	if id == "" {
		return nil, nil
	}
	from, err := ParsePosition(id)
	if errors.Is(err, errOtherShape) {
		return Position{}, nil
	}
	if err != nil {
		return nil, problem.Invalid(problem.Field{Pointer: where, Detail: err.Error() + "; leave it out to begin now"})
	}
	return from, nil
}

func (s *Server) subscribe(r *http.Request, from Position, f Filter) (*Subscription, error) {
	if err := s.ready(r.Context()); err != nil {
		return nil, err
	}
	sub, err := s.hub.Subscribe(r.Context(), s.tenant(r), from, f)
	if err != nil {
		return nil, problem.Unavailable(time.Second, "The stream cannot begin now; connect again.", err)
	}
	return sub, nil
}

// pump writes what sub gives until either end is gone. A heartbeat carries the
// position, so that a reader whom nothing concerned resumes without reading
// again all that it did not want.
func (s *Server) pump(ctx context.Context, sub *Subscription, out *sseWriter) error {
	sent := s.hub.metrics.sent.WithLabelValues("sse")
	for {
		wait, cancel := context.WithTimeout(ctx, s.cfg.Heartbeat)
		events, err := sub.Next(wait)
		cancel()
		switch {
		case err == nil:
			err = out.events(events)
			sent.Add(float64(len(events)))
		case ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded):
			err = out.heartbeat(sub.Position())
		}
		if err != nil {
			return err
		}
	}
}

// sseWriter writes events with a deadline for each write.
type sseWriter struct {
	w        http.ResponseWriter
	ctl      *http.ResponseController
	deadline time.Duration
}

// greet tells where the stream begins, so that even a reader who never gets an
// event resumes exactly.
func (o *sseWriter) greet(sub *Subscription) error {
	name, about := "hello", map[string]string{"id": sub.Position()}
	if sub.Reset != "" {
		name = "reset"
		about["reason"] = sub.Reset + ": fetch a snapshot; the stream goes on from now"
	}
	data, err := json.Marshal(about)
	if err != nil {
		return err
	}
	return o.write([]byte("retry: "+retryMS+"\n\n"), frame(name, sub.Position(), data))
}

func (o *sseWriter) events(events []*Event) error {
	frames := make([][]byte, len(events))
	for i, e := range events {
		if frames[i] = e.frame; e.frame == nil {
			frames[i] = frame(e.Topic, e.ID, e.Data)
		}
	}
	return o.write(frames...)
}

func (o *sseWriter) heartbeat(position string) error {
	return o.write([]byte(": heartbeat\nid: " + position + "\n\n"))
}

func (o *sseWriter) write(frames ...[]byte) error {
	if err := o.ctl.SetWriteDeadline(time.Now().Add(o.deadline)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	for _, f := range frames {
		if _, err := o.w.Write(f); err != nil {
			return err
		}
	}
	return o.ctl.Flush()
}
