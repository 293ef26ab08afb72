// Package doctor asks everything that a service uses whether it works, and says what is wrong and what to do. It owns the checks and their
// words. It changes nothing and sends no mail. It must not know how settings are read.
package doctor

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"freehold.dev/freehold/db"
)

// Level says how bad a finding is.
type Level string

// The levels.
const (
	OK   Level = "ok"
	Warn Level = "warn" // it works, but will not for long, or not as well as it should
	Fail Level = "FAIL" // something does not work
)

// Finding is the result of a check.
type Finding struct {
	Check  string `json:"check"`
	Level  Level  `json:"level"`
	Text   string `json:"text"`             // what was found
	Advice string `json:"advice,omitempty"` // what to do
}

// Options say what to check. What is nil or empty is not checked.
type Options struct {
	Production bool
	Subgraph   bool // a second subgraph, without accounts
	Now        func() time.Time

	Database *db.DB // as the app's role
	Unopened error  // why Database is nil
	Owner    *db.DB // as the owner's role
	NoOwner  error  // why Owner is nil, if it should not be
	Versions func(context.Context) error
	Pending  func(context.Context) (int, error) // as the owner's role: how many migrations and functions would run
	Policies func(context.Context) error        // whether the policies are those that the types declare
	Pool     int                                // connections of an instance

	SigningKeys string                                 // the file
	Encryption  func() (exists bool, err error)        // whether there are keys, and what is wrong with them
	Sealed      func(context.Context) error            // whether they open every secret of the database
	SMTP        func(context.Context) error            // signs in to the mail server
	Breaches    func(context.Context) error            // asks the service of leaked passwords
	Providers   map[string]func(context.Context) error // identity providers, by name
	Issuer      string                                 // of a second subgraph: the URL of the service with the accounts

	Proxies   []netip.Prefix
	PublicURL string
	DataDir   string

	Secrets []string // never appear in a finding

	unreachable error // of the database
}

// longest is how long a check may take.
const longest = 10 * time.Second

// check is one check. Its finding needs no name.
type check struct {
	name string
	run  func(context.Context) Finding
}

// Examine runs all checks, and returns a finding for each, in a fixed order. If the database does not answer, or a pooler may give it wrong
// answers, it leaves out what needs the database.
func Examine(ctx context.Context, o Options) []Finding {
	rest := o.elsewhere()
	first := run(ctx, []check{{"encoding and pooler", o.server}})[0] // before any other question, whose answer may be wrong
	if first.Level == Fail && o.unreachable != nil {
		first = o.noDatabase()
	}
	if first.Level != Fail {
		rest = slices.Concat(o.inDatabase(), rest)
	}
	findings := append([]Finding{first}, run(ctx, rest)...)
	for i := range findings {
		findings[i].Text, findings[i].Advice = o.redact(findings[i].Text), o.redact(findings[i].Advice)
	}
	return findings
}

// run runs checks at once.
func run(ctx context.Context, checks []check) []Finding {
	findings, done := make([]Finding, len(checks)), make(chan struct{})
	for i, c := range checks {
		go func() {
			defer func() { done <- struct{}{} }()
			ctx, cancel := context.WithTimeout(ctx, longest)
			defer cancel()
			findings[i] = c.run(ctx)
			findings[i].Check = c.name
		}()
	}
	for range checks {
		<-done
	}
	return findings
}

// redact removes secrets, which an error of a library may contain.
func (o *Options) redact(text string) string {
	for _, secret := range o.Secrets {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, "xxxxx")
		}
	}
	return text
}

func ok(format string, args ...any) Finding {
	return Finding{Level: OK, Text: fmt.Sprintf(format, args...)}
}

func warn(advice, format string, args ...any) Finding {
	return Finding{Level: Warn, Text: fmt.Sprintf(format, args...), Advice: advice}
}

func fail(advice, format string, args ...any) Finding {
	return Finding{Level: Fail, Text: fmt.Sprintf(format, args...), Advice: advice}
}

// result is the finding of a check that only says whether there is an error.
func result(err error, fine, advice string) Finding {
	switch {
	case err == nil:
		return ok("%s", fine)
	case errors.Is(err, context.DeadlineExceeded):
		return fail(advice, "no answer within %v", longest)
	}
	return fail(advice, "%v", err)
}

// elsewhere are the checks that need no database.
func (o *Options) elsewhere() (list []check) {
	if o.NoOwner != nil {
		list = append(list, check{"owner role", func(context.Context) Finding { return result(o.NoOwner, "", "correct FREEHOLD_MIGRATE_URL") }})
	}
	if !o.Subgraph {
		list = append(list, check{"signing keys", o.signingKeys}, check{"encryption key", o.encryptionKey}, check{"smtp", o.smtp})
	}
	if o.Issuer != "" {
		list = append(list, check{"issuer", o.issuer})
	}
	if o.Breaches != nil {
		list = append(list, check{"breaches", o.breaches})
	}
	for _, name := range slices.Sorted(maps.Keys(o.Providers)) {
		list = append(list, check{"provider " + name, func(ctx context.Context) Finding {
			return result(o.Providers[name](ctx), "it answers with its metadata", "check FREEHOLD_OIDC_"+strings.ToUpper(name)+"_ISSUER, and whether this machine can reach it")
		}})
	}
	return append(list, check{"proxies", o.proxies}, check{"dns", o.dns}, check{"public url", o.publicURL}, check{"disk", o.disk})
}
