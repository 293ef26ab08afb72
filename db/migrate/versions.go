package migrate

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strconv"

	"github.com/lib/pq"
	"github.com/pressly/goose/v3"
)

// numberedFile is a numbered migration of a Set.
type numberedFile struct {
	name          string
	number        int64
	serves        int64 // the oldest build that can serve the database after this migration, by its latest migration
	noTransaction bool
}

var (
	servesLine    = regexp.MustCompile(`(?mi)^[ \t]*--[ \t]*Serves builds\b.*$`)
	serves        = regexp.MustCompile(`^-- Serves builds from: ([0-9]+)\r?$`)
	noTransaction = regexp.MustCompile(`(?mi)^--.*\+goose\s+NO TRANSACTION\s*$`)
)

// readNumbered returns the numbered migrations of a set in ascending order.
func readNumbered(files fs.FS) ([]numberedFile, error) {
	names, err := fs.Glob(files, "*.sql")
	if err != nil {
		return nil, fmt.Errorf("list migrations: %w", err)
	}
	if len(names) == 0 {
		return nil, errors.New("the set has no migration")
	}
	var numbered []numberedFile
	var last int64
	for _, name := range names {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, fmt.Errorf("read migration: %w", err)
		}
		f := numberedFile{name: name, noTransaction: noTransaction.Match(text)}
		if f.number, err = goose.NumericComponent(name); err != nil {
			return nil, fmt.Errorf("%s: the name of a migration must be <number>_<name>.sql: %w", name, err)
		}
		if f.number <= last {
			return nil, fmt.Errorf("%s: the number must be greater than %d, the number of the file before it: use each number once, with the same number of digits", name, last)
		}
		if f.serves, err = servedBuild(string(text), f.number); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		numbered, last = append(numbered, f), f.number
	}
	return numbered, nil
}

// servedBuild returns the oldest build that a migration says it serves. The default is the migration's own number.
func servedBuild(text string, number int64) (int64, error) {
	lines := servesLine.FindAllString(text, 2)
	if len(lines) == 0 {
		return number, nil
	}
	if found := serves.FindStringSubmatch(lines[0]); found != nil && len(lines) == 1 {
		if build, err := strconv.ParseInt(found[1], 10, 64); err == nil && build <= number {
			return build, nil
		}
	}
	return 0, fmt.Errorf("want one line %q with the number of this migration or an earlier one, got %q", "-- Serves builds from: <number>", lines)
}

// version is the number of a database's latest migration of a set, and of the oldest build that may serve the database.
type version struct{ number, serves int64 }

// versionAt returns the version of a database that has the migrations up to number. A build must work with each of them.
func versionAt(numbered []numberedFile, number int64) version {
	v := version{number: number}
	for _, f := range numbered {
		if f.number <= number {
			v.serves = max(v.serves, f.serves)
		}
	}
	return v
}

func latest(numbered []numberedFile) int64 { return numbered[len(numbered)-1].number }

// refuse returns an error unless a build with this number may serve the database.
func (v version) refuse(set string, build int64) error {
	switch {
	case v.number < build:
		return fmt.Errorf("the database has migration %d of %s; this build needs migration %d: run `freehold migrate` with this build", v.number, set, build)
	case build < v.serves:
		return fmt.Errorf("the database has migration %d of %s, which needs a build with migration %d or later; this build only knows migration %d: upgrade %[2]s", v.number, set, v.serves, build)
	}
	return nil
}

// comment is the format of the version for the app role, which cannot read the version tables.
const comment = "%d, serves builds from %d"

// publish writes the version to a comment, which the app role can read.
func (v version) publish(ctx context.Context, tx *sql.Tx, set string) error {
	statement := fmt.Sprintf(`COMMENT ON TABLE migrations.%s IS %s`, pq.QuoteIdentifier(set), pq.QuoteLiteral(fmt.Sprintf(comment, v.number, v.serves)))
	if _, err := tx.ExecContext(ctx, statement); err != nil {
		return fmt.Errorf("publish version: %w", err)
	}
	return nil
}

// published returns the database's version of a set. It is the zero version for an unknown set.
func published(ctx context.Context, tx *sql.Tx, set string) (version, error) {
	var text sql.NullString
	err := tx.QueryRowContext(ctx, `
		SELECT obj_description(c.oid, 'pg_class')
		  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		 WHERE n.nspname = 'migrations' AND c.relname = $1`, set).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) || err == nil && !text.Valid {
		return version{}, nil
	}
	if err != nil {
		return version{}, fmt.Errorf("read the version: %w", err)
	}
	var v version
	if _, err := fmt.Sscanf(text.String, comment, &v.number, &v.serves); err != nil {
		return version{}, fmt.Errorf("the comment %q on migrations.%s is not a version: %w", text.String, set, err)
	}
	return v, nil
}

// Number returns the number of the database's newest migration of a set, or 0.
func Number(ctx context.Context, tx *sql.Tx, set string) (int64, error) {
	v, err := published(ctx, tx, set)
	return v.number, err
}

// Check returns an error unless this build, whose set is given, may serve the database. The database must have the set's migrations.
// It may have newer ones if they say that they serve this build.
func Check(ctx context.Context, tx *sql.Tx, set Set) error {
	numbered, err := readNumbered(set.Files)
	if err != nil {
		return err
	}
	if err := set.checkExcluded(ctx, tx); err != nil {
		return err
	}
	v, err := published(ctx, tx, set.Name)
	if err != nil {
		return err
	}
	return v.refuse(set.Name, latest(numbered))
}

// checkExcluded returns an error if the database has a set that cannot share it with this one.
func (s Set) checkExcluded(ctx context.Context, tx *sql.Tx) error {
	v, err := published(ctx, tx, s.Excludes)
	if err == nil && v.number > 0 {
		err = fmt.Errorf("the database has the migrations of %s, which cannot share it with those of %s: use another database", s.Excludes, s.Name)
	}
	return err
}
