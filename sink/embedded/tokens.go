package embedded

import "strings"

// token is one lexical element of a statement, for the few questions this
// package asks before the engine's own parser answers the rest.
type token struct {
	kind tokenKind
	text string // a word or quoted name without its quotes, else the characters
	end  int    // offset behind it
}

type tokenKind byte

const (
	tokenEnd tokenKind = iota
	tokenWord
	tokenName   // quoted identifier, unescaped
	tokenString // literal; text is empty
	tokenSign
	tokenTorn // a quote or comment that does not end
)

// is reports whether the token is this keyword.
func (t token) is(keyword string) bool {
	return t.kind == tokenWord && strings.EqualFold(t.text, keyword)
}

// nextToken reads the token at or behind the offset, as ClickHouse's lexer
// does: comments nest (/* */), run to the end of line (--, #!, "# ") or count as space.
func nextToken(sql string, at int) token {
	for at < len(sql) {
		rest := sql[at:]
		switch {
		case isSpace(rest[0]):
			at++
		case strings.HasPrefix(rest, "--"), strings.HasPrefix(rest, "#!"), strings.HasPrefix(rest, "# "):
			line := strings.IndexByte(rest, '\n')
			if line < 0 {
				return token{kind: tokenEnd, end: len(sql)}
			}
			at += line + 1
		case strings.HasPrefix(rest, "/*"):
			n := commentLength(rest)
			if n < 0 {
				return token{kind: tokenTorn, end: len(sql)}
			}
			at += n
		case rest[0] == '\'':
			return quoted(sql, at, '\'', tokenString)
		case rest[0] == '`', rest[0] == '"':
			return quoted(sql, at, rest[0], tokenName)
		case rest[0] == '$':
			return heredoc(sql, at)
		case isWord(rest[0]):
			end := at + 1
			for end < len(sql) && isWord(sql[end]) {
				end++
			}
			return token{kind: tokenWord, text: sql[at:end], end: end}
		default:
			return token{kind: tokenSign, text: rest[:1], end: at + 1}
		}
	}
	return token{kind: tokenEnd, end: len(sql)}
}

func commentLength(s string) int {
	depth := 0
	for i := 0; i+1 < len(s); i++ {
		switch s[i : i+2] {
		case "/*":
			depth++
			i++
		case "*/":
			depth--
			i++
			if depth == 0 {
				return i + 1
			}
		}
	}
	return -1
}

// quoted reads a literal or name: a backslash escapes, a doubled quote is one.
func quoted(sql string, at int, quote byte, kind tokenKind) token {
	var text strings.Builder
	for i := at + 1; i < len(sql); i++ {
		switch {
		case sql[i] == '\\' && i+1 < len(sql):
			i++
			text.WriteByte(sql[i])
		case sql[i] == quote && i+1 < len(sql) && sql[i+1] == quote:
			i++
			text.WriteByte(quote)
		case sql[i] == quote:
			t := token{kind: kind, end: i + 1}
			if kind == tokenName {
				t.text = text.String()
			}
			return t
		default:
			text.WriteByte(sql[i])
		}
	}
	return token{kind: tokenTorn, end: len(sql)}
}

// heredoc reads $tag$ … $tag$; a lone dollar is a sign.
func heredoc(sql string, at int) token {
	open := at + 1
	for open < len(sql) && isWord(sql[open]) {
		open++
	}
	if open >= len(sql) || sql[open] != '$' {
		return token{kind: tokenSign, text: "$", end: at + 1}
	}
	tag := sql[at : open+1]
	end := strings.Index(sql[open+1:], tag)
	if end < 0 {
		return token{kind: tokenTorn, end: len(sql)}
	}
	return token{kind: tokenString, end: open + 1 + end + len(tag)}
}

func isSpace(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' || c == 0 }

func isWord(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}
