package db

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jmoiron/sqlx"
)

// ExportedRow is a row that belongs to a user, as JSON, without its secrets.
type ExportedRow struct {
	Table string `db:"label"`
	Data  string `db:"data"`
}

// ErrExportTooLarge means that the rows of a user have too many bytes.
var ErrExportTooLarge = errors.New("the export is too large")

// FindExport returns the rows of all tables that belong to a user, by table; none if the viewer is another user. The error is
// ErrExportTooLarge if they have more than maxBytes.
func (t *Tx) FindExport(ctx context.Context, userID uuid.UUID, maxBytes int) (rows []ExportedRow, err error) {
	if err := t.Select(ctx, &rows, `SELECT label, data FROM app.export_account($1, $2)`, userID, maxBytes); err != nil {
		return nil, fmt.Errorf("export an account: %w", err)
	}
	return rows, nil
}

// FindExport is Tx.FindExport without a limit. Only the owner role can run it.
func (t *SystemTx) FindExport(ctx context.Context, userID uuid.UUID) (rows []ExportedRow, err error) {
	if err := t.tx.SelectContext(ctx, &rows, `SELECT label, data FROM app.export_rows($1, NULL)`, userID); err != nil {
		return nil, fmt.Errorf("export an account: %w", err)
	}
	return rows, nil
}

// CheckExport returns an error if tables or columns have changed since the last migration, so that exports fail or lack them. Only the owner
// role can run it.
func (d *DB) CheckExport(ctx context.Context) error {
	var current bool
	err := d.inspect(ctx, func(ctx context.Context, tx *sqlx.Tx) error {
		return tx.GetContext(ctx, &current, `SELECT strpos(p.prosrc, app.export_statement()) > 0 FROM pg_proc p WHERE p.oid = 'app.exported_rows'::regproc`)
	})
	if err == nil && !current {
		err = errors.New("tables or columns have changed since the last migration, so exports fail or lack them")
	}
	return err
}
