package names

import (
	_ "embed"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"unicode"
)

// foldingSource is a copy of the folding.txt beside the contract in Python, which a Go package
// cannot embed from there. The file says what its rules mean.
//
//go:generate go -C maketable run .
//go:embed folding.txt
var foldingSource string

const (
	// What parts words. A dot also makes single letters one (S.A.), and a tie parts what is one
	// word (O'Neill); a part is all the rest.
	part = -iota
	space
	dot
	tie
	gone
	sequence // and below: that of the sequences
)

// folding is what characters become: another one, or one of the constants.
type folding struct {
	becomes   []int32 // by code point
	sequences [][]int32
	isCased   map[int32]bool // folded letters of scripts with case
}

// theFolding panics where the table that was built in is broken, as a test would show.
var theFolding = sync.OnceValue(func() *folding {
	f := &folding{becomes: make([]int32, unicode.MaxRune+1), isCased: map[int32]bool{}}
	for line := range strings.Lines(foldingSource) {
		if line[0] == '#' || strings.HasPrefix(line, "unicode ") {
			continue
		}
		run, rule, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		first, last, isRun := strings.Cut(run, "-")
		if !isRun {
			last = first
		}
		for point := parseHex(first); point <= parseHex(last); point++ {
			f.becomes[point] = f.read(point, rule)
		}
	}
	return f
})

func (f *folding) read(point int32, rule string) int32 {
	switch rule {
	case "keep":
		return point
	case "letter":
		f.isCased[point] = true
		return point
	case "gone":
		return gone
	case "space":
		return space
	case "dot":
		return dot
	case "tie":
		return tie
	case "hangul":
		return f.add(jamo(point))
	}
	points, isSequence := strings.CutPrefix(rule, "> ")
	if !isSequence {
		return point + parseHex(rule)
	}
	var found []int32
	for text := range strings.SplitSeq(points, " ") {
		switch c := parseHex(text); c {
		case ' ':
			found = append(found, space)
		case '.':
			found = append(found, dot)
		case '\'':
			found = append(found, tie)
		case ',':
			found = append(found, part)
		default:
			found = append(found, c)
		}
	}
	if len(found) == 1 {
		return found[0]
	}
	return f.add(found)
}

func (f *folding) add(points []int32) int32 {
	f.sequences = append(f.sequences, points)
	return sequence - int32(len(f.sequences)-1)
}

// jamo takes a Hangul syllable apart, as the Unicode standard has it in section 3.12.
func jamo(syllable int32) []int32 {
	const first, finals, medialsAndFinals = 0xAC00, 28, 21 * 28
	place := syllable - first
	points := []int32{0x1100 + place/medialsAndFinals, 0x1161 + place%medialsAndFinals/finals}
	if final := place % finals; final > 0 {
		points = append(points, 0x11A7+final)
	}
	return points
}

func parseHex(text string) int32 {
	number, err := strconv.ParseInt(text, 16, 32)
	if err != nil {
		panic(fmt.Errorf("folding.txt: %w", err))
	}
	return int32(number)
}
