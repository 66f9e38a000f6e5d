package ingest_test

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"throughline/ingest"
	"throughline/problem"
)

func TestDoorAnswersEveryError(t *testing.T) {
	var log strings.Builder
	reg := prometheus.NewRegistry()
	d := ingest.NewDoor(ingest.DoorConfig{Metrics: reg, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	tests := []struct {
		name   string
		err    error
		status int
		retry  bool
		logged bool
	}{
		{"problem", problem.New(http.StatusTeapot, "no coffee"), 418, false, false},
		{"refused", fmt.Errorf("x: %w", &ingest.ArrivalError{Index: 3, Err: ingest.ErrNotOpen}), 404, false, false},
		{"starting", ingest.ErrNotReady, 503, true, true},
		{"broker away", errors.New("dial 10.0.0.1: refused"), 503, true, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			log.Reset()
			rec := httptest.NewRecorder()
			d.Wrap("POST /x", func(http.ResponseWriter, *http.Request) error { return tt.err }).
				ServeHTTP(rec, httptest.NewRequest(http.MethodPost, "/x", nil))
			if rec.Code != tt.status || (rec.Header().Get("Retry-After") != "") != tt.retry || rec.Header().Get("Content-Type") != problem.ContentType {
				t.Errorf("%d %v %s", rec.Code, rec.Header(), rec.Body)
			}
			if strings.Contains(rec.Body.String(), "10.0.0.1") {
				t.Errorf("the inside is told: %s", rec.Body)
			}
			if (log.Len() > 0) != tt.logged {
				t.Errorf("log is %q", log.String())
			}
		})
	}
	families, err := reg.Gather()
	if err != nil || len(families) != 2 {
		t.Errorf("metrics are %v, %v", families, err)
	}
}

// More requests than the door lets in wait; those that wait too long are sent
// away with 503, and none is handled beside the bound.
func TestDoorIsBounded(t *testing.T) {
	d := ingest.NewDoor(ingest.DoorConfig{MaxInFlight: 2, Deadline: 200 * time.Millisecond, Logger: slog.New(slog.NewTextHandler(io.Discard, nil))})
	var mu sync.Mutex
	inside, most := 0, 0
	release := make(chan struct{})
	h := d.Wrap("POST /x", func(http.ResponseWriter, *http.Request) error {
		mu.Lock()
		inside++
		most = max(most, inside)
		mu.Unlock()
		<-release
		mu.Lock()
		inside--
		mu.Unlock()
		return nil
	})
	codes := make(chan int, 6)
	for range cap(codes) {
		go func() {
			rec := httptest.NewRecorder()
			h.ServeHTTP(rec, httptest.NewRequest(http.MethodPost, "/x", nil))
			codes <- rec.Code
		}()
	}
	for range 4 {
		if code := <-codes; code != 503 {
			t.Errorf("answered %d before anybody left", code)
		}
	}
	close(release)
	for range 2 {
		if code := <-codes; code != 200 {
			t.Errorf("answered %d", code)
		}
	}
	if most != 2 {
		t.Errorf("%d were handled at once", most)
	}
}
