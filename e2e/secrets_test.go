package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"freehold.dev/freehold/db/dbtest"
)

// P17, S20, D11: a whole life of an account, with what goes wrong in it, leaves no password, code, token or key in the log,
// the spans, the database or what it shows of its work; and an e-mail address only in the database, where it has to be.
func TestSecretsAreNotKept(t *testing.T) {
	t.Parallel()
	recorder := tracetest.NewSpanRecorder()
	o := appOptions()
	o.Spans = recorder
	var statements logBuffer // as the database shows them while they run: values travel apart from them
	o.Observe = func(query string) { fmt.Fprintln(&statements, query) }
	s := startWith(t, dbtest.New(t), bothWalls, o, append(frontEnd("https://app.example"), "FREEHOLD_RATE_LIMIT=on")...).work()
	const key = "canary-idempotency-key"
	name := "canary-life"
	signUp := vars{"input": vars{"email": name + "@example.org", "password": password, "username": name, "idempotencyKey": key}}
	a := account{Username: name, Email: name + "@example.org"}
	a.fill(t, s.must("", signUpMutation, signUp))
	a.fill(t, s.must("", signUpMutation, signUp))
	s.must(a.Token, requestVerification, input("email", a.Email))
	s.must("", requestReset, input("email", a.Email))
	verify, reset := s.codeTo(a.Email, "verify_email", 1), s.codeTo(a.Email, "reset_password", 1)
	if link := s.mailTo(a.Email, "reset_password", 1).Link; !strings.Contains(link, reset) {
		t.Errorf("the link %q holds no code, so it proves nothing", link)
	}
	s.do("", resetPassword, input("email", "canary-other@example.org", "code", reset, "newPassword", newPassword))
	s.must(a.Token, verifyEmail, input("email", a.Email, "code", verify))
	s.must("", requestReset, input("email", a.Email))
	again := s.codeTo(a.Email, "reset_password", 2)
	s.must("", resetPassword, input("email", a.Email, "code", again, "newPassword", newPassword))
	s.trySignIn(a.Email, password)
	s.trySignIn(a.Email, "canary wrong "+password)
	var in struct {
		SignIn struct {
			Tokens struct{ AccessToken, RefreshToken string }
		}
	}
	s.trySignIn(a.Email, newPassword).into(t, &in)
	token := in.SignIn.Tokens.AccessToken
	s.must(token, reauthenticate, input("password", newPassword))
	s.must(token, changePassword, input("currentPassword", newPassword, "newPassword", "canary "+newPassword))
	s.must(token, changeEmail, input("newEmail", "canary-new@example.org"))
	change := s.codeTo("canary-new@example.org", "change_email", 1)
	s.must(token, verifyEmail, input("email", "canary-new@example.org", "code", change))
	s.send(http.MethodPost, jsonHeader, `{"query": "`+password)
	database := strings.Join(s.everything(), "\n")
	s.must(token, deleteAccount, input("password", "canary "+newPassword))
	s.mailTo("canary-new@example.org", "account_deleted", 1)
	activity := strings.Join(s.db.Query(t, `SELECT query FROM pg_stat_activity WHERE datname = current_database() AND usename = 'freehold_app'`), "\n")
	places := map[string]string{"log": s.logs.String(), "spans": spansText(recorder.Ended()), "database": database, "activity": activity, "statements": statements.String()}
	for place, mustHave := range map[string]string{"log": `"operation":"mutation "`, "spans": "db.query.text", "database": a.UserID, "activity": "COMMIT", "statements": "app.change_password($1"} {
		if !strings.Contains(places[place], mustHave) {
			t.Errorf("there is no %q in %s, so it proves nothing: %.300s", mustHave, place, places[place])
		}
	}
	secrets := []string{password, newPassword, key, a.Token, a.Refresh, token, in.SignIn.Tokens.RefreshToken}
	for _, code := range []string{verify, reset, again, change} {
		secrets = append(secrets, code, strings.ReplaceAll(code, "-", ""))
	}
	for place, text := range places {
		for _, secret := range secrets {
			if strings.Contains(text, secret) {
				t.Errorf("%q is in the %s", secret, place)
			}
		}
		if place != "database" && (strings.Contains(text, "@example.org") || strings.Contains(text, "%40example.org")) {
			t.Errorf("an address is in the %s", place)
		}
		if strings.Contains(text, "app.example/") {
			t.Errorf("a link is in the %s", place)
		}
	}
	for _, row := range slices.DeleteFunc(strings.Split(database, "\n"), func(row string) bool { return !strings.Contains(row, "@example.org") }) {
		if table, _, _ := strings.Cut(row, " "); !slices.Contains([]string{"app.user_private", "app.outbox", "app.codes"}, table) {
			t.Errorf("an address is in %s", row)
		}
	}
}

// spansText is all that spans hold.
func spansText(spans []sdktrace.ReadOnlySpan) string {
	var b strings.Builder
	for _, span := range spans {
		fmt.Fprintln(&b, span.Name(), attributes(span), span.Status(), span.Events())
	}
	return b.String()
}
