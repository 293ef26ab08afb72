package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"freehold.dev/freehold/access"
	"freehold.dev/freehold/accounts"
	"freehold.dev/freehold/accounts/input"
	"freehold.dev/freehold/app/config"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/directives"
	"freehold.dev/freehold/edge/document"
	"freehold.dev/freehold/explain"
	"freehold.dev/freehold/mail"
	"freehold.dev/freehold/owned"
	"freehold.dev/freehold/resolvers"
)

// Module is a part of a program: owned types and what belongs to them. Declare each type and field in one module.
type Module struct {
	Name       string         // also that of the table in schema migrations that has the module's version
	Migrations fs.FS          // NNNN_name.sql, and functions/name.sql; nil for none
	Types      []owned.Type   // from owned.Declare
	Hooks      accounts.Hooks // run after those of earlier modules

	// Scopes are the scopes that rules and row policies may name, such as notes:moderate, with a sentence that says what each permits.
	Scopes map[string]string
	// Mails are the kinds of mails that the module sends with accounts.Service.EnqueueMail.
	Mails []mail.Extra
	// Functions are the definer functions behind fields that have no row policy, by Type.field, and the viewers that they admit.
	Functions map[string]access.Layer
	// Credential names the mutations that compute a password hash, verify a code or send a mail. An operation may have one of them.
	Credential []string
	// Validators complete the errors of inputs whose shape is wrong, by the name of the input type; nil for none.
	Validators func(*resolvers.Resolvers) map[string]resolvers.InputValidator
	// TextBytes is the largest size of a field's text in a reply, in bytes, by Type.field. Other texts cost as much as the longest.
	TextBytes map[string]int
}

// Graph is what gqlgen has generated from a program's schema. The generator of package graph writes it.
type Graph struct {
	Schema    func() *ast.Schema              // the schema, newly parsed
	Text      func() string                   // the whole schema as written, with the definitions of Federation
	SDL       func() string                   // the schema as a Federation subgraph
	ClientSDL func(schema *ast.Schema) string // a schema for client tools

	// Executable joins a schema with the resolvers of all modules and the rules. It returns the generated DirectiveRoot too.
	Executable func(schema *ast.Schema, r *resolvers.Resolvers, rules Rules) (executable graphql.ExecutableSchema, root any)
}

// Rules are the rule directives that run.
type Rules struct {
	Owner             func(ctx context.Context, obj any, next graphql.Resolver, of, id *string, as string, when *string, orScopes [][]string, otherwise directives.Otherwise) (any, error)
	Scopes            func(ctx context.Context, obj any, next graphql.Resolver, anyOf [][]string) (any, error)
	SignedIn, Visible func(ctx context.Context, obj any, next graphql.Resolver) (any, error)
}

// Program is a graph and its modules.
type Program struct {
	graph    Graph
	modules  []Module
	registry *owned.Registry
	layers   *explain.Layers
	subgraph bool // it has no accounts; see NewSubgraph
}

// accountsModule is the name of the module core, which has the accounts.
const accountsModule = "freehold"

// NewProgram returns the program of these modules. The error names each invalid declaration, with its file and line.
func NewProgram(g Graph, modules ...Module) (*Program, error) {
	return newProgram(&Program{graph: g, modules: modules})
}

// NewSubgraph returns the program of a second subgraph beside a service that has the accounts. The modules do not include core: their
// first is subgraph.Module(). The program has a database of its own, and its viewers come from the tokens of FREEHOLD_ISSUER.
func NewSubgraph(g Graph, modules ...Module) (*Program, error) {
	for _, m := range modules {
		if m.Name == accountsModule {
			return nil, errors.New("a second subgraph has no accounts: list subgraph.Module() instead of core.Module()")
		}
		if h := m.Hooks; len(h.BeforeSignUp)+len(h.AfterSignUp)+len(h.AfterVerification)+len(h.BeforeDeletion) > 0 {
			return nil, fmt.Errorf("module %s has Hooks, which never run in a second subgraph, because nobody signs up there: set Hooks to accounts.Hooks{}", m.Name)
		}
	}
	return newProgram(&Program{graph: g, modules: modules, subgraph: true})
}

