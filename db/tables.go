package db

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
)

// storedTable describes a table in the database.
type storedTable struct {
	Name     string         `db:"name"`
	Forced   bool           `db:"forced"`   // whether row-level security is enabled and forced
	Policies pq.StringArray `db:"policies"` // of the app role
	Texts    pq.StringArray `db:"texts"`    // their expressions
	Kept     pq.StringArray `db:"kept"`     // the columns that only owners change
}

// CheckTables returns an error for each of the tables, in their order: how the database differs from the declaration, or nil.
func (d *DB) CheckTables(ctx context.Context, tables []Table) ([]error, error) {
	var stored []storedTable
	err := d.inspect(ctx, func(ctx context.Context, tx *sqlx.Tx) error {
		return tx.SelectContext(ctx, &stored, `
			SELECT c.relname AS name, c.relrowsecurity AND c.relforcerowsecurity AS forced,
			       COALESCE(p.policies, '{}') AS policies, COALESCE(p.texts, '{}') AS texts,
			       ARRAY(SELECT a.attname::text FROM pg_trigger g JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (g.tgattr)
			              WHERE g.tgrelid = c.oid AND g.tgname = c.relname || '_owner_updates' AND g.tgenabled = 'O') AS kept
			  FROM pg_class c
			  LEFT JOIN LATERAL (SELECT array_agg(p.policyname::text ORDER BY p.policyname) AS policies,
			                            array_agg(concat_ws(' AND ', p.qual, p.with_check) ORDER BY p.policyname) AS texts
			                       FROM pg_policies p
			                      WHERE p.schemaname = 'app' AND p.tablename = c.relname AND p.roles && '{freehold_app,public}') p ON true
			 WHERE c.relkind IN ('r', 'p') AND c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = 'app')`)
	})
	if err != nil {
		return nil, fmt.Errorf("check the tables of owned types: %w", err)
	}
	problems := make([]error, len(tables))
	for i, t := range tables {
		problems[i] = t.compare(stored)
	}
	return problems, nil
}

// compare returns an error if the database differs from the declaration.
func (t Table) compare(all []storedTable) error {
	at := slices.IndexFunc(all, func(s storedTable) bool { return s.Name == t.Name })
	if at < 0 {
		return fmt.Errorf("the database has no table app.%s", t.Name)
	}
	stored := all[at]
	var declared []string
	for _, p := range t.Policies() {
		declared = append(declared, p.Name())
		i := slices.Index(stored.Policies, p.Name())
		if i < 0 {
			return fmt.Errorf("the database has no row policy %s: %s", p.Name(), t.protect())
		}
		if bare(stored.Texts[i]) != bare(p.expression()) {
			return fmt.Errorf("the row policy %s admits other viewers than the type declares: %s", p.Name(), t.protect())
		}
	}
	for _, name := range stored.Policies {
		if !slices.Contains(declared, name) {
			return fmt.Errorf("the database has the row policy %s, which the type does not declare", name)
		}
	}
	if !stored.Forced {
		return fmt.Errorf("row-level security of app.%s is not forced: %s", t.Name, t.protect())
	}
	if !slices.Equal(slices.Sorted(slices.Values(stored.Kept)), slices.Sorted(slices.Values(t.OwnerUpdate))) {
		return fmt.Errorf("the database keeps other columns of app.%s for owners than the type declares: %s", t.Name, t.protect())
	}
	return nil
}

// expression returns the text of the policy as app.protect writes it: USING and WITH CHECK, joined by AND.
func (p Policy) expression() string {
	t := p.Table
	admitted := t.admission(t.As[p.Command], p.Scopes())
	switch {
	case p.Command == "UPDATE":
		return admitted + " AND " + admitted
	case p.Command != "SELECT":
		return admitted
	}
	weakest := string(t.Admits)
	switch t.Admits {
	case AdmitsOwner:
		weakest = ""
	case AdmitsRelated, AdmitsVisible:
		weakest = ""
		if n := len(t.Relations); n > 0 {
			weakest = t.Relations[n-1]
		}
	}
	admitted = t.admission(weakest, p.Scopes())
	if t.Admits == AdmitsVisible {
		return "CASE visibility WHEN 'PUBLIC' THEN true WHEN 'MEMBERS' THEN app.viewer_id() IS NOT NULL ELSE " + admitted + " END"
	}
	return admitted
}

// admission returns what the SQL function of this name returns.
func (t Table) admission(weakest string, scopes []string) string {
	var conditions []string
	if !t.OfParent {
		conditions = append(conditions, cmp.Or(t.Owner, "user_id")+" = app.viewer_id()")
	}
	for _, s := range scopes {
		conditions = append(conditions, "app.has_scope('"+s+"')")
	}
	if t.OfParent || weakest != "" {
		strong := append([]string{"OWNER"}, t.Relations[:slices.Index(t.Relations, weakest)+1]...)
		conditions = append(conditions, t.Relation+" = ANY ('{"+strings.Join(strong, ",")+"}')")
	}
	if len(conditions) == 1 && !t.OfParent {
		return conditions[0]
	}
	return "CASE WHEN " + strings.Join(conditions, " THEN true WHEN ") + " THEN true ELSE false END"
}

// unwritten removes what PostgreSQL adds to an expression, or leaves out, when it stores it.
var unwritten = strings.NewReplacer("::text[]", "", "::text", "", "(", "", ")", "", `"`, "", " ", "", "\n", "", "\t", "")

// bare returns an expression in a form in which equal ones are equal, whether or not PostgreSQL has stored them.
func bare(expression string) string { return unwritten.Replace(expression) }

// protect returns what to write in a migration, so that the table has the declared policies.
func (t Table) protect() string {
	arguments := []string{"'" + t.Name + "'"}
	add := func(when bool, argument string) {
		if when {
			arguments = append(arguments, argument)
		}
	}
	list := func(name string, values []string) { add(len(values) > 0, name+" => '{"+strings.Join(values, ",")+"}'") }
	switch t.Admits {
	case "", AdmitsOwner:
	case AdmitsVisible:
		add(true, "sees => 'visibility'")
	case AdmitsRelated:
		add(true, "sees => 'relation'")
	default:
		add(true, "sees => '"+string(t.Admits)+"'")
	}
	add(t.Insert, "inserts => true")
	list("updates", t.Update)
	add(t.Delete, "deletes => true")
	if t.OfParent {
		add(true, "owner => NULL")
	} else {
		add(t.Owner != "" && t.Owner != "user_id", "owner => '"+t.Owner+"'")
	}
	add(t.Relation != "", "relation => '"+t.Relation+"'")
	list("relations", t.Relations)
	for _, command := range []string{"INSERT", "UPDATE", "DELETE"} {
		add(t.As[command] != "", strings.ToLower(command)+"s_as => '"+t.As[command]+"'")
	}
	list("owner_updates", t.OwnerUpdate)
	list("sees_scopes", t.Scopes["SELECT"])
	list("updates_scopes", t.Scopes["UPDATE"])
	list("deletes_scopes", t.Scopes["DELETE"])
	return "write SELECT app.protect(" + strings.Join(arguments, ", ") + ") in a migration"
}
