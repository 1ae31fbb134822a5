package main

import (
	"bytes"
	"os"
	"testing"
)

func TestTablesAreThoseThatTheGeneratorMakes(t *testing.T) {
	table, err := makeTable()
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		stored, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(stored, table) {
			t.Errorf("%s: not what this generator makes; run: go run .", file)
		}
	}
}