// LoadConfig reads the settings of the program from an environment in the form of os.Environ; see config.Load. A second subgraph has
// fewer settings.
func (p *Program) LoadConfig(environ []string) (config.Config, error) {
	if p.subgraph {
		return config.LoadSubgraph(environ)
	}
	return config.Load(environ)
}

// IsSubgraph reports whether the program is a second subgraph, without accounts; see NewSubgraph.
func (p *Program) IsSubgraph() bool { return p.subgraph }

func newProgram(p *Program) (*Program, error) {
	g, modules := p.graph, p.modules
	var types []owned.Type
	for _, m := range modules {
		types = append(types, m.Types...)
	}
	var err error
	if p.registry, err = owned.NewRegistry(types...); err != nil {
		return nil, fmt.Errorf("the declaration of an owned type is invalid:\n%w", err)
	}
	schema := g.Schema()
	if err := p.check(schema); err != nil {
		return nil, fmt.Errorf("the declaration of a module is invalid:\n%w", err)
	}
	functions := map[string]access.Layer{}
	for _, m := range slices.Backward(modules) { // the first module wins
		maps.Copy(functions, m.Functions)
	}
	p.layers = explain.NewLayers(schema, p.registry, functions)
	return p, nil
}

// check returns an error that names the declarations about elements that the schema does not have, and about scopes that no module
// declares.
func (p *Program) check(schema *ast.Schema) error {
	faults := p.checkScopes()
	for _, t := range p.registry.Types() {
		if d := schema.Types[t.Name]; d == nil || d.Kind != ast.Object {
			faults = append(faults, t.Fault("the schema has no object type of this name"))
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(t.Fields)) {
			if schema.Types[t.Name].Fields.ForName(name) == nil {
				faults = append(faults, t.Fault("Fields has %s, which is not a field of the type", name))
			}
		}
	}
	for _, m := range p.modules {
		for _, field := range slices.Concat(slices.Sorted(maps.Keys(m.Functions)), slices.Sorted(maps.Keys(m.TextBytes)), prefixed("Mutation.", m.Credential)) {
			typ, name, _ := strings.Cut(field, ".")
			if d := schema.Types[typ]; d == nil || d.Fields.ForName(name) == nil {
				faults = append(faults, fmt.Errorf("module %s names the field %s, which is not in the schema", m.Name, field))
			}
		}
	}
	return errors.Join(faults...)
}

// checkScopes returns an error for each scope that a row policy names and no module declares: nobody can be granted it.
func (p *Program) checkScopes() (faults []error) {
	known := p.Scopes()
	for _, t := range p.registry.Types() {
		tables := []db.Table{t.Table}
		for _, field := range slices.Sorted(maps.Keys(t.Fields)) {
			tables = append(tables, t.Fields[field].Table)
		}
		for _, table := range tables {
			for _, command := range slices.Sorted(maps.Keys(table.Scopes)) {
				for _, scope := range table.Scopes[command] {
					if _, ok := known[scope]; !ok {
						faults = append(faults, t.Fault("the Scopes of the table %s have %q for %s, which no module declares: add it to the Scopes of a module", table.Name, scope, command))
					}
				}
			}
		}
	}
	return faults
}

func prefixed(prefix string, names []string) []string {
	list := make([]string, len(names))
	for i, name := range names {
		list[i] = prefix + name
	}
	return list
}

// Registry returns the owned types of the program.
func (p *Program) Registry() *owned.Registry { return p.registry }

// Schema returns the program's schema, newly parsed.
func (p *Program) Schema() *ast.Schema { return p.graph.Schema() }

// Text returns the whole schema as written.
func (p *Program) Text() string { return p.graph.Text() }

// SDL returns the schema as a Federation subgraph.
func (p *Program) SDL() string { return p.graph.SDL() }

// ClientSDL returns the schema for client tools. Each description ends with the field's rule, as in introspection.
func (p *Program) ClientSDL() string {
	schema := p.graph.Schema()
	directives.Describe(schema)
	return p.graph.ClientSDL(schema)
}

