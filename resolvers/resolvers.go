// Package resolvers owns the translation between GraphQL and the use cases: arguments in, models out. A resolver is a
// few lines. Whether a field may be read was decided before it runs, by the field's rule; what a row may be read, by the
// database. It must not know SQL or HTTP.
package resolvers

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/google/uuid"

	"freehold/accounts"
	"freehold/auth"
	"freehold/db"
	"freehold/graph"
	"freehold/graph/model"
)

// Resolvers implements graph.ResolverRoot.
type Resolvers struct {
	DB       *db.DB
	Accounts *accounts.Service
}

// Query returns the resolvers of Query.
func (r *Resolvers) Query() graph.QueryResolver { return &query{r} }

// Mutation returns the resolvers of Mutation.
func (r *Resolvers) Mutation() graph.MutationResolver { return &mutation{r} }

// User returns the resolvers of the fields of User that are not in its row.
func (r *Resolvers) User() graph.UserResolver { return &user{r} }

// Profile returns the resolvers of the fields of Profile that are not in its row.
func (r *Resolvers) Profile() graph.ProfileResolver { return &profile{r} }

type (
	query    struct{ *Resolvers }
	mutation struct{ *Resolvers }
	user     struct{ *Resolvers }
	profile  struct{ *Resolvers }
)

// FindProfile finds a profile for its rules, as the viewer; NOT_FOUND when there is none that he sees.
func (r *Resolvers) FindProfile(ctx context.Context, viewer auth.Viewer, id uuid.UUID) (*model.Profile, error) {
	p, err := r.DB.FindProfile(ctx, viewer, id)
	if err != nil {
		return nil, err
	}
	return newProfile(p), nil
}

// JudgeInput returns what is wrong with the text of a field of an input type, or "". It completes what is told of an
// input that cannot be executed for another fault.
func (r *Resolvers) JudgeInput(input, field, text string) (code, message string) {
	switch input {
	case "SignUpInput", "ProfileFieldsInput", "UpdateProfileInput":
		return r.Accounts.Judge(field, text)
	}
	return "", ""
}

// AroundRootField opens the scope of a root field: it begins with the request's viewer, and what was loaded of private
// rows is shared within it.
func AroundRootField(ctx context.Context, next graphql.RootResolver) graphql.Marshaler {
	ctx = auth.WithViewer(ctx, auth.ViewerFrom(ctx))
	return next(withPrivateRows(ctx))
}
