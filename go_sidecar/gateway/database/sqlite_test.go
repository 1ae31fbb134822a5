package database

import (
	"context"
	"database/sql"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"
	"uuid"

	"hotpath/go_sidecar/gateway/store"
)

// In the tests of the contract the service makes the tables; these are for what it cannot see.
const schema = `
CREATE TABLE things (id CHAR(32) PRIMARY KEY, name TEXT, is_good BOOLEAN, size INTEGER, number BIGINT, share DOUBLE,
  content BLOB, created_at DATETIME);
CREATE TABLE idempotency_keys (operation TEXT, key TEXT, fingerprint BLOB, status INTEGER, location TEXT, body BLOB,
  created_at DATETIME, PRIMARY KEY (operation, key));`

// thing has a field of every type that a column may have.
type thing struct {
	ID        uuid.UUID
	Name      string
	IsGood    bool
	Size      int
	Number    int64
	Share     float64
	Content   []byte
	CreatedAt time.Time
}

var things = store.NewTable("things", func(t *thing) []store.Column {
	return []store.Column{
		{Name: "id", Field: &t.ID},
		{Name: "name", Field: &t.Name},
		{Name: "is_good", Field: &t.IsGood},
		{Name: "size", Field: &t.Size},
		{Name: "number", Field: &t.Number},
		{Name: "share", Field: &t.Share},
		{Name: "content", Field: &t.Content},
		{Name: "created_at", Field: &t.CreatedAt},
	}
})

func newSQLite(t *testing.T, schema string) (db store.Store, other *sql.DB, path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "with ?#% in it.db")
	plain := "file:" + filepath.Dir(path) + "/with%20%3F%23%25%20in%20it.db"
	other, err := sql.Open("sqlite", plain)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { other.Close() })
	other.SetMaxOpenConns(1)
	if _, err := other.Exec("PRAGMA user_version = 1;" + schema); err != nil {
		t.Fatal(err)
	}
	db, err = Open("sqlite:///"+(&url.URL{Path: path}).EscapedPath(), 4, 150*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	return db, other, path
}

func newThing() *thing {
	return &thing{uuid.NewV7(), "é", true, -7, 1 << 60, 0.1, []byte{0, 1, 255}, time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)}
}

func newRow() store.Row { return things.Row(newThing()) }

func TestRecordsAreReadBackAsWritten(t *testing.T) {
	db, other, _ := newSQLite(t, schema)
	ctx := context.Background()
	first, second := newThing(), newThing()
	first.Content, second.Name = []byte("first"), "second"
	for _, thing := range []*thing{first, second} {
		if err := db.Create(ctx, things.Row(thing)); err != nil {
			t.Fatal(err)
		}
	}
	byID := things.Select("WHERE id = $1")
	if found, err := byID.One(ctx, db, first.ID); err != nil || !reflect.DeepEqual(found, first) {
		t.Errorf("%+v, %v", found, err)
	}
	if _, err := byID.One(ctx, db, uuid.NewV7()); err != store.ErrNotFound {
		t.Errorf("%v", err)
	}
	list := things.List()
	if found, err := list.Page(ctx, db, 10, nil); err != nil || !reflect.DeepEqual(found, []thing{*second, *first}) {
		t.Errorf("%+v, %v", found, err)
	}
	if found, err := list.Page(ctx, db, 10, &second.ID); err != nil || !reflect.DeepEqual(found, []thing{*first}) {
		t.Errorf("%+v, %v", found, err)
	}
	some := things.Select("WHERE created_at = $1 ORDER BY id LIMIT $2", "created_at", "size")
	want := []thing{{Size: -7, CreatedAt: first.CreatedAt}}
	if found, err := some.All(ctx, db, first.CreatedAt, 1); err != nil || !reflect.DeepEqual(found, want) {
		t.Errorf("%+v, %v", found, err)
	}
	// The form that the service in Python reads.
	var id, created string
	if err := other.QueryRow("SELECT id, created_at || '' FROM things ORDER BY id").Scan(&id, &created); err != nil || created != "2026-01-02 03:04:05.000006" || len(id) != 32 {
		t.Errorf("%s, %s, %v", id, created, err)
	}
	var mode string
	if err := other.QueryRow("PRAGMA journal_mode").Scan(&mode); err != nil || mode != "wal" {
		t.Errorf("%s, %v", mode, err)
	}
}

func TestAKeyIsCarriedOutOnce(t *testing.T) {
	db, other, _ := newSQLite(t, schema)
	keyed := &store.Keyed{Operation: "POST /x", Key: "k", Fingerprint: [32]byte{1}, Status: 201, Location: "/x/1", Body: []byte("{}"), CreatedAt: time.Now()}
	for i := range 2 {
		earlier, err := db.CreateOnce(context.Background(), newRow(), keyed)
		if err != nil || (earlier == nil) != (i == 0) {
			t.Fatalf("%d: %+v, %v", i, earlier, err)
		}
		if earlier != nil && (earlier.Fingerprint != keyed.Fingerprint || earlier.Status != 201 || earlier.Location != "/x/1" || string(earlier.Body) != "{}") {
			t.Errorf("%+v", earlier)
		}
	}
	var count int
	if err := other.QueryRow("SELECT count(*) FROM things").Scan(&count); err != nil || count != 1 {
		t.Errorf("%d things, %v", count, err)
	}
}

func TestALockedDatabaseIsUnavailableAndThenRecovers(t *testing.T) {
	db, other, _ := newSQLite(t, schema)
	ctx := context.Background()
	if err := db.Create(ctx, newRow()); err != nil {
		t.Fatal(err)
	}
	if _, err := other.Exec("BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	if err := db.Create(ctx, newRow()); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("%v", err)
	}
	if took := time.Since(start); took < 100*time.Millisecond || took > 20*time.Second {
		t.Errorf("%v", took)
	}
	if err := db.Ping(ctx); err != nil { // a writer does not lock readers out
		t.Error(err)
	}
	if _, err := other.Exec("ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	if err := db.Create(ctx, newRow()); err != nil {
		t.Error(err)
	}
}

func TestAFileThatIsGoneIsUnavailableAndNotMadeAnew(t *testing.T) {
	_, other, path := newSQLite(t, schema)
	other.Close()
	moved := path + ".moved"
	if err := os.Rename(path, moved); err != nil {
		t.Fatal(err)
	}
	db, err := Open("sqlite:///"+(&url.URL{Path: path}).EscapedPath(), 4, 150*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Ping(context.Background()); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("%v", err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("there is a new file")
	}
	if err := os.Rename(moved, path); err != nil {
		t.Fatal(err)
	}
	if err := db.Ping(context.Background()); err != nil {
		t.Error(err)
	}
}

func TestAMissingTableIsAFaultOfOurs(t *testing.T) {
	db, _, _ := newSQLite(t, "")
	if err := db.Create(context.Background(), newRow()); err == nil || errors.Is(err, store.ErrUnavailable) {
		t.Errorf("%v", err)
	}
}