// Access returns the access matrix of the program's schema.
func (p *Program) Access() *access.Matrix {
	return access.New(p.graph.Schema(), p.layers.Access())
}

// Migrations returns the migrations of the modules. It does not include those of freehold, which run first.
func (p *Program) Migrations() (sets []db.MigrationSet) {
	for _, m := range p.modules {
		if m.Migrations != nil {
			sets = append(sets, db.MigrationSet{Name: m.Name, Files: m.Migrations})
		}
	}
	return sets
}

// MigrationChange is what a migration has done to the database, or what it would do.
type MigrationChange = db.MigrationChange

// Migrate runs the pending migrations of the database of FREEHOLD_MIGRATE_URL.
func (p *Program) Migrate(ctx context.Context, c config.Config) error {
	m, err := p.Migrator(c)
	if err == nil {
		_, err = m.Run(ctx)
	}
	return err
}

// Migrator returns what migrates the database of FREEHOLD_MIGRATE_URL.
func (p *Program) Migrator(c config.Config) (*db.Migrator, error) {
	if c.MigrateURL == "" {
		return nil, errors.New("FREEHOLD_MIGRATE_URL: required, with the URL of the owner role (the service migrates a private PostgreSQL at each start)")
	}
	return db.NewMigrator(c.MigrateURL, p.subgraph, p.Migrations()...), nil
}

// Hooks returns the hooks of all modules, in their order.
func (p *Program) Hooks() (all accounts.Hooks) {
	for _, m := range p.modules {
		all.BeforeSignUp = append(all.BeforeSignUp, m.Hooks.BeforeSignUp...)
		all.AfterSignUp = append(all.AfterSignUp, m.Hooks.AfterSignUp...)
		all.AfterVerification = append(all.AfterVerification, m.Hooks.AfterVerification...)
		all.BeforeDeletion = append(all.BeforeDeletion, m.Hooks.BeforeDeletion...)
	}
	return all
}

// Scopes returns the scopes that modules declare, with what each permits.
func (p *Program) Scopes() map[string]string {
	all := map[string]string{}
	for _, m := range p.modules {
		maps.Copy(all, m.Scopes)
	}
	return all
}

// mails returns the kinds of mails of all modules.
func (p *Program) mails() (all []mail.Extra) {
	for _, m := range p.modules {
		all = append(all, m.Mails...)
	}
	return all
}

// validators returns the validators of all modules. A later module overrides an earlier one.
func (p *Program) validators(r *resolvers.Resolvers) document.Validators {
	all := document.Validators{}
	for _, m := range p.modules {
		if m.Validators != nil {
			maps.Copy(all, m.Validators(r))
		}
	}
	return all
}

// newDocuments returns what parses and bounds documents of the program's schema.
func (p *Program) newDocuments(ctx context.Context, c config.Config, schema *ast.Schema, r *resolvers.Resolvers) (*document.Documents, error) {
	o := document.Options{
		Schema: schema, Introspection: c.Development(), Tokens: c.TokenLimit, Cost: c.CostLimit, Depth: c.DepthLimit, Aliases: c.AliasLimit,
		Credentials: map[string]bool{}, TextBytes: map[string]int{"_Service.sdl": 2 * len(p.SDL())}, Validators: p.validators(r),
		Trusted: c.Operations, TrustedOnly: c.OperationsOnly == "on",
	}
	for _, m := range p.modules {
		maps.Copy(o.TextBytes, m.TextBytes)
		for _, mutation := range m.Credential {
			o.Credentials[mutation] = true
		}
	}
	return document.New(ctx, o)
}

// ExplainAccess writes what a viewer gets of a field, written Type.field, and why. as is a username, the id of a user, or nobody.
// key is the id or a further key of the row, or "" for a field without a row.
func (p *Program) ExplainAccess(ctx context.Context, c config.Config, as, field, key string, w io.Writer) error {
	return explain.Question{
		As: as, Field: field, Key: key, Schema: p.Schema(), Layers: p.layers, UsernameKey: input.UsernameKey,
		AppURL: c.DatabaseURL, OwnerURL: c.MigrateURL, Subgraph: p.subgraph,
	}.Answer(ctx, w)
}
