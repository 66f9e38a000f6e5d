package moonshine

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// pieces is the vocabulary: the text of each token, in the SentencePiece form
// of LLaMA ("▁" for a space, "<0x41>" for a byte).
type pieces []string

// vocabularyHead is how the base64 form of a LLaMA vocabulary begins:
// "<unk>\n<s>\n</s>\n".
const vocabularyHead = "PHVuaz4KPHM+Cjwvcz4K"

// errNoVocabulary means that the file is not the one the model came with.
var errNoVocabulary = errors.New("no token vocabulary in file; use moonshine.min.js of @moonshine-ai/moonshine-js")

func readPieces(path string) (pieces, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read vocabulary: %w", err)
	}
	p, err := findPieces(b)
	if err != nil {
		return nil, fmt.Errorf("read vocabulary %s: %w", path, err)
	}
	return p, nil
}

// findPieces extracts the vocabulary from JavaScript that embeds it.
func findPieces(b []byte) (pieces, error) {
	at := bytes.Index(b, []byte(vocabularyHead))
	if at < 0 {
		return nil, errNoVocabulary
	}
	b = b[at:]
	end := bytes.IndexFunc(b, func(r rune) bool {
		return !(r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '+' || r == '/' || r == '=')
	})
	if end >= 0 {
		b = b[:end]
	}
	text, err := base64.StdEncoding.DecodeString(string(b))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errNoVocabulary, err)
	}
	p := pieces(strings.Split(string(text), "\n"))
	// 32,000 pieces, with or without a newline after the last.
	if len(p) < 32000 {
		return nil, fmt.Errorf("%w: %d pieces of 32000", errNoVocabulary, len(p))
	}
	return p[:32000], nil
}

// text joins tokens. Control tokens (0 to 2) and the model's own marks above
// the vocabulary have no text.
func (p pieces) text(tokens []int64) string {
	var b strings.Builder
	for _, t := range tokens {
		if t <= endToken || t >= int64(len(p)) {
			continue
		}
		piece := p[t]
		if v, ok := byteOf(piece); ok {
			b.WriteByte(v)
			continue
		}
		b.WriteString(strings.ReplaceAll(piece, "▁", " "))
	}
	return strings.Join(strings.Fields(strings.ToValidUTF8(b.String(), "")), " ")
}

// hasLetter reports whether a token has a letter in its text.
func (p pieces) hasLetter(token int64) bool {
	if token <= endToken || token >= int64(len(p)) {
		return false
	}
	if _, ok := byteOf(p[token]); ok {
		return false
	}
	return strings.IndexFunc(p[token], unicode.IsLetter) >= 0
}

// foreign marks the tokens that no English sentence needs: of a script other than
// Latin, and bytes of a character that has no piece of its own. The vocabulary
// was made for many languages, and the model falls into them where it is lost.
func (p pieces) foreign() []bool {
	marks := make([]bool, vocabulary)
	for i, piece := range p {
		if v, ok := byteOf(piece); ok {
			marks[i] = v >= utf8.RuneSelf
			continue
		}
		marks[i] = strings.IndexFunc(piece, func(r rune) bool {
			return !unicode.In(r, unicode.Latin, unicode.Common, unicode.Inherited)
		}) >= 0
	}
	return marks
}

// byteOf reads a piece such as "<0x41>".
func byteOf(piece string) (byte, bool) {
	hex, ok := strings.CutPrefix(piece, "<0x")
	if !ok || len(hex) != 3 || hex[2] != '>' {
		return 0, false
	}
	v, err := strconv.ParseUint(hex[:2], 16, 8)
	return byte(v), err == nil
}
