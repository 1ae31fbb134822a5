package database

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"strconv"
	"strings"
	"time"
	"uuid"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"hotpath/go_sidecar/gateway/store"
)

type postgres struct {
	pool    *pgxpool.Pool
	timeout time.Duration
}

func openPostgres(url string, poolSize int, timeout time.Duration) (store.Store, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		// Its words have parts of the URL.
		return nil, errors.New("HOTPATH_DATABASE_URL: expected a URL that libpq takes, and files of certificates that can be read")
	}
	config.MaxConns = int32(poolSize)
	if asked := config.ConnConfig.ConnectTimeout; asked <= 0 || asked > timeout {
		config.ConnConfig.ConnectTimeout = timeout
	}
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

func (p *postgres) Create(ctx context.Context, row store.Row) error {
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	_, err := p.pool.Exec(ctx, row.Insert, postgresValues(row.Values)...)
	return postgresError(err)
}

func (p *postgres) CreateOnce(ctx context.Context, row store.Row, keyed *store.Keyed) (*store.Keyed, error) {
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
	batch.Queue(row.Insert, postgresValues(row.Values)...)
	batch.Queue(insertKey, keyed.Operation, keyed.Key, keyed.Fingerprint[:], keyed.Status, keyed.Location, keyed.Body, keyed.CreatedAt)
	batch.Queue("COMMIT")
	return nil, postgresError(conn.SendBatch(ctx, batch).Close())
}

// claimKey begins a transaction and locks the key for it, in one round trip. It returns what
// is stored for the key, if anything: the lock comes first, so that no other holder can store
// it between our look and our own insert.
func claimKey(ctx context.Context, conn *pgxpool.Conn, keyed *store.Keyed) (*store.Keyed, error) {
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
		return nil, store.ErrKeyInUse
	}
	return earlier, err
}

func (p *postgres) Answered(ctx context.Context, operation, key string) (*store.Keyed, error) {
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	earlier, err := scanPostgresKeyed(p.pool.QueryRow(ctx, selectKey, operation, key))
	return earlier, postgresError(err)
}

// scanPostgresKeyed returns nil where there is no row.
func scanPostgresKeyed(row pgx.Row) (*store.Keyed, error) {
	var fingerprint []byte
	var location *string
	earlier := &store.Keyed{}
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

func (p *postgres) Read(ctx context.Context, statement store.Statement, arguments, fields []any, each func()) error {
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	rows, err := p.pool.Query(ctx, statement.Postgres, postgresValues(arguments)...)
	if err != nil {
		return postgresError(err)
	}
	defer rows.Close()
	targets, instants := postgresTargets(fields)
	for rows.Next() {
		if err := rows.Scan(targets...); err != nil {
			return postgresError(err)
		}
		for _, instant := range instants {
			*instant = instant.UTC()
		}
		each()
	}
	return postgresError(rows.Err())
}

// postgresValues has UUIDs as pgx knows them.
func postgresValues(values []any) []any {
	for i, value := range values {
		if id, is := value.(uuid.UUID); is {
			values[i] = [16]byte(id)
		}
	}
	return values
}

// postgresTargets returns where pgx scans to, and the instants among the fields.
func postgresTargets(fields []any) (targets []any, instants []*time.Time) {
	for i, field := range fields {
		switch field := field.(type) {
		case *uuid.UUID:
			fields[i] = (*[16]byte)(field)
		case *time.Time:
			instants = append(instants, field)
		}
	}
	return fields, instants
}

func (p *postgres) Worlds(ctx context.Context, ids []int32) ([]store.World, error) {
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	conn, err := p.pool.Acquire(ctx)
	if err != nil {
		return nil, postgresError(err)
	}
	defer conn.Release()
	worlds := make([]store.World, len(ids))
	for i, id := range ids {
		if err := conn.QueryRow(ctx, selectWorld, id).Scan(&worlds[i].ID, &worlds[i].RandomNumber); err != nil {
			return nil, postgresError(err)
		}
	}
	return worlds, nil
}

func (p *postgres) UpdateWorlds(ctx context.Context, worlds []store.World) error {
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	batch := &pgx.Batch{} // one transaction
	for _, world := range worlds {
		batch.Queue(updateWorld, world.ID, world.RandomNumber)
	}
	return postgresError(p.pool.SendBatch(ctx, batch).Close())
}

func (p *postgres) Fortunes(ctx context.Context) ([]store.Fortune, error) {
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	rows, err := p.pool.Query(ctx, selectFortunes)
	if err != nil {
		return nil, postgresError(err)
	}
	fortunes, err := pgx.CollectRows(rows, pgx.RowToStructByPos[store.Fortune])
	return fortunes, postgresError(err)
}

// postgresError tells a database that cannot be used from a fault of ours. What does not come
// from the server is a broken connection or a deadline.
func postgresError(err error) error {
	var fromServer *pgconn.PgError
	var certificate *tls.CertificateVerificationError
	var authority x509.UnknownAuthorityError
	var alert tls.AlertError
	switch {
	case err == nil || err == store.ErrKeyInUse:
		return err
	case errors.Is(err, pgx.ErrNoRows):
		return store.ErrNotFound
	case errors.As(err, &fromServer):
		if words := unavailable(fromServer.Code); words != "" {
			return &store.Unavailable{Words: words, Cause: err}
		}
		return err
	case errors.As(err, &certificate), errors.As(err, &authority), errors.As(err, &alert),
		// pgx has no type for it.
		strings.Contains(err.Error(), "server refused TLS connection"):
		return &store.Unavailable{Words: insecure, Cause: err}
	}
	return &store.Unavailable{Words: busy, Cause: err}
}

// unavailable judges an SQLSTATE, by appendix A of PostgreSQL's manual; "" is a fault of ours.
func unavailable(state string) string {
	switch state {
	case "25006": // a standby, or a primary that is being replaced
		return readOnly
	case "3D000":
		return missing
	case "42501":
		return forbidden
	case "53100":
		return full
	}
	switch state[:2] {
	case "28":
		return login
	case "08", // connection
		"40", // transaction rolled back: deadlock
		"53", // no memory or connections left
		"55", // lock not available
		"57", // cancelled by our timeout, or shutting down
		"58": // I/O
		return busy
	}
	return ""
}
