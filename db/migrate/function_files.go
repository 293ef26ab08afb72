package migrate

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/lib/pq"
)

// functionFile is a file functions/<name>.sql of a Set. It has the current text of the function app.<name>.
type functionFile struct {
	path, name, text string
	roles            []string // that may execute the function, besides the definer
	early            bool     // created before the numbered migrations, because their tables or policies need it
}

const (
	executedBy = "-- Executed by:"
	created    = "-- Created:"
	early      = "before the tables"
	nobody     = "nobody"
	ownerRole  = "freehold_owner" // runs migrations
)

var (
	functionName  = regexp.MustCompile(`^[a-z_][a-z0-9_]*$`)
	functionStart = regexp.MustCompile(`^(?i:CREATE\s+OR\s+REPLACE\s+FUNCTION)\s+app\.([A-Za-z0-9_]+)\s*\(`)
	leadComments  = regexp.MustCompile(`^(\s*--[^\n]*\n|\s+)*`)
)

// readFunctions returns the function files of a set, sorted by name.
func readFunctions(files fs.FS) ([]functionFile, error) {
	names, err := fs.Glob(files, "functions/*.sql")
	if err != nil {
		return nil, fmt.Errorf("list functions: %w", err)
	}
	functions := make([]functionFile, 0, len(names))
	for _, name := range names {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, fmt.Errorf("read function: %w", err)
		}
		f := functionFile{path: name, name: strings.TrimSuffix(path.Base(name), ".sql"), text: string(text)}
		if err := f.parse(); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		functions = append(functions, f)
	}
	return functions, nil
}

func (f *functionFile) parse() error {
	if !functionName.MatchString(f.name) {
		return errors.New("the name of a function's file must be <name>.sql, where the name has only a-z, 0-9 and _")
	}
	first, rest, _ := strings.Cut(f.text, "\n")
	roles, found := strings.CutPrefix(first, executedBy)
	if !found {
		return fmt.Errorf("the first line must be %q, followed by the roles that may execute the function, or by %q", executedBy, nobody)
	}
	for role := range strings.SplitSeq(roles, ",") {
		f.roles = append(f.roles, strings.TrimSpace(role))
	}
	if slices.Equal(f.roles, []string{nobody}) {
		f.roles = nil
	}
	second, _, _ := strings.Cut(rest, "\n")
	if when, found := strings.CutPrefix(second, created); found {
		if strings.TrimSpace(when) != early {
			return fmt.Errorf("the second line must be %q", created+" "+early)
		}
		f.early = true
	}
	body := strings.TrimPrefix(f.text, leadComments.FindString(f.text))
	if start := functionStart.FindStringSubmatch(body); start == nil || start[1] != f.name {
		return fmt.Errorf("the file must create app.%[1]s: after the comments, it must begin with CREATE OR REPLACE FUNCTION app.%[1]s(", f.name)
	}
	return nil
}

func (f *functionFile) hash() string {
	sum := sha256.Sum256([]byte(f.text))
	return hex.EncodeToString(sum[:])
}

// createFunctionTable creates the table with the hashes of the functions' current texts.
func createFunctionTable(ctx context.Context, tx *sql.Tx) error {
	_, err := tx.ExecContext(ctx, `
		CREATE TABLE IF NOT EXISTS migrations.function_files (
			name     text PRIMARY KEY,
			set_name text NOT NULL,
			sha256   text NOT NULL
		)`)
	if err != nil {
		return fmt.Errorf("create the table of functions: %w", err)
	}
	return nil
}

