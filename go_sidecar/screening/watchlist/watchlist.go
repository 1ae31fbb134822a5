// Package watchlist reads the list that names are screened against, in the OFAC SDN format,
// with the checks of watchlist.py in Python.
package watchlist

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"hotpath/go_sidecar/screening/kernels"
	"hotpath/go_sidecar/screening/names"
)

const (
	sdnColumns = 12 // entity number, name, type, program, …
	altColumns = 5  // entity number, alias number, alias type, alias, remarks
	endMark    = "\x1a"
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
	list, err := readRows(filepath.Join(directory, "sdn.csv"), sdnColumns, 1)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("%s: expected at least one entry, got none", filepath.Join(directory, "sdn.csv"))
	}
	known := make(map[string]bool, len(list))
	for _, entry := range list {
		known[entry.UID] = true
	}
	aliases, err := readRows(filepath.Join(directory, "alt.csv"), altColumns, 3)
	if err != nil {
		return nil, err
	}
	for i, alias := range aliases {
		if !known[alias.UID] {
			return nil, fmt.Errorf("%s, row %d: expected an entity of sdn.csv, got %.60q (are the two files of one release?)", filepath.Join(directory, "alt.csv"), i+1, alias.UID)
		}
	}
	list = append(list, aliases...)
	normalized := make([]string, len(list))
	for i := range list {
		if count := utf8.RuneCountInString(list[i].Name); count > names.MaxChars {
			return nil, fmt.Errorf("%s, entity %s: name: expected at most %d characters, got %d", directory, list[i].UID, names.MaxChars, count)
		}
		list[i].Normalized = names.Normalize(list[i].Name)
		normalized[i] = list[i].Normalized
	}
	index, version, err := newIndex(normalized)
	return &Watchlist{list, index, version}, err
}

func readRows(path string, columns, nameColumn int) ([]Entry, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("expected a readable file, got: %w", err)
	}
	// The mark is the only sign that the last rows are there: a list that was cut short at
	// the end of a line would otherwise screen nobody and tell nobody.
	content, isWhole := bytes.CutSuffix(content, []byte(endMark))
	if !isWhole {
		return nil, fmt.Errorf("%s: expected the end mark 0x1A as last byte after %d bytes, got %q (cut short?)", path, len(content), content[max(0, len(content)-1):])
	}
	if !utf8.Valid(content) {
		return nil, fmt.Errorf("%s: expected UTF-8", path)
	}
	reader := csv.NewReader(bytes.NewReader(content))
	reader.FieldsPerRecord = columns
	reader.ReuseRecord = true
	var entries []Entry
	for {
		row, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return entries, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%s: expected CSV of %d columns, got: %w", path, columns, err)
		}
		name := row[nameColumn]
		if !isNumber(row[0]) || name == "" || name == null {
			line, _ := reader.FieldPos(0)
			return nil, fmt.Errorf("%s, line %d: expected an entity number and a name, got %.60q and %.60q", path, line, row[0], name)
		}
		entries = append(entries, Entry{UID: strings.Clone(row[0]), Name: strings.Clone(name)})
	}
}

func isNumber(text string) bool {
	return text != "" && strings.Trim(text, "0123456789") == ""
}
