package db

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/jmoiron/sqlx"

	"freehold/auth"
	"freehold/fault"
)

// Admits says which viewers a row policy lets at a row.
type Admits string

// Whom a policy can let at a row.
const (
	AdmitsOwner   Admits = "owner"      // its owner alone
	AdmitsVisible Admits = "visible-to" // its owner, and whoever its visibility admits
)

// Policy is a row policy of the app's role, as it is meant; what PostgreSQL enforces is in the migrations, and a test
// compares the two.
type Policy struct {
	Table   string // in schema app
	Command string // SELECT, INSERT or UPDATE
	Admits  Admits
	// ByOwner says that Probe takes the id of the row's owner rather than that of the row.
	ByOwner bool
	// Probe touches a row if the policy lets the viewer at it. None for INSERT, which has no row yet.
	Probe string
}

// Policies are all row policies of the app's role.
var Policies = []Policy{
	{Table: "user_private", Command: "SELECT", Admits: AdmitsOwner, ByOwner: true, Probe: `SELECT user_id FROM app.user_private WHERE user_id = $1`},
	{Table: "profiles", Command: "SELECT", Admits: AdmitsVisible, Probe: `SELECT id FROM app.profiles WHERE id = $1 OR user_id = $1`}, // users are read from there
	{Table: "profiles", Command: "INSERT", Admits: AdmitsOwner},
	{Table: "profiles", Command: "UPDATE", Admits: AdmitsOwner, Probe: `UPDATE app.profiles SET updated_at = updated_at WHERE id = $1`},
	{Table: "sessions", Command: "SELECT", Admits: AdmitsOwner, ByOwner: true, Probe: `SELECT id FROM app.sessions WHERE user_id = $1`},
	{Table: "security_events", Command: "SELECT", Admits: AdmitsOwner, ByOwner: true, Probe: `SELECT id FROM app.security_events WHERE user_id = $1`},
	{Table: "profile_private", Command: "SELECT", Admits: AdmitsOwner, ByOwner: true, Probe: `SELECT user_id FROM app.profile_private WHERE user_id = $1`},
	{Table: "profile_private", Command: "INSERT", Admits: AdmitsOwner},
	{Table: "profile_private", Command: "UPDATE", Admits: AdmitsOwner, ByOwner: true, Probe: `UPDATE app.profile_private SET birthday = birthday WHERE user_id = $1`},
}

// Name is the policy's name, which is unique.
func (p Policy) Name() string { return p.Table + "_" + strings.ToLower(p.Command) }

// FindPolicy returns the policy of this name.
func FindPolicy(name string) (Policy, bool) {
	for _, p := range Policies {
		if p.Name() == name {
			return p, true
		}
	}
	return Policy{}, false
}

// errProbed undoes what a probe did.
var errProbed = errors.New("probed")

// Probe reports whether a policy lets the viewer at a row, by trying it in a transaction of its own that is undone. The
// id is the row's, or its owner's where the policy has ByOwner.
func (d *DB) Probe(ctx context.Context, viewer auth.Viewer, p Policy, id uuid.UUID) (admitted bool, err error) {
	err = d.Write(ctx, viewer, func(ctx context.Context, tx *Tx) error {
		return tx.probe(ctx, p, id, &admitted)
	})
	return admitted, probed(p, err)
}

// ProbeWithoutSession is Probe for a user who has not proved a session, or for nobody where the id is uuid.Nil. It makes
// anybody the viewer, so it is for an operator at the command line alone, never for what a request asks.
func (d *DB) ProbeWithoutSession(ctx context.Context, userID uuid.UUID, p Policy, id uuid.UUID) (admitted bool, err error) {
	err = d.transact(ctx, nil, func(ctx context.Context, tx *sqlx.Tx) error {
		if err := enterNobody(ctx, tx); err != nil {
			return err
		}
		if userID != uuid.Nil {
			if _, err := tx.ExecContext(ctx, `SELECT set_config('app.viewer_id', $1, true)`, userID.String()); err != nil {
				return fmt.Errorf("make a user the viewer: %w", err)
			}
		}
		return (&Tx{tx: tx}).probe(ctx, p, id, &admitted)
	})
	return admitted, probed(p, err)
}

// probe always returns an error, so that the transaction is undone: errProbed when all went well.
func (t *Tx) probe(ctx context.Context, p Policy, id uuid.UUID, admitted *bool) error {
	result, err := t.tx.ExecContext(ctx, p.Probe, id)
	if err != nil {
		return err
	}
	n, err := result.RowsAffected() // a SELECT counts what it found
	if err != nil {
		return err
	}
	*admitted = n > 0
	return errProbed
}

func probed(p Policy, err error) error {
	if errors.Is(err, errProbed) {
		return nil
	}
	return fmt.Errorf("probe policy %s: %w", p.Name(), err)
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
	err = d.AsSystem(ctx, func(ctx context.Context, tx *SystemTx) error {
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
