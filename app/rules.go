package app

import (
	"context"
	"fmt"

	"github.com/99designs/gqlgen/graphql"
	"github.com/google/uuid"

	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/directives"
	"freehold.dev/freehold/directives/check"
	"freehold.dev/freehold/internal/levers"
	"freehold.dev/freehold/owned"
	"freehold.dev/freehold/resolvers"
)

// newSchema joins the program's schema with resolvers and rules. It fails if a field has no rule, or if a rule does not run. It
// reports each refusal by a rule to denied.
func (p *Program) newSchema(r *resolvers.Resolvers, denied func(context.Context, directives.Denial), lever levers.Levers) (graphql.ExecutableSchema, error) {
	described := p.graph.Schema()
	source, program := p.declared()
	source.Rows, source.Scopes, source.Denied = p.rows(r.DB), r.DB.GrantedScopes, denied
	compiled := directives.New(described, source)
	r.Registry, r.EntityKeys, r.Permissions = p.registry, resolvers.EntityKeys(described), permissions(compiled)
	rules := Rules{Owner: compiled.Owner, Scopes: compiled.Scopes, SignedIn: compiled.SignedIn, Visible: compiled.Visible}
	switch {
	case lever.NoRules:
		rules = passing
	case lever.Rule != nil:
		rules = replaced(rules, func(ctx context.Context) ruling {
			if text := lever.Rule(directives.FieldOf(ctx)); text != "" {
				return compiled.Instead(text)
			}
			return nil
		})
	}
	directives.Describe(described)
	schema, root := p.graph.Executable(described, r, rules)
	program.Root = root
	if err := check.Schema(schema.Schema(), program); err != nil {
		return nil, fmt.Errorf("the schema is invalid:\n%w", err)
	}
	return schema, nil
}

// permissions returns what says what a viewer may do with a loaded row.
func permissions(rules *directives.Rules) func(context.Context, string, owned.Row) (*owned.Permissions, error) {
	return func(ctx context.Context, typ string, row owned.Row) (*owned.Permissions, error) {
		actions, see, edit, err := rules.ViewerCan(ctx, typ, row)
		return &owned.Permissions{Actions: actions, See: see, Edit: edit}, err
	}
}

// declared returns what the rules and the check of the schema need from the declarations of modules.
func (p *Program) declared() (directives.Source, check.Program) {
	s := directives.Source{Relations: map[string][]string{}, Sees: map[string][]string{}}
	c := check.Program{Owned: map[string]bool{}, Remote: map[string]bool{}, Relations: s.Relations, Scopes: map[string]bool{}}
	for scope := range p.Scopes() {
		c.Scopes[scope] = true
	}
	for _, t := range p.registry.Types() {
		c.Owned[t.Name], c.Remote[t.Name] = true, t.Remote
		s.Relations[t.Name], s.Sees[t.Name] = t.Relations(), t.Table.Scopes["SELECT"]
	}
	return s, c
}

// rows returns what finds the rows of any owned type for the rules.
func (p *Program) rows(d *db.DB) directives.Rows {
	return func(ctx context.Context, viewer auth.Viewer, typ string, ids []uuid.UUID) (map[uuid.UUID]directives.Row, error) {
		found, err := p.registry.Find(ctx, d, viewer, typ, ids)
		rows := make(map[uuid.UUID]directives.Row, len(found))
		for id, row := range found {
			rows[id] = row
		}
		return rows, err
	}
}
