package db_test

import (
	"maps"
	"strings"
	"testing"
	"testing/fstest"

	"freehold.dev/freehold/db"
	"freehold.dev/freehold/db/dbtest"
)

// filesOf returns files with these names and texts.
func filesOf(texts map[string]string) fstest.MapFS {
	files := fstest.MapFS{}
	for name, text := range texts {
		files[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return files
}

const (
	tableX = "-- +goose Up\nCREATE TABLE app.x (id int);\nINSERT INTO app.x VALUES (7);\nGRANT SELECT ON app.x TO freehold_definer;\n"
	readX  = "-- Executed by: freehold_app\n-- Reads x.\n" +
		"CREATE OR REPLACE FUNCTION app.read_x() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT min(id) FROM app.x';\n"
	// It sorts before read_x, which it calls.
	callX = "-- Executed by: nobody\nCREATE OR REPLACE FUNCTION app.call_x() RETURNS int LANGUAGE sql AS 'SELECT app.read_x()';\n"
)

// functionsOf describes the functions that these tests create: the name, the owner and the roles that may execute each.
func functionsOf(t *testing.T, d dbtest.Database) []string {
	t.Helper()
	return d.Query(t, `
		SELECT concat_ws(' ', proname, proowner::regrole, (SELECT string_agg(CASE WHEN grantee = 0 THEN 'PUBLIC' ELSE grantee::regrole::text END, ' ' ORDER BY grantee::regrole::text)
		         FROM aclexplode(COALESCE(proacl, acldefault('f', proowner))) WHERE grantee <> proowner))
		  FROM pg_proc WHERE pronamespace = 'app'::regnamespace AND proname LIKE '%\_x' ORDER BY proname`)
}

func TestFunctionFilesAreApplied(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	texts := map[string]string{
		"0001_x.sql": "-- +goose Up\nCREATE TABLE app.y (id int DEFAULT app.first_x());\n" + strings.TrimPrefix(tableX, "-- +goose Up\n"),
		"functions/first_x.sql": "-- Executed by: freehold_owner\n-- Created: before the tables\n" +
			"CREATE OR REPLACE FUNCTION app.first_x() RETURNS int LANGUAGE sql AS 'SELECT id FROM app.x';\n",
		"functions/read_x.sql": readX,
		"functions/call_x.sql": callX,
	}
	migrate := func() {
		t.Helper()
		if err := db.Migrate(t.Context(), d.Owner, db.MigrationSet{Name: "further", Files: filesOf(texts)}); err != nil {
			t.Fatal(err)
		}
	}
	migrate()
	diff(t, "functions", functionsOf(t, d), []string{
		"call_x freehold_definer", "first_x freehold_definer freehold_owner", "read_x freehold_definer freehold_app",
	})
	if got := d.Query(t, `SELECT app.call_x()`); got[0] != "7" {
		t.Errorf("app.call_x() is %s", got)
	}
	diff(t, "who may create functions", d.Query(t, `SELECT 'the definer' WHERE has_schema_privilege('freehold_definer', 'app', 'CREATE')`), nil)

	const versions = `SELECT proname || xmin FROM pg_proc WHERE proname LIKE '%\_x'`
	before := d.Query(t, versions)
	migrate()
	diff(t, "functions after migrating again", d.Query(t, versions), before)

	texts["functions/read_x.sql"] = strings.NewReplacer("freehold_app", "freehold_owner, freehold_app", "min(id)", "min(id) + 1").Replace(readX)
	texts["functions/first_x.sql"] = strings.Replace(texts["functions/first_x.sql"], "freehold_owner", "nobody", 1)
	d.Query(t, `GRANT EXECUTE ON FUNCTION app.read_x() TO PUBLIC`)
	migrate()
	diff(t, "functions after a change", functionsOf(t, d), []string{
		"call_x freehold_definer", "first_x freehold_definer", "read_x freehold_definer freehold_app freehold_owner",
	})
	if got := d.Query(t, `SELECT app.call_x()`); got[0] != "8" {
		t.Errorf("after a change, app.call_x() is %s", got)
	}

	// A migration drops a function whose file was deleted. A missing function is created again, although its file is unchanged.
	delete(texts, "functions/call_x.sql")
	texts["0002_x.sql"] = "-- +goose Up\nDROP FUNCTION app.call_x();\nDROP FUNCTION app.read_x();\n"
	migrate()
	diff(t, "functions after a file is gone", functionsOf(t, d), []string{
		"first_x freehold_definer", "read_x freehold_definer freehold_app freehold_owner",
	})
	diff(t, "recorded functions", d.Query(t, `SELECT name FROM migrations.function_files WHERE set_name = 'further'`), []string{"first_x", "read_x"})
}

// PUBLIC may never execute a function, not even before the grants of its file are set.
func TestFunctionsAreNeverPublic(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	d.Query(t, `CREATE TABLE public.seen (acl text)`)
	d.Query(t, `CREATE FUNCTION public.look() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN
		INSERT INTO public.seen SELECT proacl::text FROM pg_proc WHERE proname = 'read_x'; END $$`)
	d.Query(t, `CREATE EVENT TRIGGER look ON ddl_command_end WHEN TAG IN ('CREATE FUNCTION') EXECUTE FUNCTION public.look()`)
	files := filesOf(map[string]string{"0001_x.sql": tableX, "functions/read_x.sql": readX})
	if err := db.Migrate(t.Context(), d.Owner, db.MigrationSet{Name: "further", Files: files}); err != nil {
		t.Fatal(err)
	}
	seen := d.Query(t, `SELECT COALESCE(acl, 'the default') FROM public.seen`)
	if len(seen) == 0 || seen[0] != "{freehold_definer=X/freehold_definer}" {
		t.Errorf("the first grants were %v", seen)
	}
}

// A function that only migrations call may get other parameters: no older build calls it.
func TestFunctionOfMigrationsChangesItsParameters(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	for _, parameters := range []string{"a int", "a int, b text", "a int"} {
		files := filesOf(map[string]string{
			"0001_x.sql":            tableX,
			"functions/guard_x.sql": "-- Executed by: freehold_owner\nCREATE OR REPLACE FUNCTION app.guard_x(" + parameters + ") RETURNS int LANGUAGE sql AS 'SELECT 1';\n",
		})
		if err := db.Migrate(t.Context(), d.Owner, db.MigrationSet{Name: "further", Files: files}); err != nil {
			t.Fatal(err)
		}
		diff(t, "the parameters", d.Query(t, `SELECT pg_get_function_arguments(oid) FROM pg_proc WHERE proname = 'guard_x'`), []string{strings.ReplaceAll(parameters, "int", "integer")})
	}
}

// If any part of a set fails, the database is unchanged.
func TestFailedMigrationLeavesNothing(t *testing.T) {
	t.Parallel()
	broken := strings.Replace(readX, "app.x", "app.unknown", 1)
	for name, texts := range map[string]map[string]string{
		"a function": {"0001_x.sql": tableX, "functions/call_x.sql": callX, "functions/read_x.sql": broken},
		"a migration": {
			"0001_x.sql": tableX, "0002_x.sql": "-- +goose Up\nCREATE TABLE app.y (id int);\nSELECT 1/0;\n",
			"functions/read_x.sql": strings.Replace(readX, "\n", "\n-- Created: before the tables\n", 1),
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := dbtest.New(t)
			const everything = `
				SELECT oid::regclass::text FROM pg_class WHERE relnamespace IN ('app'::regnamespace, 'migrations'::regnamespace)
				UNION ALL SELECT oid::regprocedure::text FROM pg_proc WHERE pronamespace = 'app'::regnamespace
				UNION ALL SELECT name || sha256 FROM migrations.function_files
				UNION ALL SELECT nspname || nspacl::text FROM pg_namespace WHERE nspname = 'app'`
			before := d.Query(t, everything)
			if err := db.Migrate(t.Context(), d.Owner, db.MigrationSet{Name: "further", Files: filesOf(texts)}); err == nil {
				t.Error("it did not fail")
			}
			diff(t, "what the database has", d.Query(t, everything), before)
		})
	}
}

// An adopter's migration with NO TRANSACTION runs, with functions before and after it.
func TestMigrationWithoutTransaction(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	texts := map[string]string{
		"0001_x.sql":            tableX,
		"0002_index.sql":        "-- +goose NO TRANSACTION\n-- +goose Up\nCREATE INDEX CONCURRENTLY x_first ON app.x ((app.first_x(id)));\n",
		"0003_y.sql":            "-- +goose Up\nCREATE TABLE app.y (id int);\n",
		"functions/read_x.sql":  readX,
		"functions/first_x.sql": "-- Executed by: freehold_owner\n-- Created: before the tables\nCREATE OR REPLACE FUNCTION app.first_x(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1';\n",
	}
	further := db.MigrationSet{Name: "further", Files: filesOf(texts)}
	if err := db.Migrate(t.Context(), d.Owner, further); err != nil {
		t.Fatal(err)
	}
	diff(t, "functions", functionsOf(t, d), []string{"first_x freehold_definer freehold_owner", "read_x freehold_definer freehold_app"})
	diff(t, "indexes", d.Query(t, `SELECT indexrelid::regclass FROM pg_index WHERE indrelid = 'app.x'::regclass AND indisvalid`), []string{"app.x_first"})
	if err := open(t, db.Options{URL: d.App}).CheckVersion(t.Context(), further); err != nil {
		t.Error(err)
	}
}

// If a migration fails in a set with NO TRANSACTION, the earlier ones stay, and the published version says so. An older build that
// does not work with them must not start.
func TestFailedMigrationWithoutTransaction(t *testing.T) {
	t.Parallel()
	older := map[string]string{"0001_x.sql": tableX}
	texts := maps.Clone(older)
	texts["0002_index.sql"] = "-- +goose NO TRANSACTION\n-- +goose Up\nCREATE INDEX CONCURRENTLY x_id ON app.x (id);\n"
	texts["0003_y.sql"] = "-- +goose Up\nCREATE TABLE app.y (id int);\nSELECT 1/0;\n"
	texts["functions/read_x.sql"] = readX
	d := dbtest.New(t, db.MigrationSet{Name: "further", Files: filesOf(older)})
	app := open(t, db.Options{URL: d.App})
	newer := func() db.MigrationSet { return db.MigrationSet{Name: "further", Files: filesOf(texts)} }
	if err := db.Migrate(t.Context(), d.Owner, newer()); err == nil || !strings.Contains(err.Error(), "division by zero") {
		t.Errorf("got %v", err)
	}
	diff(t, "functions", functionsOf(t, d), nil)
	diff(t, "the table of the failed migration", d.Query(t, `SELECT relname FROM pg_class WHERE relname = 'y'`), nil)
	for build, set := range map[string]db.MigrationSet{"the older": {Name: "further", Files: filesOf(older)}, "the newer": newer()} {
		if err := app.CheckVersion(t.Context(), set); err == nil || !strings.Contains(err.Error(), "has migration 2 of further") {
			t.Errorf("%s build: %v", build, err)
		}
	}
	texts["0003_y.sql"] = "-- +goose Up\nCREATE TABLE app.y (id int);\n"
	if err := db.Migrate(t.Context(), d.Owner, newer()); err != nil {
		t.Fatal(err)
	}
	diff(t, "functions after the correction", functionsOf(t, d), []string{"read_x freehold_definer freehold_app"})
	if err := app.CheckVersion(t.Context(), newer()); err != nil {
		t.Error(err)
	}
}

// An invalid function file fails the migration, and the error names the file.
func TestErrorsOfFunctionFiles(t *testing.T) {
	t.Parallel()
	const create = "CREATE OR REPLACE FUNCTION app.read_x() RETURNS int LANGUAGE sql AS 'SELECT 1';\n"
	const header = "-- Executed by: nobody\n"
	texts := map[string]string{
		"0001_x.sql":          tableX,
		"functions/old_x.sql": header + "CREATE OR REPLACE FUNCTION app.old_x(a int) RETURNS int LANGUAGE sql AS 'SELECT 1';\n",
	}
	theirs := map[string]string{
		"0001_x.sql":            "-- +goose Up\n",
		"functions/their_x.sql": header + "CREATE OR REPLACE FUNCTION app.their_x() RETURNS int LANGUAGE sql AS 'SELECT 2';\n",
	}
	d := dbtest.New(t, db.MigrationSet{Name: "theirs", Files: filesOf(theirs)}, db.MigrationSet{Name: "further", Files: filesOf(texts)})
	for name, c := range map[string]struct{ file, text, want string }{
		"no header":           {"read_x", create, "the first line must be"},
		"no roles":            {"read_x", "-- Executed by:\n" + create, `role ""`},
		"unknown role":        {"read_x", "-- Executed by: freehold_app, freehold_ap\n" + create, `role "freehold_ap"`},
		"PUBLIC":              {"read_x", "-- Executed by: PUBLIC\n" + create, `role "PUBLIC"`},
		"unknown moment":      {"read_x", header + "-- Created: after\n" + create, "the second line must be"},
		"invalid name":        {"read-x", header + create, "must be <name>.sql"},
		"another function":    {"write_x", header + create, "must create app.write_x"},
		"a longer name":       {"read", header + create, "must create app.read:"},
		"another schema":      {"read_x", header + strings.Replace(create, "app.", "public.", 1), "must create app.read_x"},
		"no function":         {"read_x", header + "SELECT 1;\n", "must create app.read_x"},
		"nothing":             {"read_x", header, "must create app.read_x"},
		"a further statement": {"read_x", header + create + "CREATE TABLE app.y (id int);\n", "multiple commands"},
		"invalid SQL":         {"read_x", header + strings.Replace(create, "LANGUAGE", "TONGUE", 1), "position 2:53"},
		"invalid body":        {"read_x", header + strings.Replace(create, "SELECT 1", "SELECT y", 1), `column "y" does not exist`},
		"another parameter":   {"old_x", header + "CREATE OR REPLACE FUNCTION app.old_x(a text) RETURNS int LANGUAGE sql AS 'SELECT 1';\n", "to change the signature, choose a new name"},
		"another result":      {"old_x", header + "CREATE OR REPLACE FUNCTION app.old_x(a int) RETURNS text LANGUAGE sql AS 'SELECT ''1''';\n", "to change the signature, choose a new name"},
		"another set's":       {"their_x", header + "CREATE OR REPLACE FUNCTION app.their_x() RETURNS int LANGUAGE sql AS 'SELECT 1';\n", "belongs to the migration set theirs"},
	} {
		changed := maps.Clone(texts)
		changed["functions/"+c.file+".sql"] = c.text
		err := db.Migrate(t.Context(), d.Owner, db.MigrationSet{Name: "further", Files: filesOf(changed)})
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "functions/"+c.file+".sql: ") {
			t.Errorf("%s: got %v, want an error that names the file and says %q", name, err, c.want)
		}
	}
}
