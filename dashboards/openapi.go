package dashboards

import "net/http"

func (s *Server) openAPI(w http.ResponseWriter, _ *http.Request) error {
	return reply(w, http.StatusOK, s.document)
}
