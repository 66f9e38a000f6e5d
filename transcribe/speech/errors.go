package speech

import "errors"

// ErrPermanent marks a failure of a recogniser that the same audio will meet
// again: a refused key, an unknown model, an utterance that is too long.
var ErrPermanent = errors.New("recogniser refused")
