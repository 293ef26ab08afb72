package reply

import (
	"bytes"
	"context"

	"github.com/99designs/gqlgen/graphql"
)

// writer encodes a root field. Like encoding/json, it escapes what HTML and JavaScript could misread. It is an
// exec.Writer.
type writer struct {
	ctx  context.Context //nolint:containedctx // gqlgen's encoding takes no context
	text *bytes.Buffer
	data *Data
}

func (w *writer) Write(text []byte) (int, error) {
	for _, c := range text {
		if mayEscape[c] {
			return w.WriteString(string(text))
		}
	}
	if w.data.admit(w.ctx, len(text)) {
		w.text.Write(text)
	}
	return len(text), nil
}

func (w *writer) WriteString(text string) (int, error) {
	begun := 0
	for i := 0; i < len(text); i++ {
		if !mayEscape[text[i]] {
			continue
		}
		if escaped, length := escape(text[i:]); escaped != "" {
			w.WriteSafe(text[begun:i], escaped, "")
			begun = i + length
			i = begun - 1
		}
	}
	w.WriteSafe(text[begun:], "", "")
	return len(text), nil
}

// WriteSafe writes texts that need no escape.
func (w *writer) WriteSafe(a, b, c string) {
	if w.data.admit(w.ctx, len(a)+len(b)+len(c)) {
		w.text.WriteString(a)
		w.text.WriteString(b)
		w.text.WriteString(c)
	}
}

// WriteText writes a JSON string.
func (w *writer) WriteText(text string) {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c == '"' || c == '\\' || mayEscape[c] {
			graphql.MarshalString(text).MarshalGQL(w)
			return
		}
	}
	w.WriteSafe(`"`, text, `"`)
}

// mayEscape has the first bytes of the characters that need an escape.
var mayEscape = [256]bool{'<': true, '>': true, '&': true, 0xe2: true}

// escape returns the escape of the first character of a text, and the length of that character. It returns "" if the character
// needs none.
func escape(text string) (escaped string, length int) {
	switch text[0] {
	case '<':
		return `\u003c`, 1
	case '>':
		return `\u003e`, 1
	case '&':
		return `\u0026`, 1
	case 0xe2: // U+2028 and U+2029 begin with it
		if len(text) >= 3 && text[1] == 0x80 && text[2] == 0xa8 {
			return `\u2028`, 3
		}
		if len(text) >= 3 && text[1] == 0x80 && text[2] == 0xa9 {
			return `\u2029`, 3
		}
	}
	return "", 0
}
