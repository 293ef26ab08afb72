package command

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os/user"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"freehold.dev/freehold/accounts/operators"
	"freehold.dev/freehold/app"
	"freehold.dev/freehold/fault"
)

var errAdminUsage = errors.New(`usage:
  freehold admin find [--email=ADDRESS] [--username=NAME] [--id=ID] [--state=active|disabled|pending] [--first=20]
  freehold admin grants                     print which accounts have scopes
  freehold admin grant USER SCOPE...        grant scopes to an account
  freehold admin revoke USER SCOPE...       revoke scopes of an account
  freehold admin disable USER               end the sessions of an account, and hide what it shares
  freehold admin enable USER                enable an account again
  freehold admin revoke-sessions USER       revoke all sessions of an account
  freehold admin reset-password USER        send the owner of an account a code for a new password
  freehold admin remove-second-factor USER  remove the authenticator apps and recovery codes of an account
USER is a username, an email address or an id; the database is that of FREEHOLD_MIGRATE_URL, or the private PostgreSQL`)

// adminAction is a command about accounts.
type adminAction struct {
	least, most int // how many arguments it takes
	run         func(ctx context.Context, a *app.Administration, args []string, w io.Writer) error
}

const anyNumber = 1 << 10

var adminActions = map[string]adminAction{
	"find":            {0, anyNumber, findAccounts},
	"grants":          {0, 0, printGrants},
	"grant":           {2, anyNumber, grantScopes},
	"revoke":          {2, anyNumber, revokeScopes},
	"disable":         {1, 1, disableAccount},
	"enable":          {1, 1, enableAccount},
	"revoke-sessions": {1, 1, revokeSessions},
	"reset-password":  {1, 1, resetPassword},

	"remove-second-factor": {1, 1, removeSecondFactor},
}

// admin runs `freehold admin` with its arguments, on the private PostgreSQL of a running server unless FREEHOLD_MIGRATE_URL is set.
func (c Command) admin(ctx context.Context, args []string, w io.Writer) (err error) {
	if len(args) == 0 {
		return errAdminUsage
	}
	name, args := args[0], args[1:]
	action, ok := adminActions[name]
	if !ok || len(args) < action.least || len(args) > action.most {
		return errAdminUsage
	}
	p, err := c.Program()
	if err != nil {
		return err
	}
	settings, err := loadConfig(p)
	if err != nil {
		return err
	}
	if settings.MigrateURL == "" && settings.PrivateDatabase() {
		stop, err := usePrivate(ctx, p, &settings)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, stop()) }()
	}
	a, err := p.Administer(ctx, settings, name == "reset-password")
	if err != nil {
		return err
	}
	defer a.Close() //nolint:errcheck // nothing is left to do
	return inWords(action.run(ctx, a, args, w))
}

// inWords turns an error for clients of the API into one for the command line.
func inWords(err error) error {
	f, ok := errors.AsType[*fault.Error](err)
	if !ok {
		return err
	}
	if len(f.Fields) == 0 {
		return errors.New(f.Message)
	}
	var lines []error
	for _, field := range f.Fields {
		flag, isFlag := strings.CutPrefix(field.Path, "filter.")
		if isFlag {
			lines = append(lines, fmt.Errorf("--%s: %s", flag, field.Message))
		} else {
			lines = append(lines, errors.New(field.Message))
		}
	}
	return errors.Join(lines...)
}

// findAccounts prints accounts.
func findAccounts(ctx context.Context, a *app.Administration, args []string, w io.Writer) error {
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
	first := flags.Int("first", 20, "")
	if err := flags.Parse(args); err != nil || flags.NArg() > 0 {
		return errors.Join(err, errAdminUsage)
	}
	if *first < 1 || *first > operators.MaxList {
		return fmt.Errorf("--first: want 1 to %d", operators.MaxList)
	}
	list, more, err := a.List(ctx, filter, *first)
	if err != nil {
		return err
	}
	rows := [][]string{{"ID", "USERNAME", "EMAIL", "STATE", "CREATED", "LAST USED", "SCOPES"}}
	for _, x := range list {
		created := moment(&x.CreatedAt)
		rows = append(rows, []string{
			x.ID.String(), x.Username, x.Email, strings.ToLower(string(x.State)), created, moment(x.LastUsedAt), string(x.Scopes),
		})
	}
	if err := printTable(w, rows); err != nil {
		return err
	}
	if more {
		_, err = fmt.Fprintln(w, "There are more. Use --first, or search for one of them.")
	}
	return err
}

