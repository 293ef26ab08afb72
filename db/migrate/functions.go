package migrate

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"github.com/lib/pq"
)

const ownerRole = "freehold_owner" // runs migrations

// createFunctions creates functions as the definer. Their bodies may refer to objects that do not exist yet, until checkBodies.
func createFunctions(ctx context.Context, tx *sql.Tx, functions []functionFile) error {
	return asDefiner(ctx, tx, functions, func() error {
		for _, f := range functions {
			if err := f.create(ctx, tx); err != nil {
				return fmt.Errorf("%s: %w", f.path, err)
			}
		}
		if err := dropOlder(ctx, tx, functions); err != nil {
			return err
		}
		return grantExecution(ctx, tx, functions)
	})
}

// checkBodies creates functions again, so that PostgreSQL checks what their bodies refer to.
func checkBodies(ctx context.Context, tx *sql.Tx, functions []functionFile) error {
	return asDefiner(ctx, tx, functions, func() error {
		if _, err := tx.ExecContext(ctx, `SET LOCAL check_function_bodies = on`); err != nil {
			return fmt.Errorf("set check_function_bodies: %w", err)
		}
		for _, f := range functions {
			if _, err := tx.ExecContext(ctx, f.text); err != nil {
				return fmt.Errorf("%s: %w", f.path, err)
			}
		}
		return nil
	})
}

// asDefiner runs do with the definer's role, for functions that there are.
func asDefiner(ctx context.Context, tx *sql.Tx, functions []functionFile, do func() error) error {
	if len(functions) == 0 {
		return nil
	}
	// Only its owner can execute a new function, from the moment it is created.
	_, err := tx.ExecContext(ctx, `
		GRANT USAGE, CREATE ON SCHEMA app TO freehold_definer;
		SET LOCAL ROLE freehold_definer;
		SET LOCAL check_function_bodies = off;
		ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC`)
	if err != nil {
		return fmt.Errorf("set the definer's role: %w", err)
	}
	if err := do(); err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `
		RESET check_function_bodies;
		RESET ROLE;
		REVOKE CREATE ON SCHEMA app FROM freehold_definer`)
	if err != nil {
		return fmt.Errorf("reset the role: %w", err)
	}
	return nil
}

// create runs the file as a prepared statement, which can only be a single statement.
func (f *functionFile) create(ctx context.Context, tx *sql.Tx) error {
	statement, err := tx.PrepareContext(ctx, f.text)
	if err != nil {
		return err
	}
	defer statement.Close() //nolint:errcheck // it has run
	_, err = statement.ExecContext(ctx)
	if e := pq.As(err); e != nil && e.Code == "42P13" {
		return fmt.Errorf("%w: to change the signature, choose a new name", err)
	}
	return err
}

// dropOlder drops the functions with the same names and other parameters. Older builds may use them, unless only migrations call them.
func dropOlder(ctx context.Context, tx *sql.Tx, functions []functionFile) error {
	// A name and a signature, with a space between them.
	found, err := column(ctx, tx, `
		SELECT p.proname || ' ' || p.oid::regprocedure
		  FROM pg_proc p
		 WHERE p.pronamespace = 'app'::regnamespace AND p.proname = ANY ($1)
		   AND p.oid < (SELECT max(n.oid) FROM pg_proc n WHERE n.pronamespace = p.pronamespace AND n.proname = p.proname)`, pq.Array(namesOf(functions)))
	if err != nil {
		return fmt.Errorf("find functions with other parameters: %w", err)
	}
	older := map[string]string{}
	for _, f := range found {
		name, signature, _ := strings.Cut(f, " ")
		older[name] = signature
	}
	for _, f := range functions {
		signature, exists := older[f.name]
		if !exists {
			continue
		}
		if !slices.Equal(f.roles, []string{ownerRole}) {
			return fmt.Errorf("%s: app.%s exists with other parameters: to change the signature, choose a new name", f.path, f.name)
		}
		if _, err := tx.ExecContext(ctx, `DROP FUNCTION `+signature); err != nil {
			return fmt.Errorf("%s: drop the function with other parameters: %w", f.path, err)
		}
	}
	return nil
}

// grantExecution grants execution of each function to exactly the roles that its file names.
func grantExecution(ctx context.Context, tx *sql.Tx, functions []functionFile) error {
	known, err := column(ctx, tx, `SELECT rolname FROM pg_roles`)
	if err != nil {
		return fmt.Errorf("find roles: %w", err)
	}
	statements, err := column(ctx, tx, `
		SELECT format('REVOKE EXECUTE ON FUNCTION %s FROM %s', p.oid::regprocedure, CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END)
		  FROM pg_proc p, aclexplode(COALESCE(p.proacl, acldefault('f', p.proowner))) a
		 WHERE p.proname = ANY ($1) AND p.pronamespace = 'app'::regnamespace AND a.grantee <> p.proowner`, pq.Array(namesOf(functions)))
	if err != nil {
		return fmt.Errorf("find grants: %w", err)
	}
	for _, f := range functions {
		for _, role := range f.roles {
			if !slices.Contains(known, role) {
				return fmt.Errorf("%s: the first line names the role %q, which does not exist", f.path, role)
			}
			statements = append(statements, fmt.Sprintf(`GRANT EXECUTE ON FUNCTION app.%s TO %s`, f.name, pq.QuoteIdentifier(role)))
		}
	}
	if _, err := tx.ExecContext(ctx, strings.Join(statements, ";\n")); err != nil {
		return fmt.Errorf("grant execution: %w", err)
	}
	return nil
}

// column returns the texts of a query's only column.
func column(ctx context.Context, tx *sql.Tx, query string, args ...any) (texts []string, err error) {
	rows, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return nil, err
		}
		texts = append(texts, text)
	}
	return texts, rows.Err()
}
