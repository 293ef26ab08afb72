package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"freehold.dev/freehold/accounts/operators"
	"freehold.dev/freehold/app/operate"
	"freehold.dev/freehold/command/table"
)

// accountJSON is an account with --json. It has the fields of Account in the API.
type accountJSON struct {
	ID            string          `json:"id"`
	Email         *string         `json:"email"`
	EmailVerified bool            `json:"emailVerified"`
	Username      string          `json:"username"`
	State         operators.State `json:"state"`
	DisabledAt    *time.Time      `json:"disabledAt"`
	CreatedAt     *time.Time      `json:"createdAt"`
	LastUsedAt    *time.Time      `json:"lastUsedAt"`
	Scopes        []string        `json:"scopes"`
}

func newAccountJSON(a *operators.Account) accountJSON {
	x := accountJSON{
		ID: a.ID.String(), EmailVerified: a.EmailVerifiedAt != nil, Username: a.Username, State: a.State, DisabledAt: inUTC(a.DisabledAt),
		CreatedAt: instant(a.CreatedAt), LastUsedAt: inUTC(a.LastUsedAt), Scopes: append([]string{}, strings.Fields(string(a.Scopes))...),
	}
	if a.Email != "" {
		x.Email = &a.Email
	}
	return x
}

// outcomeJSON is the outcome of an action on an account with --json.
type outcomeJSON struct {
	Success bool        `json:"success"`
	Account accountJSON `json:"account"` // after the action; before it, for an account that is deleted
	Count   *int        `json:"count,omitempty"`
	Removed *bool       `json:"removed,omitempty"`
	SentTo  string      `json:"sentTo,omitempty"`
}

// done returns the result of an action, with the account as it is now.
func done(ctx context.Context, a *operate.Administration, account *operators.Account, outcome outcomeJSON, text string, args ...any) (result, error) {
	now, err := a.Lookup(ctx, account.ID.String())
	if err != nil {
		return result{}, err
	}
	outcome.Success, outcome.Account = true, newAccountJSON(now)
	return result{fmt.Sprintf(text+"\n", args...), outcome}, nil
}