// changedFunctions returns the functions whose text differs from the one in the database.
func changedFunctions(ctx context.Context, tx *sql.Tx, set string, all []functionFile) ([]functionFile, error) {
	type record struct{ set, hash string }
	records := map[string]record{}
	rows, err := tx.QueryContext(ctx, `
		SELECT f.name, f.set_name, f.sha256 FROM migrations.function_files f
		 WHERE EXISTS (SELECT FROM pg_proc p WHERE p.proname = f.name AND p.pronamespace = 'app'::regnamespace)`)
	if err != nil {
		return nil, fmt.Errorf("read the table of functions: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		var r record
		if err := rows.Scan(&name, &r.set, &r.hash); err != nil {
			return nil, fmt.Errorf("read the table of functions: %w", err)
		}
		records[name] = r
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read the table of functions: %w", err)
	}
	var changed []functionFile
	for _, f := range all {
		r, exists := records[f.name]
		if exists && r.set != set {
			return nil, fmt.Errorf("%s: app.%s belongs to the migration set %s: choose another name", f.path, f.name, r.set)
		}
		if r.hash != f.hash() {
			changed = append(changed, f)
		}
	}
	return changed, nil
}

// createFunctions creates functions as the definer. Unless checked is set, their bodies may refer to objects that do not exist yet.
func createFunctions(ctx context.Context, tx *sql.Tx, functions []functionFile, checked bool) error {
	if len(functions) == 0 {
		return nil
	}
	// Only its owner can execute a new function, from the moment it is created.
	_, err := tx.ExecContext(ctx, `
		GRANT USAGE, CREATE ON SCHEMA app TO freehold_definer;
		SET LOCAL ROLE freehold_definer;
		ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC`)
	if err != nil {
		return fmt.Errorf("set the definer's role: %w", err)
	}
	if _, err := tx.ExecContext(ctx, `SELECT set_config('check_function_bodies', $1, true)`, strconv.FormatBool(checked)); err != nil {
		return fmt.Errorf("set check_function_bodies: %w", err)
	}
	for _, f := range functions {
		if err := f.create(ctx, tx); err != nil {
			return fmt.Errorf("%s: %w", f.path, err)
		}
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

// create runs the file as a prepared statement, which can only be a single statement. It then grants execution to exactly the
// roles that the file names. A function with other parameters stays in use by older builds, unless only migrations call it.
func (f *functionFile) create(ctx context.Context, tx *sql.Tx) error {
	statement, err := tx.PrepareContext(ctx, f.text)
	if err != nil {
		return err
	}
	defer statement.Close() //nolint:errcheck // it has run
	if _, err := statement.ExecContext(ctx); err != nil {
		if e := pq.As(err); e != nil && e.Code == "42P13" {
			return fmt.Errorf("%w: to change the signature, choose a new name", err)
		}
		return err
	}
	var older sql.NullString
	err = tx.QueryRowContext(ctx, `
		SELECT min(p.oid::regprocedure::text) FROM pg_proc p
		 WHERE p.proname = $1 AND p.pronamespace = 'app'::regnamespace
		   AND p.oid < (SELECT max(n.oid) FROM pg_proc n WHERE n.proname = $1 AND n.pronamespace = 'app'::regnamespace)`, f.name).Scan(&older)
	if err != nil {
		return fmt.Errorf("find the function with other parameters: %w", err)
	}
	if older.Valid {
		if !slices.Equal(f.roles, []string{ownerRole}) {
			return fmt.Errorf("app.%s exists with other parameters: to change the signature, choose a new name", f.name)
		}
		if _, err := tx.ExecContext(ctx, `DROP FUNCTION `+older.String); err != nil {
			return fmt.Errorf("drop the function with other parameters: %w", err)
		}
	}
	return f.grant(ctx, tx)
}

func (f *functionFile) grant(ctx context.Context, tx *sql.Tx) error {
	var unknown sql.NullString
	err := tx.QueryRowContext(ctx, `
		SELECT min(r) FROM unnest($1::text[]) r WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = r)`, pq.Array(f.roles)).Scan(&unknown)
	if err != nil {
		return fmt.Errorf("find roles: %w", err)
	}
	if unknown.Valid {
		return fmt.Errorf("the first line names the role %q, which does not exist", unknown.String)
	}
	var grants sql.NullString
	err = tx.QueryRowContext(ctx, `
		SELECT string_agg(format('REVOKE EXECUTE ON FUNCTION %s FROM %s', p.oid::regprocedure, CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END), '; ')
		  FROM pg_proc p, aclexplode(COALESCE(p.proacl, acldefault('f', p.proowner))) a
		 WHERE p.proname = $1 AND p.pronamespace = 'app'::regnamespace AND a.grantee <> p.proowner`, f.name).Scan(&grants)
	if err != nil {
		return fmt.Errorf("find grants: %w", err)
	}
	statements := []string{grants.String}
	for _, role := range f.roles {
		statements = append(statements, fmt.Sprintf(`GRANT EXECUTE ON FUNCTION app.%s TO %s`, f.name, pq.QuoteIdentifier(role)))
	}
	if _, err := tx.ExecContext(ctx, strings.Join(statements, "; ")); err != nil {
		return fmt.Errorf("grant execution: %w", err)
	}
	return nil
}

// recordFunctions records the hashes of the changed functions, and deletes the records of functions without a file.
func recordFunctions(ctx context.Context, tx *sql.Tx, set string, all, changed []functionFile) error {
	names := make([]string, 0, len(all))
	for _, f := range all {
		names = append(names, f.name)
	}
	_, err := tx.ExecContext(ctx, `DELETE FROM migrations.function_files WHERE set_name = $1 AND name <> ALL ($2)`, set, pq.Array(names))
	if err != nil {
		return fmt.Errorf("delete records of functions: %w", err)
	}
	for _, f := range changed {
		_, err := tx.ExecContext(ctx, `
			INSERT INTO migrations.function_files (name, set_name, sha256) VALUES ($1, $2, $3)
			    ON CONFLICT (name) DO UPDATE SET set_name = excluded.set_name, sha256 = excluded.sha256`, f.name, set, f.hash())
		if err != nil {
			return fmt.Errorf("%s: record the hash: %w", f.path, err)
		}
	}
	return nil
}
