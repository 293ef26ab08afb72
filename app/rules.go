package app

import (
	"context"
	"fmt"

	"github.com/99designs/gqlgen/graphql"
	"github.com/google/uuid"

	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/directives"
	"freehold.dev/freehold/internal/levers"
	"freehold.dev/freehold/owned"
	"freehold.dev/freehold/resolvers"
)

// newSchema joins the program's schema with resolvers and rules. It fails if a field has no rule, or if a rule does not run. It
// reports each refusal by a rule to denied.
func (p *Program) newSchema(r *resolvers.Resolvers, denied func(context.Context, directives.Denial), lever levers.Levers) (graphql.ExecutableSchema, error) {
	described := p.graph.Schema()
	checked := p.checked()
	compiled := directives.New(described, directives.Source{
		Rows: p.rows(r.DB), Scopes: r.DB.GrantedScopes, Relations: checked.Relations, Sees: p.sees(), Denied: denied,
	})
	r.Registry, r.EntityKeys, r.Permissions = p.registry, resolvers.EntityKeys(described), permissions(compiled)
	rules := Rules{Owner: compiled.Owner, Scopes: compiled.Scopes, SignedIn: compiled.SignedIn, Visible: compiled.Visible}
	switch {
	case lever.NoRules:
		rules = passing
	case lever.Rule != nil:
		rules = replaced(rules, func(ctx context.Context) ruling {
			if text := lever.Rule(fieldOf(ctx)); text != "" {
				return compiled.Instead(text)
			}
			return nil
		})
	}
	directives.Describe(described)
	schema, root := p.graph.Executable(described, r, rules)
	checked.Root = root
	if err := directives.Check(schema.Schema(), checked); err != nil {
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

// sees returns the scopes that show the rows of each type.
func (p *Program) sees() map[string][]string {
	scopes := map[string][]string{}
	for _, t := range p.registry.Types() {
		if named := t.Table.Scopes["SELECT"]; len(named) > 0 {
			scopes[t.Name] = named
		}
	}
	return scopes
}

// checked returns what the check of the schema needs from the declarations of modules.
func (p *Program) checked() directives.Checked {
	c := directives.Checked{Owned: map[string]bool{}, Remote: map[string]bool{}, Relations: map[string][]string{}, Scopes: map[string]bool{}}
	for _, t := range p.registry.Types() {
		c.Owned[t.Name], c.Remote[t.Name], c.Relations[t.Name] = true, t.Remote, t.Relations()
	}
	for _, m := range p.modules {
		for scope := range m.Scopes {
			c.Scopes[scope] = true
		}
	}
	return c
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
