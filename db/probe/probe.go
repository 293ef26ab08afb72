// Package probe tries row policies as a user who has proved no session. It can act as any user, so only the command
// `freehold access explain` may use it, never the code that serves a request. It must not know where requests come from.
package probe

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/lib/pq"

	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/db"
)

// statementTimeout limits each statement. A probe may wait for the lock of a row.
const statementTimeout = 3 * time.Second

// Prober tries row policies as the app's role. Close it.
type Prober struct{ pool *sql.DB }

// Open returns a Prober for the URL of the app's role. It does not connect yet.
func Open(url string) (*Prober, error) {
	connector, err := pq.NewConnector(url)
	if err != nil {
		return nil, errors.New("open database: the URL is malformed") // pq's error may quote the password
	}
	pool := sql.OpenDB(connector)
	pool.SetMaxOpenConns(1)
	return &Prober{pool}, nil
}

// Close closes the connection.
func (p *Prober) Close() error { return p.pool.Close() }

// Admits reports whether a policy admits a viewer with these scopes to a row. It runs the policy's command in a transaction and rolls
// it back.
func (p *Prober) Admits(ctx context.Context, viewer auth.Viewer, policy db.Policy, row db.RowRef) (bool, error) {
	n, err := p.touch(ctx, viewer, policy, row)
	if err != nil {
		return false, fmt.Errorf("probe policy %s: %w", policy.Name(), err)
	}
	return n > 0, nil
}

// Relation returns the relation of a viewer to a row that they see; "" if they have none or do not see the row.
func (p *Prober) Relation(ctx context.Context, viewer auth.Viewer, table db.Table, row db.RowRef) (string, error) {
	if table.Relation == "" {
		return "", nil
	}
	tx, err := p.begin(ctx, viewer)
	if err != nil {
		return "", fmt.Errorf("probe the relation to a row of %s: %w", table.Name, err)
	}
	defer tx.Rollback() //nolint:errcheck // a connection that cannot roll back is closed
	var relation sql.NullString
	err = tx.QueryRowContext(ctx, fmt.Sprintf(`SELECT %s FROM app.%s WHERE %s = $1`,
		table.Relation, pq.QuoteIdentifier(table.Name), pq.QuoteIdentifier(row.Column)), row.ID).Scan(&relation)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", fmt.Errorf("probe the relation to a row of %s: %w", table.Name, err)
	}
	return relation.String, nil
}

// touch returns how many rows the policy's command reaches.
func (p *Prober) touch(ctx context.Context, viewer auth.Viewer, policy db.Policy, row db.RowRef) (int64, error) {
	tx, err := p.begin(ctx, viewer)
	if err != nil {
		return 0, err
	}
	defer tx.Rollback() //nolint:errcheck // a connection that cannot roll back is closed
	result, err := tx.ExecContext(ctx, policy.ProbeSQL(row.Column), row.ID)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// begin begins a transaction as a viewer.
func (p *Prober) begin(ctx context.Context, viewer auth.Viewer) (*sql.Tx, error) {
	tx, err := p.pool.BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	id := ""
	if viewer.IsMember() {
		id = viewer.UserID.String()
	}
	_, err = tx.ExecContext(ctx, `SELECT set_config('app.viewer_id', $1, true), set_config('app.scopes', $2, true), set_config('statement_timeout', $3, true)`,
		id, string(viewer.Scopes), strconv.FormatInt(statementTimeout.Milliseconds(), 10))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("set the viewer: %w", err), tx.Rollback())
	}
	return tx, nil
}
