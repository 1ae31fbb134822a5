// Package names normalises names, once, before any kernel. The form is that of
// names.py in Python.
package names

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"
)

// MaxChars is the length of the longest raw name, in code points.
const MaxChars = 512

// Normalize returns the form of a name that is compared: folded, without what cannot be seen,
// tokens of letters and numbers in code point order with one space between; names.py says which
// single letters are one token. The name is UTF-8 of at most MaxChars code points, which is the
// caller's to check.
func Normalize(name string) string {
	words := split(name)
	if count(words) > 1 {
		// Dots first: in `J S.A.` the J is no part of the abbreviation.
		words = joinLeft(join(join(words, dot), space))
	}
	slices.SortFunc(words, func(a, b word) int { return cmp.Compare(a.text, b.text) }) // as code points sort
	var out strings.Builder
	out.Grow(len(name) + 1)
	for i := range words {
		if i > 0 {
			out.WriteByte(' ')
		}
		out.WriteString(words[i].text)
	}
	return out.String()
}

// word is a token, and what parts it from the one before: space, dot, tie or part.
type word struct {
	text     string
	gap      int32
	isLetter bool // one, of a script with case
	isTied   bool // to the word before or after it
}

func split(name string) []word {
	f := theFolding()
	folded := make([]byte, 0, len(name)+16)
	words := make([]word, 0, 8)
	var (
		starts = make([]int, 0, 9) // of the words, in folded
		letter int32               // the last one
		gap    gaps
		inWord bool
	)
	add := func(becomes int32) {
		switch {
		case becomes > 0:
			if !inWord {
				w := word{gap: gap.kind()}
				if w.gap == tie && len(words) > 0 {
					w.isTied, words[len(words)-1].isTied = true, true
				}
				words, starts = append(words, w), append(starts, len(folded))
				inWord, gap = true, 0
			}
			letter = becomes
			folded = utf8.AppendRune(folded, becomes)
		case becomes == gone:
		default:
			if inWord {
				inWord = false
				words[len(words)-1].isLetter = len(folded) == starts[len(words)-1]+utf8.RuneLen(letter) && f.isCased[letter]
			}
			gap |= 1 << -becomes
		}
	}
	for _, c := range name {
		if becomes := f.becomes[c]; becomes > sequence {
			add(becomes)
		} else {
			for _, c := range f.sequences[sequence-becomes] {
				add(c)
			}
		}
	}
	add(part)
	text := string(folded)
	starts = append(starts, len(text))
	for i := range words {
		words[i].text = text[starts[i]:starts[i+1]]
	}
	return words
}

// gaps are all that parts two words, each a bit.
type gaps uint8

func (g gaps) has(one int32) bool { return g&(1<<-one) != 0 }

// kind is what the words are to one another: a tie ties them only by itself.
func (g gaps) kind() int32 {
	switch {
	case g.has(part):
		return part
	case g.has(dot):
		return dot
	case !g.has(tie):
		return space
	case g.has(space):
		return part
	default:
		return tie
	}
}

func count(words []word) (letters int) {
	for i := range words {
		if words[i].isLetter {
			letters++
		}
	}
	return letters
}

// join makes a word of single letters that gaps of the kind part.
func join(words []word, kind int32) []word {
	joined := words[:0]
	isOpen := false
	for _, w := range words {
		isSingle := w.isLetter && !w.isTied
		if last := len(joined) - 1; isOpen && isSingle && w.gap == kind {
			joined[last].text += w.text
			joined[last].isLetter = false
		} else {
			joined = append(joined, w)
			isOpen = isSingle
		}
	}
	return joined
}

// joinLeft makes one word of the single letters that are left, in code point order: sorting would
// bring them together, and normalising again would join them.
func joinLeft(words []word) []word {
	if count(words) < 2 {
		return words
	}
	var letters []string
	others := slices.DeleteFunc(words, func(w word) bool {
		if w.isLetter {
			letters = append(letters, w.text)
		}
		return w.isLetter
	})
	slices.Sort(letters)
	return append(others, word{text: strings.Join(letters, "")})
}
