package db

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/lib/pq"

	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/fault"
)

// Admits says which viewers a row policy lets at a row.
type Admits string

// Whom a policy can let at a row.
const (
	AdmitsOwner   Admits = "owner"      // its owner alone
	AdmitsVisible Admits = "visible-to" // its owner, and everybody whom its visibility admits
)

// Table describes a table of owned rows: what app.protect was told about it in a migration. The names of its row policies,
// whom each admits and how each is tried follow from it. The server does not start if the database has other policies.
type Table struct {
	Name   string   // in schema app
	Key    string   // the column with the id of a row; "" for id
	Owner  string   // the column with the id of the user who owns a row; "" for user_id
	Admits Admits   // who may see a row; "" for AdmitsOwner
	Insert bool     // whether owners may insert rows
	Update []string // the columns that owners may update; none: they may not update rows
	Delete bool     // whether owners may delete rows
}

// Policy is a row policy of the app's role, as it is declared. The migrations have what PostgreSQL enforces.
type Policy struct {
	Table   Table
	Command string // SELECT, INSERT, UPDATE or DELETE
}

// Policies returns the row policies of the table, that for SELECT first.
func (t Table) Policies() []Policy {
	list := []Policy{{t, "SELECT"}}
	if t.Insert {
		list = append(list, Policy{t, "INSERT"})
	}
	if len(t.Update) > 0 {
		list = append(list, Policy{t, "UPDATE"})
	}
	if t.Delete {
		list = append(list, Policy{t, "DELETE"})
	}
	return list
}

// Policy returns the policy for a command; false if the table has none.
func (t Table) Policy(command string) (Policy, bool) {
	for _, p := range t.Policies() {
		if p.Command == command {
			return p, true
		}
	}
	return Policy{}, false
}

// Name returns the name of the policy, which is unique.
func (p Policy) Name() string { return p.Table.Name + "_" + strings.ToLower(p.Command) }

// Admits says whom the policy lets at a row.
func (p Policy) Admits() Admits {
	if p.Command == "SELECT" && p.Table.Admits != "" {
		return p.Table.Admits
	}
	return AdmitsOwner
}

// RowRef names rows of a table by the id in one of its columns.
type RowRef struct {
	Column string
	ID     uuid.UUID
}

// ProbeSQL returns the statement that touches the rows whose column has the value $1, if the policy admits the viewer to them. It
// is "" for INSERT, which has no row yet. An UPDATE reads the rows, so the SELECT policy must admit the viewer as well.
func (p Policy) ProbeSQL(column string) string {
	table, where := `app.`+pq.QuoteIdentifier(p.Table.Name), ` WHERE `+pq.QuoteIdentifier(column)+` = $1`
	switch p.Command {
	case "SELECT":
		return `SELECT FROM ` + table + where
	case "UPDATE":
		same := pq.QuoteIdentifier(p.Table.Update[0])
		return `UPDATE ` + table + ` SET ` + same + ` = ` + same + where
	case "DELETE":
		return `DELETE FROM ` + table + where
	}
	return ""
}

// errProbed rolls back the transaction of a probe that succeeded.
var errProbed = errors.New("probed")

// Probe reports whether a policy admits the viewer to a row. It runs the policy's command in a transaction and rolls it back.
func (d *DB) Probe(ctx context.Context, viewer auth.Viewer, p Policy, row RowRef) (admitted bool, err error) {
	err = d.Write(ctx, viewer, func(ctx context.Context, tx *Tx) error {
		result, err := tx.tx.ExecContext(ctx, p.ProbeSQL(row.Column), row.ID)
		if err != nil {
			return err
		}
		n, err := result.RowsAffected() // a SELECT counts the rows that it found
		if err != nil {
			return err
		}
		admitted = n > 0
		return errProbed
	})
	if !errors.Is(err, errProbed) {
		return false, fmt.Errorf("probe policy %s: %w", p.Name(), err)
	}
	return admitted, nil
}

// PolicyText is a row policy as PostgreSQL has it.
type PolicyText struct {
	Table     string  `db:"table"`
	Name      string  `db:"name"`
	Command   string  `db:"command"`
	Using     *string `db:"using"`      // null where the command takes none
	WithCheck *string `db:"with_check"` // null where the command takes none
}

// FindPolicyText returns the text of a policy of the app's role; NOT_FOUND when the database has none of this name.
func (d *DB) FindPolicyText(ctx context.Context, name string) (text PolicyText, err error) {
	err = d.readAsSystem(ctx, func(ctx context.Context, tx *SystemTx) error {
		var found []PolicyText
		err := tx.tx.SelectContext(ctx, &found, `
			SELECT schemaname || '.' || tablename AS table, policyname AS name, cmd AS command, qual AS using, with_check
			  FROM pg_policies
			 WHERE policyname = $1 AND 'freehold_app' = ANY (roles)`, name)
		if err != nil {
			return err
		}
		if len(found) == 0 {
			return fault.Gone()
		}
		text = found[0]
		return nil
	})
	if err != nil {
		return PolicyText{}, fmt.Errorf("find policy %s: %w", name, err)
	}
	return text, nil
}
