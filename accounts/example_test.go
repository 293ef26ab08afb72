package accounts_test

import (
	"context"
	"fmt"
	"strings"

	"freehold.dev/freehold/accounts"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/fault"
)

// A program for the members of one company refuses other addresses. A module has these hooks in its field Hooks.
func ExampleHooks_beforeSignUp() {
	hooks := accounts.Hooks{
		BeforeSignUp: []func(context.Context, *db.Tx, accounts.Candidate) error{
			func(_ context.Context, _ *db.Tx, c accounts.Candidate) error {
				if !strings.HasSuffix(c.Email, "@example.org") {
					return fault.Input("input.email", "NOT_ALLOWED", "Use your address at example.org.")
				}
				return nil
			},
		},
	}
	// The server calls the hook for each valid sign-up, in its transaction.
	for _, email := range []string{"ann@example.org", "ann@example.com"} {
		fmt.Println(email, hooks.BeforeSignUp[0](context.Background(), nil, accounts.Candidate{Email: email, Username: "ann"}))
	}
	// Output:
	// ann@example.org <nil>
	// ann@example.com BAD_USER_INPUT: Use your address at example.org. [input.email NOT_ALLOWED]
}

// A program keeps the account of its support team. The hook runs as the owner of the account, so its queries would see only that
// owner's rows.
func ExampleHooks_beforeDeletion() {
	hooks := accounts.Hooks{
		BeforeDeletion: []accounts.Hook{
			func(_ context.Context, _ *db.Tx, p *db.Profile) error {
				if p.Username == "support" {
					return fault.New(fault.Forbidden, "This account cannot be deleted.")
				}
				return nil
			},
		},
	}
	fmt.Println(hooks.BeforeDeletion[0](context.Background(), nil, &db.Profile{Username: "support"}))
	// Output: FORBIDDEN: This account cannot be deleted.
}
