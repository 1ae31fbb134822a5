package store

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
	"uuid"
)

// In the tests of the contract the service makes the tables; these are for what it cannot see.
const schema = `
CREATE TABLE payments (id CHAR(32) PRIMARY KEY, end_to_end_id TEXT, debtor_name TEXT, debtor_iban TEXT, creditor_name TEXT,
  creditor_iban TEXT, creditor_bic TEXT, currency TEXT, amount_minor BIGINT, created_at DATETIME);
CREATE TABLE idempotency_keys (operation TEXT, key TEXT, fingerprint BLOB, status INTEGER, location TEXT, body BLOB,
  created_at DATETIME, PRIMARY KEY (operation, key));`

func newSQLite(t *testing.T, schema string) (db Store, other *sql.DB, path string) {
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
	db, err = Open("sqlite:///"+path, 4, 150*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	return db, other, path
}

func newPayment() *Payment {
	return &Payment{ID: uuid.NewV7(), EndToEndID: "A", Currency: "EUR", AmountMinor: 750, CreatedAt: time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)}
}

func TestPaymentsAreReadBackAsWritten(t *testing.T) {
	db, other, _ := newSQLite(t, schema)
	ctx := context.Background()
	first, second := newPayment(), newPayment()
	for _, payment := range []*Payment{first, second} {
		if err := db.Create(ctx, payment); err != nil {
			t.Fatal(err)
		}
	}
	if found, err := db.Payment(ctx, first.ID); err != nil || *found != *first {
		t.Errorf("%+v, %v", found, err)
	}
	if _, err := db.Payment(ctx, uuid.NewV7()); err != ErrNotFound {
		t.Errorf("%v", err)
	}
	if found, err := db.Payments(ctx, &second.ID, 10); err != nil || len(found) != 1 || found[0] != *first {
		t.Errorf("%+v, %v", found, err)
	}
	// The form that the service in Python reads.
	var id, created string
	if err := other.QueryRow("SELECT id, created_at || '' FROM payments ORDER BY id").Scan(&id, &created); err != nil || created != "2026-01-02 03:04:05.000006" || len(id) != 32 {
		t.Errorf("%s, %s, %v", id, created, err)
	}
	var mode string
	if err := other.QueryRow("PRAGMA journal_mode").Scan(&mode); err != nil || mode != "wal" {
		t.Errorf("%s, %v", mode, err)
	}
}

func TestAKeyIsCarriedOutOnce(t *testing.T) {
	db, other, _ := newSQLite(t, schema)
	keyed := &Keyed{Operation: "POST /x", Key: "k", Fingerprint: [32]byte{1}, Status: 201, Location: "/x/1", Body: []byte("{}"), CreatedAt: time.Now()}
	for i := range 2 {
		earlier, err := db.CreateOnce(context.Background(), newPayment(), keyed)
		if err != nil || (earlier == nil) != (i == 0) {
			t.Fatalf("%d: %+v, %v", i, earlier, err)
		}
		if earlier != nil && (earlier.Fingerprint != keyed.Fingerprint || earlier.Status != 201 || earlier.Location != "/x/1" || string(earlier.Body) != "{}") {
			t.Errorf("%+v", earlier)
		}
	}
	var count int
	if err := other.QueryRow("SELECT count(*) FROM payments").Scan(&count); err != nil || count != 1 {
		t.Errorf("%d payments, %v", count, err)
	}
}

func TestALockedDatabaseIsUnavailableAndThenRecovers(t *testing.T) {
	db, other, _ := newSQLite(t, schema)
	ctx := context.Background()
	if err := db.Create(ctx, newPayment()); err != nil {
		t.Fatal(err)
	}
	if _, err := other.Exec("BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	if err := db.Create(ctx, newPayment()); !errors.Is(err, ErrUnavailable) {
		t.Errorf("%v", err)
	}
	if took := time.Since(start); took < 100*time.Millisecond || took > 2*time.Second {
		t.Errorf("%v", took)
	}
	if err := db.Ping(ctx); err != nil { // a writer does not lock readers out
		t.Error(err)
	}
	if _, err := other.Exec("ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	if err := db.Create(ctx, newPayment()); err != nil {
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
	db, err := Open("sqlite:///"+path, 4, 150*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Ping(context.Background()); !errors.Is(err, ErrUnavailable) {
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
	if err := db.Create(context.Background(), newPayment()); err == nil || errors.Is(err, ErrUnavailable) {
		t.Errorf("%v", err)
	}
}
