package admin

import (
	"context"
	"fmt"
	"maps"
	"os/user"
	"slices"
	"strings"
	"time"

	"freehold.dev/freehold/accounts/operators"
	"freehold.dev/freehold/app/operate"
	"freehold.dev/freehold/command/table"
)

// grantJSON is a scope of an account with --json.
type grantJSON struct {
	Username  string     `json:"username"`
	Scope     string     `json:"scope"`
	GrantedAt *time.Time `json:"grantedAt"`
	GrantedBy string     `json:"grantedBy"`
}

// printGrants prints which accounts have scopes.
func printGrants(ctx context.Context, a *operate.Administration, _ []string) (result, error) {
	grants, err := a.Grants(ctx)
	if err != nil {
		return result{}, err
	}
	rows, list := [][]string{{"USERNAME", "SCOPE", "GRANTED", "BY"}}, make([]grantJSON, len(grants))
	for i, g := range grants {
		granted := instant(g.GrantedAt)
		rows = append(rows, []string{g.Username, g.Scope, moment(granted), g.GrantedBy})
		list[i] = grantJSON{g.Username, g.Scope, granted, g.GrantedBy}
	}
	return result{table.Format(rows), struct {
		Grants []grantJSON `json:"grants"`
	}{list}}, nil
}

func grantScopes(ctx context.Context, a *operate.Administration, args []string) (result, error) {
	for _, scope := range args[1:] {
		if _, ok := a.Scopes[scope]; !ok {
			var rows [][]string
			for _, known := range slices.Sorted(maps.Keys(a.Scopes)) {
				rows = append(rows, []string{"  " + known, a.Scopes[known]})
			}
			return result{}, fmt.Errorf("unknown scope %q. The scopes of this program are:\n%s", scope, strings.TrimRight(table.Format(rows), "\n"))
		}
	}
	account, err := a.Lookup(ctx, args[0])
	if err != nil {
		return result{}, err
	}
	if account.State == operators.Pending {
		return result{}, fmt.Errorf("the account %s is pending: its owner has not verified the email address", account.Username)
	}
	by := "unknown"
	if u, err := user.Current(); err == nil {
		by = u.Username
	}
	if err := a.Grant(ctx, account.ID, by, args[1:]...); err != nil {
		return result{}, err
	}
	return done(ctx, a, account, outcomeJSON{}, "%s has %s; access tokens contain this from the next sign-in or refresh on", account.Username, strings.Join(args[1:], " "))
}

func revokeScopes(ctx context.Context, a *operate.Administration, account *operators.Account, args []string) (result, error) {
	for _, scope := range args[1:] {
		if !account.Scopes.Has(scope) {
			return result{}, fmt.Errorf("%s does not have the scope %q", account.Username, scope)
		}
	}
	if err := a.Revoke(ctx, account.ID, args[1:]...); err != nil {
		return result{}, err
	}
	return done(ctx, a, account, outcomeJSON{}, "%s no longer has %s", account.Username, strings.Join(args[1:], " "))
}
