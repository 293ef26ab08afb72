package db_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/db/dbtest"
	"freehold.dev/freehold/fault"
)

// The scopes of an account fit into its access tokens: a scope beyond that is not granted.
func TestScopesFitIntoTokens(t *testing.T) {
	t.Parallel()
	server := dbtest.New(t)
	ann := member(t, open(t, db.Options{URL: server.App}), "ann", "PRIVATE")
	owner := open(t, db.Options{URL: server.Owner})
	grant := func(scope string) error {
		return owner.AsSystem(t.Context(), func(ctx context.Context, tx *db.SystemTx) error {
			return tx.GrantScope(ctx, ann.UserID, scope, "a test")
		})
	}
	for i := range 4 {
		if err := grant(fmt.Sprintf("%d%s", i, strings.Repeat("x", auth.MaxScopeBytes/4-2))); err != nil {
			t.Fatal(err)
		}
	}
	if err := grant("y"); !errors.Is(err, db.ErrTooManyScopes) {
		t.Errorf("one scope more: %v", err)
	}
	if n := server.Query(t, `SELECT count(*) FROM app.scope_grants`)[0]; n != "4" {
		t.Errorf("%s scopes are granted", n)
	}
}

// The app's role cannot administer accounts as the command line does.
func TestAppRoleIsNotTheCommandLine(t *testing.T) {
	t.Parallel()
	server := dbtest.New(t)
	d := open(t, db.Options{URL: server.App})
	ann := member(t, d, "ann", "PRIVATE")
	if err := d.CheckOwner(t.Context()); err == nil || !strings.Contains(err.Error(), "not the owner role") {
		t.Errorf("the app's role: %v", err)
	}
	if err := open(t, db.Options{URL: server.Owner}).CheckOwner(t.Context()); err != nil {
		t.Errorf("the owner role: %v", err)
	}
	for what, try := range map[string]func(ctx context.Context, tx *db.SystemTx) error{
		"disable": func(ctx context.Context, tx *db.SystemTx) error { return tx.Administer().Disable(ctx, ann.UserID) },
		"enable":  func(ctx context.Context, tx *db.SystemTx) error { return tx.Administer().Enable(ctx, ann.UserID) },
		"revoke sessions": func(ctx context.Context, tx *db.SystemTx) error {
			_, err := tx.Administer().RevokeSessions(ctx, ann.UserID)
			return err
		},
		"find": func(ctx context.Context, tx *db.SystemTx) error {
			_, err := tx.Administer().FindAccount(ctx, ann.UserID)
			return err
		},
		"grant":  func(ctx context.Context, tx *db.SystemTx) error { return tx.GrantScope(ctx, ann.UserID, "x", "x") },
		"revoke": func(ctx context.Context, tx *db.SystemTx) error { return tx.RevokeScope(ctx, ann.UserID, "x") },
		"grants": func(ctx context.Context, tx *db.SystemTx) error { _, err := tx.FindGrants(ctx); return err },
	} {
		if err := d.AsSystem(t.Context(), try); err == nil || !strings.Contains(err.Error(), "permission denied") {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// A viewer without scopes costs no query, and one with scopes has those that are granted still.
func TestGrantedScopes(t *testing.T) {
	t.Parallel()
	server := dbtest.New(t)
	var queries []string
	d := open(t, db.Options{URL: server.App, Observer: db.Observer{Query: func(query string) { queries = append(queries, query) }}})
	ann := member(t, d, "ann", "PRIVATE")
	server.Query(t, `SELECT app.grant_scope($1, 'a:b', 'a test')`, ann.UserID)
	queries = nil
	if granted, err := d.GrantedScopes(t.Context(), ann); granted != "" || err != nil || queries != nil {
		t.Errorf("a viewer whose token has no scopes: %q, %v, after %v", granted, err, queries)
	}
	ann.Scopes = "a:b c:d"
	if granted, err := d.GrantedScopes(t.Context(), ann); granted != "a:b" || err != nil {
		t.Errorf("a viewer with a scope that is granted, and one that is not: %q, %v", granted, err)
	}
	server.Query(t, `UPDATE app.sessions SET revoked_at = now()`)
	if granted, err := d.GrantedScopes(t.Context(), ann); granted != "" || !fault.Is(err, fault.Unauthenticated) {
		t.Errorf("a viewer whose session was revoked: %q, %v", granted, err)
	}
}
