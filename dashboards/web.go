package dashboards

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"
)

// dist is what Vite made of web/; `make web` makes it again, and a test fails
// when it is not what the sources give.
//
//go:embed dist
var dist embed.FS

// pagePolicy lets the screen load nothing but what this server gives.
const pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

func (s *Server) page(w http.ResponseWriter, r *http.Request) error {
	h := w.Header()
	h.Set("Content-Security-Policy", pagePolicy)
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-cache")
	return file(w, r, "index.html")
}

func (s *Server) asset(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable") // the name holds a hash of the content
	name := r.PathValue("name")
	if name != path.Base(name) { // an escaped slash leads out of the folder
		name = "."
	}
	return file(w, r, path.Join("assets", name))
}

func file(w http.ResponseWriter, r *http.Request, name string) error {
	data, err := fs.ReadFile(dist, path.Join("dist", name))
	if err != nil || strings.HasPrefix(path.Base(name), ".") {
		w.Header().Del("Cache-Control")
		return notFound("file", "the screen is at /")
	}
	sum := sha256.Sum256(data)
	h := w.Header()
	h.Set("ETag", `"`+hex.EncodeToString(sum[:8])+`"`)
	h.Set("X-Content-Type-Options", "nosniff")
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(data))
	return nil
}
