package body

import (
	"bytes"
	"encoding/json/jsontext"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
)

// path names the value that was read last: names[0], items[3].name; the body where it
// is the whole of it.
func (d *Decoder) path() string {
	path, level := "", 0
	for token := range d.tokens.StackPointer().Tokens() {
		level++
		if kind, _ := d.tokens.StackIndex(level); kind == '[' {
			path += "[" + token + "]"
		} else {
			path = member(path, printable(token))
		}
	}
	if path == "" {
		return "body"
	}
	return path
}

func member(path, name string) string {
	if path == "" || path == "body" {
		return name
	}
	return path + "." + name
}

// printable returns a caller's name for a field in the ASCII form that the service in Python
// gives it, cut where it is long.
func printable(name string) string {
	const most = 80
	var text strings.Builder
	for _, r := range name {
		switch {
		case r == '\n':
			text.WriteString(`\n`)
		case r == '\r':
			text.WriteString(`\r`)
		case r == '\t':
			text.WriteString(`\t`)
		case r == '\\':
			text.WriteString(`\\`)
		case r < unicode.MaxASCII && unicode.IsPrint(r):
			text.WriteRune(r)
		case r <= unicode.MaxLatin1:
			fmt.Fprintf(&text, `\x%02x`, r)
		case r <= 0xffff:
			fmt.Fprintf(&text, `\u%04x`, r)
		default:
			fmt.Fprintf(&text, `\U%08x`, r)
		}
	}
	if text.Len() > most {
		return text.String()[:most] + "…"
	}
	return text.String()
}

// shown returns what came, cut where it is long.
func shown(raw jsontext.Value) string {
	const most = 60
	text := []rune(string(raw[:min(len(raw), 4*most+4)]))
	if len(text) <= most {
		return string(text)
	}
	return fmt.Sprintf("%s… (%d bytes)", string(text[:most]), len(raw))
}

// unquote returns the text of a JSON string, and whether it has no lone surrogates. Without
// escapes the text is a view.
func unquote(raw jsontext.Value) (text []byte, isUnicode bool) {
	inner := raw[1 : len(raw)-1]
	if bytes.IndexByte(inner, '\\') < 0 {
		return inner, true
	}
	text, _ = jsontext.AppendUnquote(nil, raw)
	return text, !hasLoneSurrogate(inner)
}

func hasLoneSurrogate(inner []byte) bool {
	for {
		at := bytes.IndexByte(inner, '\\')
		if at < 0 {
			return false
		}
		if inner = inner[at:]; inner[1] != 'u' {
			inner = inner[2:]
			continue
		}
		first := escaped(inner)
		inner = inner[6:]
		if !utf16.IsSurrogate(first) {
			continue
		}
		if !bytes.HasPrefix(inner, []byte(`\u`)) || utf16.DecodeRune(first, escaped(inner)) == unicode.ReplacementChar {
			return true
		}
		inner = inner[6:]
	}
}

// escaped returns the code unit of \uXXXX.
func escaped(text []byte) rune {
	unit, _ := strconv.ParseUint(string(text[2:6]), 16, 16) // four hex digits, or it were no JSON
	return rune(unit)
}
