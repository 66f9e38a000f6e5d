package recordings

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"throughline/event"
	"throughline/ingest/calls"
	"throughline/problem"
)

// Path is where recordings are sent.
const Path = "/v1/recordings"

// The defaults of Config.
const (
	DefaultMaxBytes    = 512 << 20
	DefaultMaxInFlight = 4
	DefaultDeadline    = 5 * time.Minute
)

// Config of the uploads. Tenant is required.
type Config struct {
	MaxBytes    int64         `yaml:"max_bytes" default:"536870912" doc:"largest file"`
	MaxInFlight int           `yaml:"max_in_flight" default:"4" doc:"uploads at once; more are answered 503"`
	Deadline    time.Duration `yaml:"deadline" default:"5m" doc:"a file that is not received and stored by then is answered 503"`
	Spool       string        `yaml:"spool" doc:"directory for files while they are received, without a name; empty: the system's"`

	Tenant  func(*http.Request) string `yaml:"-"` // whose recordings they are
	Metrics prometheus.Registerer      `yaml:"-"` // nil: not registered
	Logger  *slog.Logger               `yaml:"-"` // nil: slog.Default()
}

// Check says what is wrong with the settings.
func (c Config) Check() error {
	if c.Spool == "" {
		return nil
	}
	info, err := os.Stat(c.Spool)
	if err == nil && !info.IsDir() {
		err = fmt.Errorf("%s is no directory", c.Spool)
	}
	if err != nil {
		return fmt.Errorf("recordings.spool: %w: name a directory that this user may write, or leave it empty", err)
	}
	return nil
}

// Server takes uploads. It is safe for concurrent use.
type Server struct {
	cfg      Config
	door     *calls.Door
	log      *slog.Logger
	slots    chan struct{}
	outcomes *prometheus.CounterVec
	seconds  prometheus.Counter
}

// New makes a Server whose calls enter by door.
func New(cfg Config, door *calls.Door) (*Server, error) {
	if door == nil || cfg.Tenant == nil {
		return nil, errors.New("recordings: a door and Tenant are required")
	}
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	if cfg.MaxBytes <= 0 {
		cfg.MaxBytes = DefaultMaxBytes
	}
	if cfg.MaxInFlight <= 0 {
		cfg.MaxInFlight = DefaultMaxInFlight
	}
	if cfg.Deadline <= 0 {
		cfg.Deadline = DefaultDeadline
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	opts := func(name, help string) prometheus.CounterOpts {
		return prometheus.CounterOpts{Namespace: "throughline", Subsystem: "recordings", Name: name, Help: help}
	}
	s := &Server{cfg: cfg, door: door, log: cfg.Logger.With("component", "recordings"), slots: make(chan struct{}, cfg.MaxInFlight),
		outcomes: prometheus.NewCounterVec(opts("uploads_total", "Uploads by what became of them: stored, duplicate, refused, failed."), []string{"outcome"}),
		seconds:  prometheus.NewCounter(opts("audio_seconds_total", "Length of the recordings that were stored."))}
	if cfg.Metrics != nil {
		cfg.Metrics.MustRegister(s.outcomes, s.seconds)
	}
	return s, nil
}

// Routes adds the upload to mux.
func (s *Server) Routes(mux *http.ServeMux) { mux.HandleFunc("POST "+Path, s.serve) }

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	outcome := "stored"
	receipt, err := s.take(w, r)
	switch {
	case err != nil:
		p := asProblem(err)
		outcome = "refused"
		if p.Status >= 500 {
			outcome = "failed"
			s.log.Error("recording was not stored", "status", p.Status, "error", p.Cause)
		}
		problem.Write(w, p)
	case receipt.Duplicate:
		outcome = "duplicate"
	}
	s.outcomes.WithLabelValues(outcome).Inc()
	if err != nil {
		return
	}
	s.seconds.Add(receipt.Duration.Seconds())
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Location", "/v1/interactions/"+receipt.Interaction)
	w.WriteHeader(http.StatusAccepted)
	_ = json.NewEncoder(w).Encode(struct {
		Receipt
		DurationMS int64 `json:"duration_ms,omitempty"`
	}{receipt, receipt.Duration.Milliseconds()}) // it is stored; a caller who is gone will ask again
}

// asProblem gives errors their status. What is not the caller's fault is a 503,
// so that they keep the file and send it again.
func asProblem(err error) *problem.Problem {
	if p, ok := errors.AsType[*problem.Problem](err); ok {
		return p
	}
	if errors.Is(err, calls.ErrGoingOn) {
		p := problem.New(http.StatusConflict, "The same recording is being stored by another request; ask again for its outcome.")
		p.RetryAfter = 2 * time.Second
		return p
	}
	return problem.Unavailable(5*time.Second, "The recording could not be stored now; send it again.", err)
}

// take receives the file into a place without a name, so that memory stays small
// whatever is sent and a broken upload leaves no call behind, and stores it.
func (s *Server) take(w http.ResponseWriter, r *http.Request) (Receipt, error) {
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	default:
		return Receipt{}, problem.Unavailable(5*time.Second, "As many recordings as allowed are being received; send it again.", nil)
	}
	ctx, cancel := context.WithTimeout(r.Context(), s.cfg.Deadline)
	defer cancel()
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(s.cfg.Deadline)) // not every connection can
	f, err := os.CreateTemp(s.cfg.Spool, "recording-")
	if err != nil {
		return Receipt{}, err
	}
	unnamed := os.Remove(f.Name()) == nil // nobody else can open it, and a crash leaves nothing
	defer func() {
		_ = f.Close()
		if !unnamed {
			_ = os.Remove(f.Name()) // not every system removes a file that is open
		}
	}()
	r.Body = http.MaxBytesReader(w, r.Body, s.cfg.MaxBytes+maxFields*maxField)
	fields, mediaType, err := s.receive(r, f)
	if err != nil {
		return Receipt{}, err
	}
	o, err := options(fields)
	if err != nil {
		return Receipt{}, err
	}
	o.Tenant, o.MediaType = s.cfg.Tenant(r), mediaType
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return Receipt{}, err
	}
	return Import(ctx, s.door, f, o)
}

