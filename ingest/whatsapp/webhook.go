package whatsapp

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"throughline/ingest"
	"throughline/problem"
)

// DefaultMaxBody is the largest body that Meta sends.
const DefaultMaxBody = 3 << 20

// Path is where the webhook is served.
const Path = "/v1/webhooks/whatsapp"

// Config of the webhook. AppSecrets and VerifyToken are required.
type Config struct {
	AppSecrets  []string `yaml:"app_secrets" secret:"true" doc:"app secrets that sign the webhooks; several while one is being rotated"`
	VerifyToken string   `yaml:"verify_token" secret:"true" doc:"the token you give Meta when you subscribe the webhook"`
	MaxBody     int64    `yaml:"max_body" default:"3145728" doc:"largest body, bytes"`

	Tenant  func(*http.Request) string `yaml:"-"` // whose webhook it is
	Metrics prometheus.Registerer      `yaml:"-"` // nil: not registered
}

// Check says what is wrong with the settings.
func (c Config) Check() error {
	if c.VerifyToken == "" {
		return errors.New("whatsapp.verify_token is empty: choose one and give it to Meta")
	}
	if len(c.AppSecrets) == 0 {
		return errors.New("whatsapp.app_secrets is empty: copy the app secret from the app's basic settings")
	}
	if slices.Contains(c.AppSecrets, "") {
		return errors.New("whatsapp.app_secrets holds an empty secret: remove it")
	}
	return nil
}

// Wanted tells whether anything was set up.
func (c Config) Wanted() bool { return len(c.AppSecrets) > 0 || c.VerifyToken != "" }

// Webhook is the HTTP side. It is safe for concurrent use.
type Webhook struct {
	cfg      Config
	intake   *ingest.Intake
	door     *ingest.Door
	refused  *prometheus.CounterVec
	arrivals prometheus.Histogram
}

// New makes a Webhook.
func New(cfg Config, intake *ingest.Intake, door *ingest.Door) (*Webhook, error) {
	if intake == nil || door == nil || cfg.Tenant == nil {
		return nil, errors.New("whatsapp webhook: an intake, a door and Tenant are required")
	}
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	if cfg.MaxBody <= 0 {
		cfg.MaxBody = DefaultMaxBody
	}
	w := &Webhook{cfg: cfg, intake: intake, door: door,
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "throughline", Subsystem: "whatsapp", Name: "signatures_refused_total",
			Help: "Webhooks whose signature was missing or wrong."}, []string{"why"}),
		arrivals: prometheus.NewHistogram(prometheus.HistogramOpts{Namespace: "throughline", Subsystem: "whatsapp", Name: "webhook_arrivals",
			Help: "Messages, statuses and other things in one webhook.", Buckets: prometheus.ExponentialBuckets(1, 4, 7)}),
	}
	if cfg.Metrics != nil {
		cfg.Metrics.MustRegister(w.refused, w.arrivals)
	}
	return w, nil
}

// Routes adds the webhook to mux.
func (w *Webhook) Routes(mux *http.ServeMux) {
	mux.Handle("GET "+Path, w.door.Wrap("GET "+Path, w.verify))
	mux.Handle("POST "+Path, w.door.Wrap("POST "+Path, w.receive))
}

// verify answers the challenge by which Meta checks who owns the endpoint.
func (w *Webhook) verify(rw http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	if q.Get("hub.mode") != "subscribe" {
		return problem.Invalid(problem.Field{Pointer: "#/hub.mode", Detail: "must be subscribe"})
	}
	given, want := sha256.Sum256([]byte(q.Get("hub.verify_token"))), sha256.Sum256([]byte(w.cfg.VerifyToken))
	if subtle.ConstantTimeCompare(given[:], want[:]) != 1 {
		return problem.New(http.StatusForbidden, "hub.verify_token is not the one in whatsapp.verify_token.")
	}
	rw.Header().Set("Content-Type", "text/plain; charset=utf-8")
	rw.Header().Set("X-Content-Type-Options", "nosniff")
	_, err := io.WriteString(rw, q.Get("hub.challenge"))
	return err
}

func (w *Webhook) receive(rw http.ResponseWriter, r *http.Request) error {
	body, err := io.ReadAll(http.MaxBytesReader(rw, r.Body, w.cfg.MaxBody))
	if err != nil {
		if _, large := errors.AsType[*http.MaxBytesError](err); large {
			return problem.New(http.StatusRequestEntityTooLarge, "The body is larger than whatsapp.max_body.")
		}
		return problem.New(http.StatusBadRequest, "The body did not arrive whole.")
	}
	if err := w.checkSignature(r.Header.Get("X-Hub-Signature-256"), body); err != nil {
		return err
	}
	arrivals, err := Parse(w.cfg.Tenant(r), body)
	if err != nil {
		return err
	}
	w.arrivals.Observe(float64(len(arrivals)))
	if _, err := w.intake.Accept(r.Context(), arrivals...); err != nil {
		return err
	}
	rw.WriteHeader(http.StatusOK)
	return nil
}

// checkSignature compares HMAC-SHA256 of the raw body under each app secret, in
// constant time.
func (w *Webhook) checkSignature(header string, body []byte) error {
	if header == "" {
		w.refused.WithLabelValues("missing").Inc()
		return problem.New(http.StatusUnauthorized, "The header X-Hub-Signature-256 is missing.")
	}
	hexed, ok := strings.CutPrefix(header, "sha256=")
	given, err := hex.DecodeString(hexed)
	if ok && err == nil {
		for _, secret := range w.cfg.AppSecrets {
			mac := hmac.New(sha256.New, []byte(secret))
			mac.Write(body)
			if hmac.Equal(given, mac.Sum(nil)) {
				return nil
			}
		}
	}
	w.refused.WithLabelValues("wrong").Inc()
	return problem.New(http.StatusUnauthorized, "X-Hub-Signature-256 is not the HMAC-SHA256 of the body under any of whatsapp.app_secrets.")
}
