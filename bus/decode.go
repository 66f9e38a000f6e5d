package bus

import (
	"errors"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	jsonv1 "github.com/go-json-experiment/json/v1"
)

// leniently reads what encoding/json reads. The package behind it is the one
// that Go is about to get as encoding/json/v2: it takes less than half of the
// time, which is most of what a stage costs.
var leniently = json.JoinOptions(
	jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true),
	json.MatchCaseInsensitiveNames(true), jsonv1.UnmarshalArrayFromAnyLength(true),
	jsonv1.FormatByteArrayAsArray(true), jsonv1.FormatBytesWithLegacySemantics(true), jsonv1.FormatDurationAsNano(true), jsonv1.ParseTimeWithLooseRFC3339(true), jsonv1.ParseBytesWithLooseRFC4648(true),
)

func decode[T any](r raw) (Record[T], error) {
	rec := Record[T]{Topic: r.topic, Partition: r.partition, Offset: r.offset, Key: string(r.key), Bytes: r.value, Time: r.time, Deleted: r.value == nil}
	if rec.Deleted {
		return rec, nil
	}
	if err := json.Unmarshal(r.value, &rec.Value, leniently); err != nil {
		return rec, Permanent(fmt.Errorf("decode event: %w", jsonError(err)))
	}
	return rec, nil
}

// jsonError keeps the place of a JSON error and drops what it quotes: the value
// may be somebody's words, and so may a name below the outermost.
func jsonError(err error) error {
	if e, ok := errors.AsType[*json.SemanticError](err); ok {
		field, _, _ := strings.Cut(strings.TrimPrefix(string(e.JSONPointer), "/"), "/")
		return fmt.Errorf("field %q at byte %d is not of type %s", field, e.ByteOffset, e.GoType)
	}
	if e, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		return fmt.Errorf("not JSON at byte %d", e.ByteOffset)
	}
	return errors.New("a field does not have its documented form")
}
