package store

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"
	"uuid"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	paymentColumns = "id, end_to_end_id, debtor_name, debtor_iban, creditor_name, creditor_iban, creditor_bic, currency, amount_minor, created_at"
	insertPayment  = "INSERT INTO payments (" + paymentColumns + ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
	keyColumns     = "fingerprint, status, location, body"
	insertKey      = "INSERT INTO idempotency_keys (operation, key, " + keyColumns + ", created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)"
	selectKey      = "SELECT " + keyColumns + " FROM idempotency_keys WHERE operation = $1 AND key = $2"
	selectPayments = "SELECT " + paymentColumns + " FROM payments "
	selectPayment  = selectPayments + "WHERE id = $1"
	selectWorld    = "SELECT id, randomnumber FROM world WHERE id = $1"
	updateWorld    = "UPDATE world SET randomnumber = $2 WHERE id = $1"
	selectFortunes = "SELECT id, message FROM fortune"
)

type postgres struct {
	pool    *pgxpool.Pool
	timeout time.Duration
}

func openPostgres(url string, poolSize int, timeout time.Duration) (Store, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("HOTPATH_DATABASE_URL: %w", err) // pgx leaves passwords out
	}
	config.MaxConns = int32(poolSize)
	config.ConnConfig.ConnectTimeout = timeout
	// A query that we stopped waiting for must not go on in the server.
	config.ConnConfig.RuntimeParams["statement_timeout"] = strconv.FormatInt(max(1, timeout.Milliseconds()), 10)
	pool, err := pgxpool.NewWithConfig(context.Background(), config)
	if err != nil {
		return nil, err
	}
	return &postgres{pool, timeout}, nil
}

func (p *postgres) Close() { p.pool.Close() }

func (p *postgres) Ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	_, err := p.pool.Exec(ctx, "SELECT 1")
	return postgresError(err)
}

func (p *postgres) Create(ctx context.Context, record Record) error {
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	insert, values := postgresRow(record)
	_, err := p.pool.Exec(ctx, insert, values...)
	return postgresError(err)
}

func (p *postgres) CreateOnce(ctx context.Context, record Record, keyed *Keyed) (*Keyed, error) {
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	conn, err := p.pool.Acquire(ctx)
	if err != nil {
		return nil, postgresError(err)
	}
	// A connection that goes back within a transaction is closed by the pool, which rolls back.
	defer conn.Release()
	earlier, err := claimKey(ctx, conn, keyed)
	if earlier != nil || err != nil {
		if conn.Conn().PgConn().TxStatus() != 'I' {
			conn.Exec(ctx, "ROLLBACK")
		}
		return earlier, postgresError(err)
	}
	batch := &pgx.Batch{}
	insert, values := postgresRow(record)
	batch.Queue(insert, values...)
	batch.Queue(insertKey, keyed.Operation, keyed.Key, keyed.Fingerprint[:], keyed.Status, keyed.Location, keyed.Body, keyed.CreatedAt)
	batch.Queue("COMMIT")
	return nil, postgresError(conn.SendBatch(ctx, batch).Close())
}

// claimKey begins a transaction and locks the key for it, in one round trip. It returns what
// is stored for the key, if anything: the lock comes first, so that no other holder can store
// it between our look and our own insert.
func claimKey(ctx context.Context, conn *pgxpool.Conn, keyed *Keyed) (*Keyed, error) {
	batch := &pgx.Batch{}
	batch.Queue("BEGIN")
	batch.Queue("SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0))", keyed.Operation+" "+keyed.Key)
	batch.Queue(selectKey, keyed.Operation, keyed.Key)
	results := conn.SendBatch(ctx, batch)
	defer results.Close()
	if _, err := results.Exec(); err != nil {
		return nil, err
	}
	var isOurs bool
	if err := results.QueryRow().Scan(&isOurs); err != nil {
		return nil, err
	}
	earlier, err := scanPostgresKeyed(results.QueryRow())
	if closed := results.Close(); closed != nil {
		return nil, closed
	}
	if !isOurs {
		return nil, ErrKeyInUse
	}
	return earlier, err
}

func (p *postgres) Answered(ctx context.Context, operation, key string) (*Keyed, error) {
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	earlier, err := scanPostgresKeyed(p.pool.QueryRow(ctx, selectKey, operation, key))
	return earlier, postgresError(err)
}

