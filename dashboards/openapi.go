package dashboards

import (
	_ "embed"
	"net/http"
)

//go:generate go run ./describe

// openAPIDocument describes the whole HTTP surface; docs/openapi.yaml is the
// same for people.
//
//go:embed openapi.json
var openAPIDocument []byte

func (s *Server) openAPI(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-cache")
	_, _ = w.Write(openAPIDocument) // the caller may be gone; there is nobody left to tell
	return nil
}
