// Command maketable makes folding.txt: what each character of a name becomes before names are
// compared, in the one version of Unicode that all languages keep to, whatever comes with them.
//
// Run it in this folder, by `go run .`: it writes the table beside the normalisation in Go and
// beside the contract in Python.
package main

import (
	"bytes"
	"fmt"
	"log"
	"os"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// version is Unicode's. Another one is a change of the contract: names normalise differently.
const version = "17.0.0"

var files = []string{"../folding.txt", "../../../../service/screening/contract/folding.txt"}

const head = `# What each character of a name becomes before names are compared. Made by maketable, which is
# beside the gateway's names; docs/screening.md says what for.
#
# keep    stays: a number, or a letter of a script without case
# letter  stays: a letter of a script with case, folded
# gone    vanishes: marks, and what cannot be seen
# space   parts words
# dot     parts words, and makes single letters one: S.A., S/A
# tie     parts what is one word: O'Neill
# hangul  a syllable, which the algorithm of the standard takes apart
# +N -N   becomes the character N further on, or further back
# > A B   becomes these characters: 20 is a space, 2E a dot, 27 a tie
#
# What is not listed parts words, and so does 2C in a sequence.
`

// How the characters of a sequence say that they part words.
const (
	space = ' '
	dot   = '.'
	tie   = '\''
	parts = ','
)

func main() {
	table, err := makeTable()
	if err != nil {
		log.Fatal(err)
	}
	for _, file := range files {
		if err := os.WriteFile(file, table, 0o644); err != nil {
			log.Fatal(err)
		}
	}
}

func makeTable() ([]byte, error) {
	if unicode.Version != version || norm.Version != version || cases.UnicodeVersion != version {
		return nil, fmt.Errorf("expected Unicode %s, got %s, %s and %s", version, unicode.Version, norm.Version, cases.UnicodeVersion)
	}
	var out bytes.Buffer
	fmt.Fprintf(&out, "%sunicode %s\n", head, version)
	for first := rune(0); first <= unicode.MaxRune; {
		rule := ruleOf(first)
		last := first
		if rule != "" && rule[0] != '>' {
			for last < unicode.MaxRune && ruleOf(last+1) == rule {
				last++
			}
		}
		switch {
		case rule == "":
		case first == last && (rule[0] == '+' || rule[0] == '-'):
			fmt.Fprintf(&out, "%X > %s\n", first, hex(fold(first)))
		case first == last:
			fmt.Fprintf(&out, "%X %s\n", first, rule)
		default:
			fmt.Fprintf(&out, "%X-%X %s\n", first, last, rule)
		}
		first = last + 1
	}
	return out.Bytes(), nil
}

func ruleOf(r rune) string {
	if r >= 0xAC00 && r <= 0xD7A3 {
		return "hangul"
	}
	folded := fold(r)
	switch {
	case len(folded) == 0:
		return "gone"
	case len(folded) > 1:
		return fmt.Sprintf("> %s", hex(folded))
	case folded[0] == parts:
		return ""
	case folded[0] == space:
		return "space"
	case folded[0] == dot:
		return "dot"
	case folded[0] == tie:
		return "tie"
	case folded[0] != r:
		return fmt.Sprintf("%+X", folded[0]-r) // a run may have it in common
	case unicode.In(r, unicode.Ll, unicode.Lu): // Cherokee folds to upper case
		return "letter"
	default:
		return "keep"
	}
}

// fold gives what a character becomes. The characters of a name do so independently: marks,
// which alone change places in a decomposition, vanish; U+0345 alone becomes a letter.
func fold(r rune) (folded []rune) {
	switch {
	case isIgnorable(r): // some become letters: Hangul fillers
		return nil
	case r >= 0xD800 && r <= 0xDFFF: // no character
		return []rune{parts}
	case r == '\u00b4': // decomposes into a space and a mark, but stands for an apostrophe
		return []rune{tie}
	}
	// Case folding can bring back what the first decomposition took apart.
	text := norm.NFKD.String(foldCase(norm.NFKD.String(string(r))))
	for _, c := range text {
		switch {
		case isIgnorable(c) || unicode.Is(unicode.M, c):
		case unicode.In(c, unicode.L, unicode.N):
			folded = append(folded, c)
		case unicode.Is(unicode.White_Space, c):
			folded = append(folded, space)
		case c == '.' || c == '/':
			folded = append(folded, dot)
		case c == '\'' || c == '`' || c == '-' || c == '\u2010' || c == '\u2018' || c == '\u2019' || c == '\u201b':
			folded = append(folded, tie)
		default:
			folded = append(folded, parts)
		}
	}
	return folded
}

// isIgnorable says whether a character cannot be seen: one of Default_Ignorable_Code_Point, or of
// category Cf, of which that property leaves some out, or a control character that is no white
// space. UAX #44 derives the property from Cf and the two other ones here.
func isIgnorable(r rune) bool {
	return unicode.In(r, unicode.Cf, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector) ||
		unicode.Is(unicode.Cc, r) && !unicode.Is(unicode.White_Space, r)
}

var folder = cases.Fold()

func foldCase(text string) string {
	runes := []rune(folder.String(text))
	for i, r := range runes {
		// Cherokee folds to upper case, and so does x/text, but its upper case to lower.
		switch {
		case r >= 0xAB70 && r <= 0xABBF:
			runes[i] = r - 0xAB70 + 0x13A0
		case r >= 0x13F8 && r <= 0x13FD:
			runes[i] = r - 8
		}
	}
	return string(runes)
}

func hex(runes []rune) string {
	out := ""
	for i, r := range runes {
		if i > 0 {
			out += " "
		}
		out += fmt.Sprintf("%X", r)
	}
	return out
}