// scanPostgresKeyed returns nil where there is no row.
func scanPostgresKeyed(row pgx.Row) (*Keyed, error) {
	var fingerprint []byte
	var location *string
	earlier := &Keyed{}
	err := row.Scan(&fingerprint, &earlier.Status, &location, &earlier.Body)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	copy(earlier.Fingerprint[:], fingerprint)
	if location != nil {
		earlier.Location = *location
	}
	return earlier, nil
}

func (p *postgres) Payment(ctx context.Context, id uuid.UUID) (*Payment, error) {
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	payment, err := scanPostgresPayment(p.pool.QueryRow(ctx, selectPayment, [16]byte(id)))
	if err != nil {
		return nil, postgresError(err)
	}
	return &payment, nil
}

func (p *postgres) Payments(ctx context.Context, after *uuid.UUID, limit int) ([]Payment, error) {
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	which, arguments := postgresPage(after, limit)
	rows, err := p.pool.Query(ctx, selectPayments+which, arguments...)
	if err != nil {
		return nil, postgresError(err)
	}
	payments, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (Payment, error) { return scanPostgresPayment(row) })
	return payments, postgresError(err)
}

func postgresPage(after *uuid.UUID, limit int) (which string, arguments []any) {
	if after == nil {
		return "ORDER BY id DESC LIMIT $1", []any{limit}
	}
	return "WHERE id < $2 ORDER BY id DESC LIMIT $1", []any{limit, [16]byte(*after)}
}

func (p *postgres) Worlds(ctx context.Context, ids []int32) ([]World, error) {
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	conn, err := p.pool.Acquire(ctx)
	if err != nil {
		return nil, postgresError(err)
	}
	defer conn.Release()
	worlds := make([]World, len(ids))
	for i, id := range ids {
		if err := conn.QueryRow(ctx, selectWorld, id).Scan(&worlds[i].ID, &worlds[i].RandomNumber); err != nil {
			return nil, postgresError(err)
		}
	}
	return worlds, nil
}

func (p *postgres) UpdateWorlds(ctx context.Context, worlds []World) error {
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	batch := &pgx.Batch{} // one transaction
	for _, world := range worlds {
		batch.Queue(updateWorld, world.ID, world.RandomNumber)
	}
	return postgresError(p.pool.SendBatch(ctx, batch).Close())
}

func (p *postgres) Fortunes(ctx context.Context) ([]Fortune, error) {
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	rows, err := p.pool.Query(ctx, selectFortunes)
	if err != nil {
		return nil, postgresError(err)
	}
	fortunes, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Fortune])
	return fortunes, postgresError(err)
}

func postgresRow(record Record) (insert string, values []any) {
	insert, values = record.row()
	for i, value := range values {
		if id, is := value.(uuid.UUID); is {
			values[i] = [16]byte(id)
		}
	}
	return insert, values
}

func scanPostgresPayment(row pgx.Row) (p Payment, err error) {
	err = row.Scan((*[16]byte)(&p.ID), &p.EndToEndID, &p.DebtorName, &p.DebtorIBAN, &p.CreditorName, &p.CreditorIBAN, &p.CreditorBIC, &p.Currency, &p.AmountMinor, &p.CreatedAt)
	p.CreatedAt = p.CreatedAt.UTC()
	return p, err
}

// postgresError tells a database that is locked, slow or gone from a fault of ours. What does
// not come from the server is a broken connection or a deadline.
func postgresError(err error) error {
	var fromServer *pgconn.PgError
	switch {
	case err == nil || err == ErrKeyInUse:
		return err
	case errors.Is(err, pgx.ErrNoRows):
		return ErrNotFound
	case errors.As(err, &fromServer) && !isUnavailable(fromServer.Code):
		return err
	}
	return fmt.Errorf("%w: %w", ErrUnavailable, err)
}

// isUnavailable judges an SQLSTATE, by appendix A of PostgreSQL's manual.
func isUnavailable(state string) bool {
	switch state {
	case "25006", // read only: a standby, or a primary that is being replaced
		"28P01", "28000", // the password or the access rules are being changed
		"3D000": // no such database, yet
		return true
	}
	switch state[:2] {
	case "08", // connection
		"40", // transaction rolled back: deadlock
		"53", // no disk, memory or connections left
		"55", // lock not available
		"57", // cancelled by our timeout, or shutting down
		"58": // I/O
		return true
	}
	return false
}
