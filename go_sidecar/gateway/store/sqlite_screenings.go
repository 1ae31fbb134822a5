package store

import (
	"context"
	"encoding/hex"
	"uuid"
)

const sqliteSummaryColumns = "id, created_at || '', root, size, engine"

func (s *sqliteStore) ScreeningResults(ctx context.Context, id uuid.UUID) (*ScreeningSummary, []byte, error) {
	return s.screening(ctx, "results", id)
}

func (s *sqliteStore) ScreeningRecords(ctx context.Context, id uuid.UUID) (*ScreeningSummary, []byte, error) {
	return s.screening(ctx, "records", id)
}

func (s *sqliteStore) screening(ctx context.Context, column string, id uuid.UUID) (*ScreeningSummary, []byte, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	var document []byte
	row := s.reader.QueryRowContext(ctx, "SELECT "+sqliteSummaryColumns+", "+column+" FROM screenings WHERE id = ?", hex.EncodeToString(id[:]))
	summary, err := scanSQLiteSummary(row, &document)
	if err != nil {
		return nil, nil, sqliteError(err)
	}
	return &summary, document, nil
}

func (s *sqliteStore) Screenings(ctx context.Context, after *uuid.UUID, limit int) ([]ScreeningSummary, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	which, arguments := sqlitePage(after, limit)
	rows, err := s.reader.QueryContext(ctx, "SELECT "+sqliteSummaryColumns+" FROM screenings "+which, arguments...)
	if err != nil {
		return nil, sqliteError(err)
	}
	defer rows.Close()
	var summaries []ScreeningSummary
	for rows.Next() {
		summary, err := scanSQLiteSummary(rows)
		if err != nil {
			return nil, sqliteError(err)
		}
		summaries = append(summaries, summary)
	}
	return summaries, sqliteError(rows.Err())
}

// scanSQLiteSummary reads the columns of a summary, and what else is selected into `more`.
func scanSQLiteSummary(row interface{ Scan(...any) error }, more ...any) (s ScreeningSummary, err error) {
	var id, createdAt string
	if err := row.Scan(append([]any{&id, &createdAt, &s.Root, &s.Size, &s.Engine}, more...)...); err != nil {
		return s, err
	}
	s.ID, s.CreatedAt, err = parseSQLite(id, createdAt)
	return s, err
}