func moment(t *time.Time) string {
	if t == nil {
		return "-"
	}
	return t.UTC().Format(time.RFC3339)
}

// printTable prints rows in columns.
func printTable(w io.Writer, rows [][]string) error {
	table := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	for _, row := range rows {
		if _, err := fmt.Fprintln(table, strings.Join(row, "\t")); err != nil {
			return err
		}
	}
	return table.Flush()
}

// printGrants prints which accounts have scopes.
func printGrants(ctx context.Context, a *app.Administration, _ []string, w io.Writer) error {
	grants, err := a.Grants(ctx)
	if err != nil {
		return err
	}
	rows := [][]string{{"USERNAME", "SCOPE", "GRANTED", "BY"}}
	for _, g := range grants {
		granted := moment(&g.GrantedAt)
		rows = append(rows, []string{g.Username, g.Scope, granted, g.GrantedBy})
	}
	return printTable(w, rows)
}

func grantScopes(ctx context.Context, a *app.Administration, args []string, w io.Writer) error {
	for _, scope := range args[1:] {
		if _, ok := a.Scopes[scope]; !ok {
			var rows [][]string
			for _, known := range slices.Sorted(maps.Keys(a.Scopes)) {
				rows = append(rows, []string{"  " + known, a.Scopes[known]})
			}
			var lines strings.Builder
			err := printTable(&lines, rows)
			return errors.Join(fmt.Errorf("unknown scope %q. The scopes of this program are:\n%s", scope, strings.TrimRight(lines.String(), "\n")), err)
		}
	}
	account, err := a.Lookup(ctx, args[0])
	if err != nil {
		return err
	}
	if account.State == operators.Pending {
		return fmt.Errorf("the account %s is pending: its owner has not verified the email address", account.Username)
	}
	by := "unknown"
	if u, err := user.Current(); err == nil {
		by = u.Username
	}
	if err := a.Grant(ctx, account.ID, by, args[1:]...); err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s has %s; access tokens contain this from the next sign-in or refresh on\n", account.Username, strings.Join(args[1:], " "))
	return err
}

func revokeScopes(ctx context.Context, a *app.Administration, args []string, w io.Writer) error {
	account, err := a.Lookup(ctx, args[0])
	if err != nil {
		return err
	}
	for _, scope := range args[1:] {
		if !account.Scopes.Has(scope) {
			return fmt.Errorf("%s does not have the scope %q", account.Username, scope)
		}
	}
	if err := a.Revoke(ctx, account.ID, args[1:]...); err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s no longer has %s\n", account.Username, strings.Join(args[1:], " "))
	return err
}

func disableAccount(ctx context.Context, a *app.Administration, args []string, w io.Writer) error {
	account, err := a.Lookup(ctx, args[0])
	if err != nil {
		return err
	}
	if _, err := a.AsCommandLine().Disable(ctx, account.ID); err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s is disabled\n", account.Username)
	return err
}

func enableAccount(ctx context.Context, a *app.Administration, args []string, w io.Writer) error {
	account, err := a.Lookup(ctx, args[0])
	if err != nil {
		return err
	}
	if _, err := a.AsCommandLine().Enable(ctx, account.ID); err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s is enabled\n", account.Username)
	return err
}

func revokeSessions(ctx context.Context, a *app.Administration, args []string, w io.Writer) error {
	account, err := a.Lookup(ctx, args[0])
	if err != nil {
		return err
	}
	n, _, err := a.AsCommandLine().RevokeSessions(ctx, account.ID)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "revoked %d sessions of %s\n", n, account.Username)
	return err
}

func resetPassword(ctx context.Context, a *app.Administration, args []string, w io.Writer) error {
	account, err := a.Lookup(ctx, args[0])
	if err != nil {
		return err
	}
	if _, err := a.AsCommandLine().StartPasswordReset(ctx, account.ID); err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "a code for a new password will be sent to %s\n", account.Email)
	return err
}

func removeSecondFactor(ctx context.Context, a *app.Administration, args []string, w io.Writer) error {
	account, err := a.Lookup(ctx, args[0])
	if err != nil {
		return err
	}
	removed, err := a.RemoveSecondFactor(ctx, account.ID)
	if err != nil {
		return err
	}
	outcome := "has no second factor any more"
	if !removed {
		outcome = "had no second factor"
	}
	_, err = fmt.Fprintln(w, account.Username, outcome)
	return err
}
