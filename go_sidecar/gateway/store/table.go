package store

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"uuid"
)

// Column is a column of a table, and the field of a record that holds its value: a pointer to a
// string, a bool, an int, an int64, a float64, a []byte, a uuid.UUID, or a time.Time in UTC with
// microseconds. None may be NULL.
type Column struct {
	Name  string
	Field any
}

// Table is the one definition of a record in both databases.
type Table[R any] struct {
	name    string
	columns func(record *R) []Column
	insert  string
}

// NewTable panics where a field is of another type than those of Column.
func NewTable[R any](name string, columns func(record *R) []Column) *Table[R] {
	var names, places []string
	for i, column := range columns(new(R)) {
		valueOf(column.Field)
		names = append(names, column.Name)
		places = append(places, "$"+strconv.Itoa(i+1))
	}
	insert := fmt.Sprintf("INSERT INTO %s (%s) VALUES (%s)", name, strings.Join(names, ", "), strings.Join(places, ", "))
	return &Table[R]{name, columns, insert}
}

// Row returns what Store.Create takes.
func (t *Table[R]) Row(record *R) Row {
	columns := t.columns(record)
	values := make([]any, len(columns))
	for i, column := range columns {
		values[i] = valueOf(column.Field)
	}
	return Row{t.insert, values}
}

func valueOf(field any) any {
	switch field := field.(type) {
	case *string:
		return *field
	case *bool:
		return *field
	case *int:
		return *field
	case *int64:
		return *field
	case *float64:
		return *field
	case *[]byte:
		return *field
	case *uuid.UUID:
		return *field
	case *time.Time:
		return *field
	}
	panic(fmt.Sprintf("expected a pointer as Column has it, got %T", field))
}

// Select returns the query for some columns, all where none are named. which is what follows the
// table's name and is the same in both databases: WHERE id = $1. It panics on an unknown column.
func (t *Table[R]) Select(which string, names ...string) *Query[R] {
	var places []int
	var postgres, sqlite []string
	all := t.columns(new(R))
	for place, column := range all {
		if len(names) > 0 && !slices.Contains(names, column.Name) {
			continue
		}
		places = append(places, place)
		postgres = append(postgres, column.Name)
		if _, is := column.Field.(*time.Time); is {
			// As text: the driver would otherwise parse columns declared as DATETIME.
			sqlite = append(sqlite, column.Name+" || ''")
		} else {
			sqlite = append(sqlite, column.Name)
		}
	}
	if len(names) > 0 && len(places) != len(names) {
		panic(fmt.Sprintf("%s: expected columns of the table, got %q", t.name, names))
	}
	rest := " FROM " + t.name + " " + which
	return &Query[R]{
		Statement: Statement{
			Postgres: "SELECT " + strings.Join(postgres, ", ") + rest,
			SQLite:   "SELECT " + strings.Join(sqlite, ", ") + rest,
		},
		Fields: func(record *R) []any {
			columns := t.columns(record)
			fields := make([]any, len(places))
			for i, place := range places {
				fields[i] = columns[place].Field
			}
			return fields
		},
	}
}

// Query reads records: a row's columns go where Fields points, in their order.
type Query[R any] struct {
	Statement
	Fields func(record *R) []any
}

// All returns a record for each row; the fields that are not of the query are zero.
func (q *Query[R]) All(ctx context.Context, db Store, arguments ...any) (records []R, err error) {
	var record R
	err = db.Read(ctx, q.Statement, arguments, q.Fields(&record), func() { records = append(records, record) })
	return records, err
}

// One returns the first row's record. Errors: ErrNotFound besides the store's.
func (q *Query[R]) One(ctx context.Context, db Store, arguments ...any) (*R, error) {
	found, err := q.All(ctx, db, arguments...)
	if err == nil && len(found) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	return &found[0], nil
}

// List reads a table page by page, the highest id first.
type List[R any] struct{ first, next *Query[R] }

// List returns the queries for some columns of a table with the key `id`, all where none are named.
func (t *Table[R]) List(names ...string) *List[R] {
	return &List[R]{
		first: t.Select("ORDER BY id DESC LIMIT $1", names...),
		next:  t.Select("WHERE id < $2 ORDER BY id DESC LIMIT $1", names...),
	}
}

// Page returns the highest ids' records, lower than `after` unless that is nil.
func (l *List[R]) Page(ctx context.Context, db Store, limit int, after *uuid.UUID) ([]R, error) {
	if after == nil {
		return l.first.All(ctx, db, limit)
	}
	return l.next.All(ctx, db, limit, *after)
}