// findAccounts prints accounts.
func findAccounts(ctx context.Context, a *operate.Administration, args []string) (result, error) {
	flags := flag.NewFlagSet("find", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	var filter operators.Filter
	for name, into := range map[string]**string{"id": &filter.ID, "email": &filter.Email, "username": &filter.Username} {
		flags.Func(name, "", func(value string) error { *into = &value; return nil })
	}
	flags.Func("state", "", func(value string) error {
		state := operators.State(strings.ToUpper(value))
		if filter.State = &state; !slices.Contains(operators.States, state) {
			return errors.New("want active, disabled or pending")
		}
		return nil
	})
	first, err := parseFirst(flags, args)
	if err != nil {
		return result{}, err
	}
	list, more, err := a.List(ctx, filter, first)
	if err != nil {
		return result{}, err
	}
	rows := [][]string{{"ID", "USERNAME", "EMAIL", "STATE", "CREATED", "LAST USED", "SCOPES"}}
	accounts := make([]accountJSON, len(list))
	for i, x := range list {
		created := moment(instant(x.CreatedAt))
		rows = append(rows, []string{
			x.ID.String(), x.Username, x.Email, strings.ToLower(string(x.State)), created, moment(x.LastUsedAt), string(x.Scopes),
		})
		accounts[i] = newAccountJSON(&x)
	}
	text := table.Format(rows)
	if more {
		text += "There are more. Use --first, or search for one of them.\n"
	}
	return result{text, struct {
		Accounts []accountJSON `json:"accounts"`
		More     bool          `json:"more"`
	}{accounts, more}}, nil
}

// parseFirst parses the arguments of a list, and returns how many entries it may have.
func parseFirst(flags *flag.FlagSet, args []string) (int, error) {
	first := flags.Int("first", 20, "")
	if err := flags.Parse(args); err != nil || flags.NArg() > 0 {
		return 0, errors.Join(err, errUsage)
	}
	if *first < 1 || *first > operators.MaxList {
		return 0, fmt.Errorf("--first: want 1 to %d", operators.MaxList)
	}
	return *first, nil
}

// exportAccount prints everything stored about a user.
func exportAccount(ctx context.Context, a *operate.Administration, account *operators.Account, _ []string) (result, error) {
	document, err := a.Export(ctx, account)
	if err != nil {
		return result{}, err
	}
	var lines bytes.Buffer
	if err := json.Indent(&lines, document, "", "  "); err != nil {
		return result{}, fmt.Errorf("format the export: %w", err)
	}
	return result{lines.String() + "\n", document}, nil
}

func disableAccount(ctx context.Context, a *operate.Administration, account *operators.Account, _ []string) (result, error) {
	if _, err := a.AsCommandLine().Disable(ctx, account.ID); err != nil {
		return result{}, err
	}
	return done(ctx, a, account, outcomeJSON{}, "%s is disabled", account.Username)
}

func enableAccount(ctx context.Context, a *operate.Administration, account *operators.Account, _ []string) (result, error) {
	if _, err := a.AsCommandLine().Enable(ctx, account.ID); err != nil {
		return result{}, err
	}
	return done(ctx, a, account, outcomeJSON{}, "%s is enabled", account.Username)
}

func deleteAccount(ctx context.Context, a *operate.Administration, args []string) (result, error) {
	args, yes := without(args, "--yes")
	if len(args) != 1 {
		return result{}, errUsage
	}
	account, err := a.Lookup(ctx, args[0])
	if err != nil {
		return result{}, err
	}
	if !yes {
		question := fmt.Sprintf("This deletes the account %s <%s> and everything that belongs to it. Nobody can undo it.\nType its username to confirm: ", account.Username, account.Email)
		if err := confirm(question, account.Username); err != nil {
			return result{}, err
		}
	}
	if err := a.Delete(ctx, account); err != nil {
		return result{}, err
	}
	return result{account.Username + " is deleted\n", outcomeJSON{Success: true, Account: newAccountJSON(account)}}, nil
}

func revokeSessions(ctx context.Context, a *operate.Administration, account *operators.Account, _ []string) (result, error) {
	n, _, err := a.AsCommandLine().RevokeSessions(ctx, account.ID)
	if err != nil {
		return result{}, err
	}
	return done(ctx, a, account, outcomeJSON{Count: &n}, "revoked %d sessions of %s", n, account.Username)
}

func resetPassword(ctx context.Context, a *operate.Administration, account *operators.Account, _ []string) (result, error) {
	if _, err := a.AsCommandLine().StartPasswordReset(ctx, account.ID); err != nil {
		return result{}, err
	}
	return done(ctx, a, account, outcomeJSON{SentTo: account.Email}, "a code for a new password will be sent to %s", account.Email)
}

func removeSecondFactor(ctx context.Context, a *operate.Administration, account *operators.Account, _ []string) (result, error) {
	removed, err := a.RemoveSecondFactor(ctx, account.ID)
	if err != nil {
		return result{}, err
	}
	text := "%s has no second factor any more"
	if !removed {
		text = "%s had no second factor"
	}
	return done(ctx, a, account, outcomeJSON{Removed: &removed}, text, account.Username)
}

func changeEmail(ctx context.Context, a *operate.Administration, account *operators.Account, args []string) (result, error) {
	to, err := a.ChangeEmail(ctx, account, args[1])
	if err != nil {
		return result{}, err
	}
	return done(ctx, a, account, outcomeJSON{SentTo: to}, "a code will be sent to %s; the address of %s changes when the owner enters it", to, account.Username)
}

func resendVerification(ctx context.Context, a *operate.Administration, account *operators.Account, _ []string) (result, error) {
	if err := a.ResendVerification(ctx, account); err != nil {
		return result{}, err
	}
	return done(ctx, a, account, outcomeJSON{SentTo: account.Email}, "a code that verifies the address will be sent to %s", account.Email)
}
