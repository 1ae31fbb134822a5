package watchlist

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"
)

const endMark = "\x1a"

// place is where a row begins; lines count from 1.
type place struct {
	path string
	line int
}

func (p place) invalid(format string, args ...any) error {
	return fmt.Errorf("%s, line %d: %s", p.path, p.line, fmt.Sprintf(format, args...))
}

// eachRow reads a file of the directory: CSV in UTF-8, by the rule of rows.py in Python, which
// says how it differs from that of encoding/csv. The file's name is given in lower case. The row
// is valid until `each` returns.
func eachRow(directory, name string, columns int, each func(at place, row []string) error) error {
	path, err := find(directory, name)
	if err != nil {
		return err
	}
	text, err := readText(path)
	if err != nil {
		return err
	}
	row := make([]string, 0, columns+1)
	for at, line := 0, 1; at < len(text); {
		begin, isBlank := place{path, line}, true
		row = row[:0]
		for inRow := true; inRow; {
			var field string
			if strings.HasPrefix(text[at:], `"`) {
				isBlank = false
				end := closingQuote(text, at+1)
				if end < 0 {
					return place{path, line}.invalid("expected a closing quote, got the end of the file")
				}
				field, at = text[at+1:end], end+1
				if at < len(text) && !strings.ContainsRune(",\r\n", rune(text[at])) {
					after, _ := utf8.DecodeRuneInString(text[at:])
					return place{path, line}.invalid("expected a comma or the end of the line after a closing quote, got %+q", after)
				}
				line += lineEnds(field)
				field = strings.ReplaceAll(field, `""`, `"`)
			} else {
				end := at + len(text[at:])
				if i := strings.IndexAny(text[at:], ",\"\r\n"); i >= 0 {
					end = at + i
				}
				field, at = text[at:end], end
				if at < len(text) && text[at] == '"' {
					return place{path, line}.invalid("expected quotes around a field with a quote in it, got %+.60q", field)
				}
			}
			row = append(row, field)
			switch {
			case strings.HasPrefix(text[at:], "\r\n"):
				at, inRow = at+2, false
			case at == len(text):
				inRow = false
			default:
				inRow = text[at] == ','
				at++
			}
		}
		line++
		if isBlank && len(row) == 1 && row[0] == "" {
			continue
		}
		if len(row) != columns {
			return begin.invalid("expected %d columns, got %d", columns, len(row))
		}
		if err := each(begin, row); err != nil {
			return err
		}
	}
	return nil
}

// closingQuote returns where the first quote is that is no pair, or -1.
func closingQuote(text string, at int) int {
	for {
		i := strings.IndexByte(text[at:], '"')
		if i < 0 {
			return -1
		}
		if at += i; !strings.HasPrefix(text[at+1:], `"`) {
			return at
		}
		at += 2
	}
}

// lineEnds counts CRLF, LF and CR.
func lineEnds(text string) int {
	return strings.Count(text, "\n") + strings.Count(text, "\r") - strings.Count(text, "\r\n")
}

func find(directory, name string) (string, error) {
	var found []string
	entries, _ := os.ReadDir(directory) // to read the file will say why it failed
	for _, entry := range entries {
		if strings.ToLower(entry.Name()) == name {
			found = append(found, entry.Name())
		}
	}
	switch len(found) {
	case 0:
		return filepath.Join(directory, name), nil
	case 1:
		return filepath.Join(directory, found[0]), nil
	default:
		return "", fmt.Errorf("%s: expected one %s, got %s", directory, name, strings.Join(found, " and "))
	}
}

func readText(path string) (string, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("%s: expected a readable file, got: %w", path, err)
	}
	// The mark is the only sign that the last rows are there: a list that was cut short at
	// the end of a line would otherwise screen nobody and tell nobody.
	text, isWhole := bytes.CutSuffix(content, []byte(endMark))
	if !isWhole {
		return "", fmt.Errorf("%s: expected the end mark 0x1A as last byte, got %q after %d bytes (cut short?)", path, content[max(0, len(content)-1):], len(content))
	}
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRune(text[i:])
		if r == utf8.RuneError && size == 1 {
			return "", place{path, 1 + lineEnds(string(text[:i]))}.invalid("expected UTF-8, got byte %#x", text[i])
		}
		i += size
	}
	if i := bytes.IndexByte(text, 0); i >= 0 {
		return "", place{path, 1 + lineEnds(string(text[:i]))}.invalid("expected text, got NUL")
	}
	return string(text), nil
}
