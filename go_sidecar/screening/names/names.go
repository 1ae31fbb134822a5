// Package names normalises names, once, before any kernel. The form is that of
// names.py in Python.
package names

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// MaxChars is the length of the longest raw name, in code points.
const MaxChars = 512

var fold = cases.Fold()

// Normalize returns the form of a name that is compared: folded, without marks and
// punctuation, tokens of letters and numbers in code point order with one space between.
// The name is UTF-8 of at most MaxChars code points, which is the caller's to check.
func Normalize(name string) string {
	folded := name
	if isASCII(name) {
		folded = strings.ToLower(name)
	} else {
		// Case folding can bring back what the first decomposition took apart.
		folded = norm.NFKD.String(fold.String(norm.NFKD.String(name)))
	}
	tokens := strings.Fields(strings.Map(keep, folded))
	slices.Sort(tokens) // bytes of UTF-8 sort like code points
	return strings.Join(tokens, " ")
}

func keep(r rune) rune {
	switch {
	// Cherokee folds to upper case, and so does x/text, but its upper case to lower.
	case r >= 0xAB70 && r <= 0xABBF:
		return r - 0xAB70 + 0x13A0
	case r >= 0x13F8 && r <= 0x13FD:
		return r - 8
	case unicode.IsLetter(r) || unicode.IsNumber(r):
		return r
	case unicode.IsMark(r):
		return -1
	default:
		return ' '
	}
}

func isASCII(text string) bool {
	for i := range len(text) {
		if text[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
