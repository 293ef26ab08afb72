package load

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"

	"freehold.dev/freehold/e2e/harness"
)

func bio(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("%d %s", n, strings.Repeat("about", 120)) // long enough that the database needs further pages soon
}

// mayHave reports whether a bio is the one that was acknowledged last, or one whose writing has an unknown outcome since then.
func (m *member) mayHave(text string) bool {
	return slices.ContainsFunc(append(m.perhaps, m.written), func(n int) bool { return bio(n) == text })
}

// Check compares the ledger with the database and with what the service answers, once the clients have stopped and nothing fails any more.
func (l *Load) Check() Result {
	l.compareRows()
	l.findHalves()
	var all sync.WaitGroup
	for _, c := range l.clients {
		all.Go(func() {
			for _, m := range slices.Clone(c.members) {
				c.comeBack(m)
			}
		})
	}
	all.Wait()
	return l.result()
}

// comeBack checks that a member is still signed in and has what they wrote, and that their ended sessions have ended.
func (c *client) comeBack(m *member) {
	c.renew(m)
	r, o := c.sendAs(m, `{ me { email profile { bio } } }`, nil)
	if o == done {
		c.compare(m, r)
	} else {
		c.load.book.note(&c.load.book.lost, "%s afterwards: %s", m.name, r.Body)
	}
	for _, token := range m.ended {
		if r, _, code := c.send("", `mutation ($t: String!) { refreshSession(input: {refreshToken: $t}) { tokens { accessToken } } }`, map[string]any{"t": token}, ""); code != "UNAUTHENTICATED" {
			c.load.book.note(&c.load.book.lost, "%s has signed out of a session that continues: %s", m.name, r.Body)
		}
	}
}

// account is a row of the database.
type account struct {
	ID, Username, Email, Bio string
	Mails                    int
}

// compareRows compares all accounts of the database with those of the ledger.
func (l *Load) compareRows() {
	b, found := &l.book, map[string][]account{}
	for _, text := range l.Service.DB.Query(l.Service.T, `
		SELECT json_build_object('ID', p.user_id, 'Username', p.username, 'Email', u.email, 'Bio', COALESCE(p.bio, ''), 'Mails',
		       (SELECT count(*) FROM app.outbox o WHERE o.kind = 'reset_password' AND o.recipient = u.email))
		  FROM app.profiles p JOIN app.user_private u USING (user_id)`) {
		var a account
		if err := json.Unmarshal([]byte(text), &a); err != nil {
			b.note(&b.wrong, "decode %s: %v", text, err)
		}
		found[a.Username] = append(found[a.Username], a)
		if strings.HasPrefix(a.Email, "never-") {
			b.note(&b.wrong, "a sign-up that was refused has created %s", a.Email)
		}
	}
	for _, c := range l.clients {
		for _, m := range c.members {
			l.compareRow(m, found[m.name])
			delete(found, m.name)
		}
		for _, m := range c.past {
			if len(found[m.name]) > 0 {
				b.note(&b.lost, "%s was deleted and is there", m.name)
			}
			delete(found, m.name)
		}
	}
	for name := range found {
		if strings.HasPrefix(name, "load-") {
			b.note(&b.wrong, "nobody knows the account %s", name)
		}
	}
}

// compareRow compares the accounts that one key has created with what its client knows.
func (l *Load) compareRow(m *member, rows []account) {
	b := &l.book
	switch {
	case len(rows) == 0:
		b.note(&b.lost, "%s has signed up and is not there", m.name)
	case len(rows) > 1:
		b.note(&b.wrong, "one key has created %d accounts: %s", len(rows), m.name)
	case rows[0].ID != m.id:
		b.note(&b.wrong, "%s is another account than the one that was returned", m.name)
	case !m.mayHave(rows[0].Bio):
		b.note(&b.lost, "%s has %.12q, after writing %d, and perhaps %v", m.name, rows[0].Bio, m.written, m.perhaps)
	case l.Purged:
	case rows[0].Mails < m.mails:
		b.note(&b.lost, "%s has %d mails, and asked for %d", m.name, rows[0].Mails, m.mails)
	case rows[0].Mails > m.mails+m.mailsPerhaps:
		b.note(&b.wrong, "%s has %d mails, and asked for %d: a request ran twice, or one that was refused ran", m.name, rows[0].Mails, m.mails+m.mailsPerhaps)
	}
}

// findHalves looks for parts of accounts, rows without their account, and sessions that were revoked for a token that was reused.
func (l *Load) findHalves() {
	b, query := &l.book, l.Service.DB.Query
	b.half = append(b.half, query(l.Service.T, harness.HalfAccountsQuery)...)
	tables := query(l.Service.T, `
		SELECT c.table_name FROM information_schema.columns c JOIN information_schema.tables t USING (table_schema, table_name)
		 WHERE c.table_schema = 'app' AND c.column_name = 'user_id' AND t.table_type = 'BASE TABLE'`)
	if len(tables) < 8 {
		b.note(&b.wrong, "only %d tables of accounts were found", len(tables))
	}
	for _, table := range tables {
		for _, id := range query(l.Service.T, `SELECT x.user_id FROM app.`+table+` x WHERE x.user_id IS NOT NULL AND NOT EXISTS (SELECT FROM app.users u WHERE u.id = x.user_id)`) {
			if table != "outbox" { // a mail outlives the account that it reports about
				b.note(&b.half, "%s has a row of %s, which does not exist", table, id)
			}
		}
	}
	for _, id := range query(l.Service.T, `SELECT user_id FROM app.security_events WHERE kind = 'REFRESH_TOKEN_REUSED'`) {
		b.note(&b.signedOut, "%s: a refresh token was taken for a reused one", id)
	}
}
