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

// recordFunctions records the hashes of the changed functions, and deletes the records of functions without a file.
func recordFunctions(ctx context.Context, tx *sql.Tx, set string, all, changed []functionFile) error {
	_, err := tx.ExecContext(ctx, `DELETE FROM migrations.function_files WHERE set_name = $1 AND name <> ALL ($2)`, set, pq.Array(namesOf(all)))
	if err != nil {
		return fmt.Errorf("delete records of functions: %w", err)
	}
	hashes := make([]string, 0, len(changed))
	for _, f := range changed {
		hashes = append(hashes, f.hash())
	}
	_, err = tx.ExecContext(ctx, `
		INSERT INTO migrations.function_files (name, set_name, sha256)
		SELECT f.name, $1, f.hash FROM unnest($2::text[], $3::text[]) AS f (name, hash)
		    ON CONFLICT (name) DO UPDATE SET set_name = excluded.set_name, sha256 = excluded.sha256`, set, pq.Array(namesOf(changed)), pq.Array(hashes))
	if err != nil {
		return fmt.Errorf("record the hashes of functions: %w", err)
	}
	return nil
}
