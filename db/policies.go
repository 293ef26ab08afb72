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

// Admits says which viewers a row policy admits to a row.
type Admits string

// The viewers that a policy can admit. A relation, such as Admits("EDITOR"), admits the row's owner, and viewers whose relation to
// the row is that one or a stronger one.
const (
	AdmitsOwner   Admits = "owner"      // only the row's owner
	AdmitsRelated Admits = "related"    // viewers with any relation to the row
	AdmitsVisible Admits = "visible-to" // viewers with any relation, and those to whom the row's visibility shows it
)

// OwnerRelation is the relation of the owner of a row, the strongest one.
const OwnerRelation = "OWNER"

// Table describes a table of owned rows, as a migration passed it to app.protect. It determines the names of the row policies,
// whom each admits, and how to probe each. The server does not start if the database has other policies.
type Table struct {
	Name   string   // in schema app
	Key    string   // the column with the id of a row; "" for id
	Owner  string   // the column with the id of the user who owns a row; "" for user_id
	Admits Admits   // who may see a row; "" for AdmitsOwner
	Insert bool     // whether owners may insert rows
	Update []string // the columns that owners may update; if empty, they may update no rows
	Delete bool     // whether owners may delete rows

	// Relation is the function that returns the viewer's relation to a row, called with a column of the table, such as
	// app.notebook_relation(notebook_id); "" for a table whose rows are not shared.
	Relation  string
	Relations []string // the relations besides OWNER, the strongest first
	// As has the weakest relation that INSERT, UPDATE or DELETE admits. Without one, the command admits only the owner.
	As map[string]string
	// OwnerUpdate has those of the columns in Update that only the owner may change, although As["UPDATE"] admits others.
	OwnerUpdate []string
	// OfParent says that the table has no column for the owner: the viewer whose Relation is OWNER owns the row.
	OfParent bool
	// Scopes has the scopes that SELECT, UPDATE or DELETE admit: a viewer with any one of them may do the same as the owner.
	Scopes map[string][]string
}

// Policy is a row policy of the app role, as declared in Go. PostgreSQL enforces the one from the migrations.
type Policy struct {
	Table   Table
	Command string // SELECT, INSERT, UPDATE or DELETE
}

// Policies returns the row policies of the table. The one for SELECT comes first.
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

// Policy returns the policy for a command, and false if the table has none.
func (t Table) Policy(command string) (Policy, bool) {
	for _, p := range t.Policies() {
		if p.Command == command {
			return p, true
		}
	}
	return Policy{}, false
}

// Name returns the unique name of the policy.
func (p Policy) Name() string { return p.Table.Name + "_" + strings.ToLower(p.Command) }

// Admits returns the viewers that the policy admits to a row.
func (p Policy) Admits() Admits {
	if p.Command == "SELECT" && p.Table.Admits != "" {
		return p.Table.Admits
	}
	if relation := p.Table.As[p.Command]; relation != "" {
		return Admits(relation)
	}
	return AdmitsOwner
}

// Scopes returns the scopes that the policy admits: a viewer with any one of them passes.
func (p Policy) Scopes() []string { return p.Table.Scopes[p.Command] }

// RowRef identifies rows of a table by the id in one column.
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

// PolicyText is a row policy as PostgreSQL stores it.
type PolicyText struct {
	Table     string  `db:"table"`
	Name      string  `db:"name"`
	Command   string  `db:"command"`
	Using     *string `db:"using"`      // nil if the command takes none
	WithCheck *string `db:"with_check"` // nil if the command takes none
}

// FindPolicyText returns the text of a policy of the app role; NOT_FOUND if the database has no policy of this name.
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
