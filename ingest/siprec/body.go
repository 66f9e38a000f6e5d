package siprec

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"strings"
)

// The media types of bodies (RFC 7866 §9). Some controllers leave out "+xml".
const (
	typeSDP       = "application/sdp"
	typeMetadata  = "application/rs-metadata+xml"
	typeMetadata2 = "application/rs-metadata"
	typeSnapshot  = "application/rs-metadata-request"
)

// acceptTypes is our Accept header.
const acceptTypes = typeSDP + ", " + typeMetadata + ", multipart/mixed"

// errMediaType says that a body is of a type that is not understood: 415.
var errMediaType = errors.New("media type unsupported")

// errBody says that a body is not what its type promises: 400.
var errBody = errors.New("body malformed")

// content is what a SIP body holds of interest.
type content struct {
	sdp      []byte
	metadata []byte
}

// maxParts bounds a multipart body: SDP, metadata, and a vendor's own one or two.
const maxParts = 16

// parseBody takes a body apart. Parts of types that are not known are left out,
// unless the body is nothing else.
func parseBody(contentType string, body []byte) (content, error) {
	var c content
	if len(bytes.TrimSpace(body)) == 0 {
		return c, nil
	}
	kind, params := mediaType(contentType)
	if !strings.HasPrefix(kind, "multipart/") {
		if !c.take(kind, body) {
			return c, fmt.Errorf("sip body: %w", errMediaType)
		}
		return c, nil
	}
	boundary := params["boundary"]
	if boundary == "" {
		return c, fmt.Errorf("sip body: no boundary: %w", errBody)
	}
	r := multipart.NewReader(bytes.NewReader(body), boundary)
	known := false
	for n := 0; ; n++ {
		part, err := r.NextRawPart()
		if err != nil {
			if n == 0 {
				return c, fmt.Errorf("sip body: no part within its boundary: %w", errBody)
			}
			break // the end, or a body cut off: what was whole counts
		}
		if n == maxParts {
			return c, fmt.Errorf("sip body: more than %d parts: %w", maxParts, errBody)
		}
		data, err := io.ReadAll(part)
		if err != nil {
			break
		}
		kind, _ := mediaType(part.Header.Get("Content-Type"))
		known = c.take(kind, data) || known
	}
	if !known {
		return c, fmt.Errorf("sip body: no part is understood: %w", errMediaType)
	}
	return c, nil
}

// mediaType is lenient: a boundary may hold what the grammar forbids.
func mediaType(value string) (string, map[string]string) {
	if kind, params, err := mime.ParseMediaType(value); err == nil {
		return kind, params
	}
	kind, rest, _ := strings.Cut(value, ";")
	params := map[string]string{}
	for p := range strings.SplitSeq(rest, ";") {
		k, v, ok := strings.Cut(p, "=")
		if ok {
			params[strings.ToLower(strings.TrimSpace(k))] = strings.Trim(strings.TrimSpace(v), `"`)
		}
	}
	return strings.ToLower(strings.TrimSpace(kind)), params
}

func (c *content) take(kind string, data []byte) bool {
	switch kind {
	case typeSDP, "": // a body without a type is SDP where it looks like it
		if kind == "" && !bytes.HasPrefix(bytes.TrimSpace(data), []byte("v=0")) {
			return false
		}
		c.sdp = data
	case typeMetadata, typeMetadata2:
		c.metadata = data
	default:
		return false
	}
	return true
}
