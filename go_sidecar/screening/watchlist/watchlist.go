// Package watchlist reads the list that names are screened against, in the OFAC SDN format,
// with the checks of watchlist.py in Python.
package watchlist

import (
	"fmt"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"hotpath/go_sidecar/screening/kernels"
	"hotpath/go_sidecar/screening/names"
)

const (
	sdnColumns = 12 // entity number, name, type, program, …
	altColumns = 5  // entity number, alias number, alias type, alias, remarks
	null       = "-0- "
)

// Entry is a name of the list; its row is its place: first the names of sdn.csv, then the
// aliases of alt.csv.
type Entry struct {
	UID        string // the entity number; an entity's aliases share it
	Name       string
	Normalized string
}

// Watchlist is immutable.
type Watchlist struct {
	Entries []Entry
	Index   *kernels.NameIndex
	Version string // of the index: lower-case hex
}

// Load reads sdn.csv and alt.csv of a directory. Errors name file, line, expectation and
// what came.
func Load(directory string) (*Watchlist, error) {
	var list []Entry
	known := map[string]bool{}
	err := eachRow(directory, "sdn.csv", sdnColumns, func(at place, row []string) error {
		entry, err := read(at, row, 1)
		list = append(list, entry)
		known[entry.UID] = true
		return err
	})
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("%s: expected at least one entry, got none", filepath.Join(directory, "sdn.csv"))
	}
	err = eachRow(directory, "alt.csv", altColumns, func(at place, row []string) error {
		entry, err := read(at, row, 3)
		if err == nil && !known[entry.UID] {
			return at.invalid("expected an entity of sdn.csv, got %.60q (are the two files of one release?)", entry.UID)
		}
		list = append(list, entry)
		return err
	})
	if err != nil {
		return nil, err
	}
	normalized := make([]string, len(list))
	for i := range list {
		normalized[i] = list[i].Normalized
	}
	index, version, err := newIndex(normalized)
	return &Watchlist{list, index, version}, err
}

func read(at place, row []string, nameColumn int) (Entry, error) {
	uid, name := row[0], row[nameColumn]
	if !isNumber(uid) || name == "" || name == null {
		return Entry{}, at.invalid("expected an entity number and a name, got %.60q and %.60q", uid, name)
	}
	if count := utf8.RuneCountInString(name); count > names.MaxChars {
		return Entry{}, at.invalid("name: expected at most %d characters, got %d", names.MaxChars, count)
	}
	// Copies, which do not keep the whole file alive.
	return Entry{strings.Clone(uid), strings.Clone(name), names.Normalize(name)}, nil
}

func isNumber(text string) bool {
	return text != "" && strings.Trim(text, "0123456789") == ""
}
