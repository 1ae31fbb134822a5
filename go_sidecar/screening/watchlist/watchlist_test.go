package watchlist

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hotpath/go_sidecar/packed"
	"hotpath/go_sidecar/screening/kernels"
)

const rest = `,"individual","SDGT",-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- ` + "\r\n"

const (
	goodSDN = `36,"AEROCARIBBEAN AIRLINES"` + rest + `173,"O""NEILL, Séan"` + rest + endMark
	goodALT = `36,12,"aka","AERO-CARIBBEAN",-0- ` + "\r\n" + endMark
)

func load(t *testing.T, sdn, alt string) (*Watchlist, error) {
	t.Helper()
	directory := t.TempDir()
	for name, content := range map[string]string{"sdn.csv": sdn, "alt.csv": alt} {
		if content == "" {
			continue
		}
		if err := os.WriteFile(filepath.Join(directory, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return Load(directory)
}

func TestNamesComeFirstThenAliases(t *testing.T) {
	list, err := load(t, goodSDN, goodALT)
	if err != nil {
		t.Fatal(err)
	}
	want := []Entry{
		{"36", "AEROCARIBBEAN AIRLINES", "aerocaribbean airlines"},
		{"173", `O"NEILL, Séan`, "neill o sean"},
		{"36", "AERO-CARIBBEAN", "aero caribbean"},
	}
	if len(list.Entries) != len(want) {
		t.Fatalf("%q", list.Entries)
	}
	for i := range want {
		if list.Entries[i] != want[i] {
			t.Errorf("row %d: %q", i, list.Entries[i])
		}
	}
	hits, err := kernels.Screen(context.Background(), packed.Text([]string{"neill o sean", "aero caribbean", "x"}), list.Index, 0.99, 1, 1)
	if err != nil || hits.Rows[0] != 1 || hits.Scores[0] != 1 || hits.Rows[1] != 2 || hits.Rows[2] != -1 {
		t.Errorf("%v, %v", hits, err)
	}
}

func TestListsThatCannotBeTrustedAreRefused(t *testing.T) {
	for _, c := range []struct{ name, sdn, alt, want string }{
		{"no sdn.csv", "", goodALT, "sdn.csv"},
		{"no alt.csv", goodSDN, "", "alt.csv"},
		{"cut short", strings.TrimSuffix(goodSDN, endMark), goodALT, "end mark 0x1A"},
		{"empty", endMark, goodALT, "at least one entry"},
		{"no UTF-8", "36,\"\xff\"" + rest + endMark, goodALT, "UTF-8"},
		{"columns", `36,"A"` + "\r\n" + endMark, goodALT, "12 columns"},
		{"no number", `x,"A"` + rest + endMark, goodALT, "an entity number and a name"},
		{"no name", `36,-0- ` + rest + endMark, goodALT, "an entity number and a name"},
		{"stray quote", `36,"A"B` + rest + endMark, goodALT, "sdn.csv, line 1: expected a comma"},
		{"two releases", goodSDN, `99,12,"aka","X",-0- ` + "\r\n" + endMark, "an entity of sdn.csv"},
		{"long name", `36,"` + strings.Repeat("é", 513) + `"` + rest + endMark, goodALT, "at most 512 characters"},
	} {
		if _, err := load(t, c.sdn, c.alt); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}
