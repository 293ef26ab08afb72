package doctor

import (
	"context"
	"errors"
	"strings"
	"time"

	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/db"
)

// oldest is the lowest version of PostgreSQL that freehold supports.
const oldest = 15

const (
	checkPolicies = "run `freehold migrate`; if a policy was changed by hand, call app.protect again"
	lateMail      = 15 * time.Minute
	stuckMail     = time.Hour
	fewInstances  = 2
	unnoticed     = 2 * time.Second // a difference of clocks that does no harm
)

// noDatabase is the finding if the database does not answer.
func (o *Options) noDatabase() Finding {
	advice := "check DATABASE_URL, and whether PostgreSQL runs and accepts connections from this machine"
	if o.Database == nil {
		advice = "correct DATABASE_URL"
	}
	f := result(o.unreachable, "", advice)
	f.Check = "database"
	return f
}

// database checks that the database accepts writes, and is not too old.
func (o *Options) database(ctx context.Context) Finding {
	err := o.Database.Ready(ctx)
	if errors.Is(err, db.ErrReadOnly) {
		return warn("use the URL of the primary, or list several hosts with target_session_attrs=read-write", "it is read-only, so writes are UNAVAILABLE")
	}
	if err != nil {
		return result(err, "", "see the log of PostgreSQL")
	}
	facts, err := o.Database.Facts(ctx)
	if err != nil {
		return result(err, "", "")
	}
	return version(facts)
}

func version(facts db.Facts) Finding {
	if facts.Version/10000 < oldest {
		return fail("upgrade PostgreSQL", "it is PostgreSQL %s, but freehold needs %d or later", facts.VersionText, oldest)
	}
	return ok("PostgreSQL %s, %d MB", facts.VersionText, facts.Size>>20)
}

// server notes in o whether the database can be reached at all.
func (o *Options) server(ctx context.Context) Finding {
	err := o.Unopened
	if o.Database != nil {
		err = o.Database.CheckServer(ctx)
	}
	if err != nil && !db.IsUnsuitable(err) {
		o.unreachable = err
	}
	return result(err, "UTF8, and prepared statements stay on their connection", "see docs/deployment.md, \"The database\"")
}

// inDatabase are the checks that need the database.
func (o *Options) inDatabase() []check {
	list := []check{
		{"database", o.database},
		{"role", func(ctx context.Context) Finding {
			return result(o.Database.CheckRole(ctx), "it cannot bypass row security", "use the role freehold_app in DATABASE_URL")
		}},
		{"migrations", o.migrations},
		{"policies", func(ctx context.Context) Finding {
			return result(o.Policies(ctx), "they are as declared", checkPolicies)
		}},
		{"connections", o.connections}, {"clock", o.clock},
	}
	if o.Owner != nil {
		list = append(list, check{"owner role", func(ctx context.Context) Finding {
			return result(o.Owner.CheckOwner(ctx), "it can migrate", "use the role freehold_owner in FREEHOLD_MIGRATE_URL")
		}})
	}
	if o.Owner != nil && !o.Subgraph {
		list = append(list, check{"exports", func(ctx context.Context) Finding {
			return result(o.Owner.CheckExport(ctx), "they contain all tables", "run `freehold migrate`")
		}})
	}
	if !o.Subgraph {
		list = append(list, check{"mails", o.mails}, check{"sealed secrets", func(ctx context.Context) Finding {
			return result(o.Sealed(ctx), "the encryption keys open all of them", "add the key that encrypted them, see docs/configuration.md, \"The encryption key\"")
		}})
	}
	return list
}

func (o *Options) migrations(ctx context.Context) Finding {
	const migrate = "run `freehold migrate` of this build"
	if err := o.Versions(ctx); err != nil {
		return result(err, "", migrate+", or start a newer build")
	}
	if o.Pending != nil {
		switch n, err := o.Pending(ctx); {
		case err != nil:
			return result(err, "", "check FREEHOLD_MIGRATE_URL")
		case n > 0:
			return warn(migrate, "%d migrations or functions have not run", n)
		}
	}
	return ok("this build can serve the database")
}

// connections checks that the pools of some instances fit into the limit of the server.
func (o *Options) connections(ctx context.Context) Finding {
	facts, err := o.Database.Facts(ctx)
	if err != nil {
		return result(err, "", "")
	}
	const advice = "lower FREEHOLD_DATABASE_CONNECTIONS, raise max_connections, or use a pooler"
	instances := facts.MaxConnections / o.Pool
	switch {
	case instances == 0:
		return fail(advice, "an instance uses up to %d connections, but the server permits %d", o.Pool, facts.MaxConnections)
	case instances < fewInstances:
		return warn(advice, "an instance uses up to %d of the server's %d connections, so a second one does not fit", o.Pool, facts.MaxConnections)
	}
	return ok("an instance uses up to %d of the server's %d connections, so %d instances fit", o.Pool, facts.MaxConnections, instances)
}

// clock compares the clock of this machine with that of the database.
func (o *Options) clock(ctx context.Context) Finding {
	before := o.Now()
	facts, err := o.Database.Facts(ctx)
	if err != nil {
		return result(err, "", "")
	}
	after := o.Now()
	differs := max(before.Sub(facts.Now), facts.Now.Sub(after), 0).Round(time.Millisecond)
	const advice = "synchronise both machines with NTP"
	switch {
	case differs > auth.DefaultLeeway:
		return fail(advice, "this machine and the database differ by %v, so tokens and codes are refused", differs)
	case differs > unnoticed:
		return warn(advice, "this machine and the database differ by %v", differs)
	}
	return ok("this machine and the database agree within %v", unnoticed)
}

func (o *Options) mails(ctx context.Context) Finding {
	m, err := o.Database.OutboxState(ctx)
	if err != nil {
		return result(err, "", "")
	}
	oldest := time.Duration(m.Oldest * float64(time.Second))
	const advice = "look at their errors with `freehold admin mails`, and check FREEHOLD_SMTP_URL"
	var parts []string
	if m.Parked > 0 {
		parts = append(parts, plural(m.Parked, "mail was", "mails were")+" given up and parked")
	}
	if oldest > lateMail {
		parts = append(parts, "the oldest of "+plural(m.Waiting, "waiting mail", "waiting mails")+" has waited for "+oldest.Round(time.Minute).String())
	}
	text := strings.Join(parts, ", and ")
	switch {
	case oldest > stuckMail:
		return fail(advice, "%s", text)
	case text != "":
		return warn(advice, "%s", text)
	}
	return ok("%s, none is late or parked", plural(m.Waiting, "waits", "wait"))
}
