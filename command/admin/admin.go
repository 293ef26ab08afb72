// Package admin owns `freehold admin`: what its arguments mean, and what it prints, as text and as JSON. It must not know other
// commands, nor where the database comes from: its caller opens the accounts.
package admin

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"freehold.dev/freehold/accounts/operators"
	"freehold.dev/freehold/app/operate"
	"freehold.dev/freehold/fault"
)

var errUsage = errors.New(`usage:
  freehold admin find [--email=ADDRESS] [--username=NAME] [--id=ID] [--state=active|disabled|pending] [--first=20]
  freehold admin show USER                  print what is known about an account
  freehold admin export USER                print everything stored about a user, as JSON
  freehold admin grants                     print which accounts have scopes
  freehold admin grant USER SCOPE...        grant scopes to an account
  freehold admin revoke USER SCOPE...       revoke scopes of an account
  freehold admin disable USER               end the sessions of an account, and hide what it shares
  freehold admin enable USER                enable an account again
  freehold admin delete USER [--yes]        delete an account; without --yes, type its username to confirm
  freehold admin revoke-sessions USER       revoke all sessions of an account
  freehold admin reset-password USER        send the owner of an account a code for a new password
  freehold admin remove-second-factor USER  remove the authenticator apps and recovery codes of an account
  freehold admin change-email USER ADDRESS  send a code to a new address of an account, which its owner confirms
  freehold admin resend-verification USER   send a code that verifies the address of an account
  freehold admin mails [--state=waiting|parked] [--first=20]
                                            print the mails that were not sent
  freehold admin mails retry ID... | --all  send parked mails again
  freehold admin mails drop ID...           delete mails that were not sent
USER is a username, an email address or an id; the database is that of FREEHOLD_MIGRATE_URL, or the private PostgreSQL.
Each command prints JSON with --json`)

// action is a command about accounts.
type action struct {
	least, most int // how many arguments it takes
	run         func(ctx context.Context, a *operate.Administration, args []string) (result, error)
	sendsCode   bool // and so needs the service's signing key
}

// aboutAccount returns the action of run, which gets the account that the first argument names.
func aboutAccount(
	run func(ctx context.Context, a *operate.Administration, account *operators.Account, args []string) (result, error),
) func(ctx context.Context, a *operate.Administration, args []string) (result, error) {
	return func(ctx context.Context, a *operate.Administration, args []string) (result, error) {
		account, err := a.Lookup(ctx, args[0])
		if err != nil {
			return result{}, err
		}
		return run(ctx, a, account, args)
	}
}

// result is what a command prints.
type result struct {
	text string
	json any // with --json
}

const anyNumber = 1 << 10

var actions = map[string]action{
	"find":    {least: 0, most: anyNumber, run: findAccounts},
	"show":    {least: 1, most: 1, run: aboutAccount(showAccount)},
	"export":  {least: 1, most: 1, run: aboutAccount(exportAccount)},
	"grants":  {least: 0, most: 0, run: printGrants},
	"grant":   {least: 2, most: anyNumber, run: grantScopes},
	"revoke":  {least: 2, most: anyNumber, run: aboutAccount(revokeScopes)},
	"disable": {least: 1, most: 1, run: aboutAccount(disableAccount)},
	"enable":  {least: 1, most: 1, run: aboutAccount(enableAccount)},
	"delete":  {least: 1, most: 2, run: deleteAccount},
	"mails":   {least: 0, most: anyNumber, run: aboutMails},

	"revoke-sessions":      {least: 1, most: 1, run: aboutAccount(revokeSessions)},
	"reset-password":       {least: 1, most: 1, run: aboutAccount(resetPassword), sendsCode: true},
	"remove-second-factor": {least: 1, most: 1, run: aboutAccount(removeSecondFactor)},
	"change-email":         {least: 2, most: 2, run: aboutAccount(changeEmail), sendsCode: true},
	"resend-verification":  {least: 1, most: 1, run: aboutAccount(resendVerification), sendsCode: true},
}

// Open opens the accounts that a command is about. Only a command that sends codes needs the service's signing key. The caller
// closes them with the returned function.
type Open func(ctx context.Context, sendsCode bool) (a *operate.Administration, closeAll func() error, err error)

// Run runs `freehold admin` with its arguments. It opens the accounts only for arguments that name a command.
func Run(ctx context.Context, args []string, open Open, w io.Writer) (err error) {
	args, asJSON := without(args, "--json")
	if len(args) == 0 {
		return errUsage
	}
	name, args := args[0], args[1:]
	command, ok := actions[name]
	if !ok || len(args) < command.least || len(args) > command.most {
		return errUsage
	}
	a, closeAll, err := open(ctx, command.sendsCode)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeAll()) }()
	r, err := command.run(ctx, a, args)
	if err != nil {
		return inWords(err)
	}
	return r.print(w, asJSON)
}

// without returns the arguments without an option, and whether they had it.
func without(args []string, option string) (rest []string, had bool) {
	rest = slices.DeleteFunc(slices.Clone(args), func(arg string) bool { return arg == option })
	return rest, len(rest) < len(args)
}

func (r result) print(w io.Writer, asJSON bool) error {
	if !asJSON {
		_, err := io.WriteString(w, r.text)
		return err
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(r.json)
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

// confirm asks the person at the terminal to type a text, and returns an error if they type another one.
func confirm(question, want string) error {
	fmt.Fprint(os.Stderr, question)
	typed, err := bufio.NewReader(io.LimitReader(os.Stdin, 1<<10)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read the confirmation: %w", err)
	}
	if strings.TrimSpace(typed) != want {
		return errors.New("not confirmed, so nothing was changed; --yes confirms without a question")
	}
	return nil
}

func moment(t *time.Time) string {
	if t == nil {
		return "-"
	}
	return t.UTC().Format(time.RFC3339)
}

// instant is how JSON shows an instant.
func instant(t time.Time) *time.Time {
	utc := t.UTC()
	return &utc
}

// inUTC is instant, if there is one.
func inUTC(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	return instant(*t)
}
