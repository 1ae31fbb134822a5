package store

import (
	"testing"
	"time"
	"uuid"
)

type note struct {
	ID        uuid.UUID
	Text      string
	CreatedAt time.Time
}

func noteColumns(n *note) []Column {
	return []Column{{"id", &n.ID}, {"text", &n.Text}, {"created_at", &n.CreatedAt}}
}

func TestStatementsAreMadeOfTheColumns(t *testing.T) {
	notes := NewTable("notes", noteColumns)
	if got := notes.Row(&note{}).Insert; got != "INSERT INTO notes (id, text, created_at) VALUES ($1, $2, $3)" {
		t.Error(got)
	}
	if got := notes.Select("WHERE id = $1").Statement; got != (Statement{
		Postgres: "SELECT id, text, created_at FROM notes WHERE id = $1",
		SQLite:   "SELECT id, text, created_at || '' FROM notes WHERE id = $1",
	}) {
		t.Errorf("%+v", got)
	}
	if got := notes.List("text").next.Postgres; got != "SELECT text FROM notes WHERE id < $2 ORDER BY id DESC LIMIT $1" {
		t.Error(got)
	}
}

func TestTablesThatCannotBeReadArePanics(t *testing.T) {
	for name, make := range map[string]func(){
		"type":   func() { NewTable("notes", func(n *note) []Column { return []Column{{"text", n.Text}} }) },
		"column": func() { NewTable("notes", noteColumns).Select("", "text", "txt") },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: accepted", name)
				}
			}()
			make()
		}()
	}
}
