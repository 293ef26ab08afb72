package harness

import (
	"strings"
)

// AllRows returns all rows of all tables, each with the transaction that wrote it. So a row that is written again unchanged
// is a difference.
func (s *Service) AllRows() []string {
	s.T.Helper()
	var selects []string
	for _, table := range s.DB.Query(s.T, `
		SELECT oid::regclass FROM pg_class
		 WHERE relkind = 'r' AND relnamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)`) {
		selects = append(selects, `SELECT '`+table+` ' || x.xmin || ' ' || to_jsonb(x) FROM `+table+` x`)
	}
	if len(selects) < 7 {
		s.T.Fatalf("only %d tables were found", len(selects))
	}
	return s.DB.Query(s.T, strings.Join(selects, ` UNION ALL `)+` ORDER BY 1`)
}

// Count returns the number of rows of a table in schema app.
func (s *Service) Count(table string) string {
	s.T.Helper()
	return s.DB.Query(s.T, `SELECT count(*) FROM app.`+table)[0]
}

// HalfAccountsQuery selects the users that lack a part that every account has.
const HalfAccountsQuery = `
	SELECT u.id FROM app.users u
	  FULL JOIN app.profiles p ON p.user_id = u.id FULL JOIN app.profile_private pp ON pp.user_id = p.user_id
	  FULL JOIN app.user_private up ON up.user_id = p.user_id FULL JOIN app.accounts c ON c.user_id = p.user_id
	 WHERE num_nulls(u.id, p.id, pp.user_id, up.user_id, c.user_id) > 0
	    OR NOT EXISTS (SELECT FROM app.sessions s WHERE s.user_id = u.id)`
