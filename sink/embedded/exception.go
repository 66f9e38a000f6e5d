package embedded

import (
	"errors"
	"net/http"
	"regexp"
	"strconv"
	"strings"
)

// Error codes of ClickHouse (src/Common/ErrorCodes.cpp) that this package
// raises by itself.
const (
	codeCannotRead       = 23
	codeUnknownDatabase  = 81
	codeBadArguments     = 36
	codeNotImplemented   = 48
	codeSyntax           = 62
	codeCannotDecompress = 271
	codeReadonly         = 164
	codeTimeout          = 159
	codeTooManyQueries   = 202
	codeQueryTooLarge    = 229
	codeSupportDisabled  = 344
	codeSettingForbidden = 452
	codeAccessDenied     = 497
	codeAuthentication   = 516
	codeUnknown          = 1002
)

// codeNames are the symbolic names that end an exception's text.
func codeName(code int) string {
	switch code {
	case codeCannotRead:
		return "CANNOT_READ_ALL_DATA"
	case codeBadArguments:
		return "BAD_ARGUMENTS"
	case codeNotImplemented:
		return "NOT_IMPLEMENTED"
	case codeSyntax:
		return "SYNTAX_ERROR"
	case codeCannotDecompress:
		return "CANNOT_DECOMPRESS"
	case codeReadonly:
		return "READONLY"
	case codeTooManyQueries:
		return "TOO_MANY_SIMULTANEOUS_QUERIES"
	case codeQueryTooLarge:
		return "QUERY_IS_TOO_LARGE"
	case codeSupportDisabled:
		return "SUPPORT_IS_DISABLED"
	case codeSettingForbidden:
		return "SETTING_CONSTRAINT_VIOLATION"
	case codeAccessDenied:
		return "ACCESS_DENIED"
	case codeAuthentication:
		return "AUTHENTICATION_FAILED"
	default:
		return "UNKNOWN_EXCEPTION"
	}
}

// exception is a ClickHouse error, the engine's or ours.
type exception struct {
	code int
	text string // without the "Code: N. DB::Exception: " in front
	full string // as the engine worded it, if it did
}

func (e *exception) Error() string {
	if e.full != "" {
		return e.full
	}
	return "Code: " + strconv.Itoa(e.code) + ". DB::Exception: " + e.text + ". (" + codeName(e.code) + ")"
}

var exceptionCode = regexp.MustCompile(`^Code: (\d+)\. `)

// parseException reads the text of an engine's error.
func parseException(text string) *exception {
	e := &exception{code: codeUnknown, full: strings.TrimSpace(text)}
	if m := exceptionCode.FindStringSubmatch(text); m != nil {
		if code, err := strconv.Atoi(m[1]); err == nil {
			e.code = code
		}
	}
	return e
}

// asException finds the ClickHouse error in err, or makes one of it.
func asException(err error) *exception {
	var e *exception
	if errors.As(err, &e) {
		return e
	}
	return &exception{code: codeUnknown, text: err.Error()}
}

// status is the HTTP status that a ClickHouse server answers a code with
// (src/Server/HTTP/exceptionCodeToHTTPStatus.cpp); what the caller may not do
// is 403 here rather than that table's 500.
func (e *exception) status() int {
	switch e.code {
	case 6, 25, 26, 27, 38, 41, 53, 62, 72, 117, 130, 131, 167, 168, 223, 321, 376, 386, 427, 441, 457, 467, 675, 676,
		codeCannotRead, codeBadArguments, codeCannotDecompress:
		return http.StatusBadRequest
	case 46, 47, 50, 56, 60, 63, 73, 78, 115, 336, codeUnknownDatabase:
		return http.StatusNotFound
	case codeReadonly, codeSettingForbidden, codeAccessDenied, codeAuthentication:
		return http.StatusForbidden
	case codeTimeout, 209:
		return http.StatusRequestTimeout
	case codeQueryTooLarge:
		return http.StatusRequestEntityTooLarge
	case codeNotImplemented:
		return http.StatusNotImplemented
	case codeTooManyQueries, 439:
		return http.StatusServiceUnavailable
	default:
		return http.StatusInternalServerError
	}
}