// The limits of a form.
const (
	maxFields = 32
	maxField  = 1 << 10
)

// receive writes the file to f and gives the fields beside it: of the query, and
// of the form where the body is one.
func (s *Server) receive(r *http.Request, f io.Writer) (url.Values, string, error) {
	fields := r.URL.Query()
	contentType := r.Header.Get("Content-Type")
	if kind, _, err := mime.ParseMediaType(contentType); err != nil || kind != "multipart/form-data" {
		return fields, contentType, s.spool(f, r.Body)
	}
	form, err := r.MultipartReader()
	if err != nil {
		return nil, "", problem.New(http.StatusBadRequest, "The form has no boundary (RFC 7578 §4.1).")
	}
	var mediaType string
	found := false
	for n := 0; ; n++ {
		part, err := form.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil || n > maxFields {
			return nil, "", received(err, "The form did not arrive whole, or has over "+strconv.Itoa(maxFields)+" fields.")
		}
		if part.FileName() == "" && part.FormName() != "file" {
			if err := field(part, fields); err != nil {
				return nil, "", err
			}
			continue
		}
		if found {
			return nil, "", wrong("file", "stands there twice: send one recording at a time")
		}
		found, mediaType = true, part.Header.Get("Content-Type")
		if err := s.spool(f, part); err != nil {
			return nil, "", err
		}
	}
	if !found {
		return nil, "", wrong("file", "is missing: send the recording as a part of this name")
	}
	return fields, mediaType, nil
}

func field(part *multipart.Part, into url.Values) error {
	b, err := io.ReadAll(io.LimitReader(part, maxField+1))
	if err != nil {
		return received(err, "The form did not arrive whole.")
	}
	if len(b) > maxField {
		return wrong(part.FormName(), "is longer than "+strconv.Itoa(maxField)+" bytes")
	}
	into.Add(part.FormName(), string(b))
	return nil
}

func (s *Server) spool(f io.Writer, from io.Reader) error {
	n, err := io.Copy(f, io.LimitReader(from, s.cfg.MaxBytes+1))
	if err != nil {
		return received(err, "The file did not arrive whole.")
	}
	if n > s.cfg.MaxBytes {
		return s.tooLarge()
	}
	return nil
}

func (s *Server) tooLarge() error {
	return problem.New(http.StatusRequestEntityTooLarge, "The file is larger than recordings.max_bytes, "+strconv.FormatInt(s.cfg.MaxBytes, 10)+".")
}

// received tells a body that is too large from one that was cut off, and both
// from a disk that is full.
func received(err error, detail string) error {
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return problem.New(http.StatusRequestEntityTooLarge, "The body is larger than recordings.max_bytes allows.")
	}
	if _, disk := errors.AsType[*os.PathError](err); disk {
		return err
	}
	p := problem.New(http.StatusBadRequest, detail)
	p.Cause = err
	return p
}

// options reads the fields, and names every one that is wrong.
func options(fields url.Values) (Options, error) {
	var o Options
	var bad []problem.Field
	refuse := func(name, detail string) { bad = append(bad, problem.Field{Pointer: "#/" + name, Detail: detail}) }
	text := map[string]*string{"id": &o.ID, "account": &o.Account, "queue": &o.Queue, "agent": &o.Agent, "case": &o.Case, "direction": &o.Direction}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		values := fields[name]
		v := strings.TrimSpace(values[0])
		switch {
		case len(values) > 1:
			refuse(name, "stands there twice")
		case len(v) > maxField:
			refuse(name, "is longer than "+strconv.Itoa(maxField)+" bytes")
		case text[name] != nil:
			*text[name] = v
		case name == "at":
			at, err := time.Parse(time.RFC3339, v)
			if err != nil || at.After(time.Now().Add(24*time.Hour)) {
				refuse(name, "must be the time when the call began, such as 2026-03-01T09:30:00Z")
			}
			o.At = at
		case name == "phone" || name == "mail" || name == "crm":
			if o.Customer.Value != "" {
				refuse(name, "is a second handle of the customer: give one of phone, mail, crm")
			}
			o.Customer = event.Handle{Kind: event.HandleKind(name), Value: v}.Canonical()
			if name == "phone" {
				if o.Customer = calls.Caller(v); o.Customer.Value == "" {
					refuse(name, "must be a number in international form, such as +15555551234")
				}
			}
		case name == "channels":
			for c := range strings.SplitSeq(v, ",") {
				o.Channels = append(o.Channels, strings.TrimSpace(c))
			}
		default:
			refuse(name, "is not known; there are id, at, phone, mail, crm, direction, account, queue, agent, case, channels")
		}
	}
	if o.Direction != "" && o.Direction != "inbound" && o.Direction != "outbound" {
		refuse("direction", "must be inbound or outbound")
	}
	if len(o.ID) > 200 {
		refuse("id", "is longer than 200 bytes")
	}
	if len(bad) > 0 {
		return Options{}, problem.Invalid(bad...)
	}
	return o, nil
}
