package store

import (
	"context"
	"uuid"

	"github.com/jackc/pgx/v5"
)

func (p *postgres) ScreeningResults(ctx context.Context, id uuid.UUID) (*ScreeningSummary, []byte, error) {
	return p.screening(ctx, "results", id)
}

func (p *postgres) ScreeningRecords(ctx context.Context, id uuid.UUID) (*ScreeningSummary, []byte, error) {
	return p.screening(ctx, "records", id)
}

func (p *postgres) screening(ctx context.Context, column string, id uuid.UUID) (*ScreeningSummary, []byte, error) {
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	var document []byte
	row := p.pool.QueryRow(ctx, "SELECT "+summaryColumns+", "+column+" FROM screenings WHERE id = $1", [16]byte(id))
	summary, err := scanPostgresSummary(row, &document)
	if err != nil {
		return nil, nil, postgresError(err)
	}
	return &summary, document, nil
}

func (p *postgres) Screenings(ctx context.Context, after *uuid.UUID, limit int) ([]ScreeningSummary, error) {
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	which, arguments := postgresPage(after, limit)
	rows, err := p.pool.Query(ctx, "SELECT "+summaryColumns+" FROM screenings "+which, arguments...)
	if err != nil {
		return nil, postgresError(err)
	}
	summaries, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (ScreeningSummary, error) { return scanPostgresSummary(row) })
	return summaries, postgresError(err)
}

// scanPostgresSummary reads the columns of a summary, and what else is selected into `more`.
func scanPostgresSummary(row pgx.Row, more ...any) (s ScreeningSummary, err error) {
	err = row.Scan(append([]any{(*[16]byte)(&s.ID), &s.CreatedAt, &s.Root, &s.Size, &s.Engine}, more...)...)
	s.CreatedAt = s.CreatedAt.UTC()
	return s, err
}
