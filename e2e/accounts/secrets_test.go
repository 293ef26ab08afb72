package accounts

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"freehold.dev/freehold/app"
	"freehold.dev/freehold/db/dbtest"
	"freehold.dev/freehold/e2e/harness"
)

// P17, S20, D11: the whole life of an account, with errors, leaves no password, code, token or key in the log, the spans, the
// database or its activity. An email address is only in the database, in the tables that need it.
func TestSecretsAreNotKept(t *testing.T) {
	t.Parallel()
	recorder := tracetest.NewSpanRecorder()
	o := app.Options{}
	o.Spans = recorder
	var statements harness.LogBuffer // as the database shows running statements, without their values
	o.Observe = func(query string) { fmt.Fprintln(&statements, query) }
	s := harness.StartWith(t, dbtest.New(t), harness.BothLayers, o, append(frontEnd("https://app.example"), "FREEHOLD_RATE_LIMIT=on")...).Work()
	const key = "canary-idempotency-key"
	name := "canary-life"
	signUp := harness.Vars{"input": harness.Vars{"email": name + "@example.org", "password": harness.Password, "username": name, "idempotencyKey": key}}
	a := harness.Account{Username: name, Email: name + "@example.org"}
	a.Fill(t, s.Must("", harness.SignUpMutation, signUp))
	a.Fill(t, s.Must("", harness.SignUpMutation, signUp))
	s.Must(a.Token, harness.RequestVerification, harness.Input("email", a.Email))
	s.Must("", harness.RequestReset, harness.Input("email", a.Email))
	verify, reset := s.CodeTo(a.Email, "verify_email", 1), s.CodeTo(a.Email, "reset_password", 1)
	if link := s.MailTo(a.Email, "reset_password", 1).Link; !strings.Contains(link, reset) {
		t.Errorf("the link %q holds no code, so it proves nothing", link)
	}
	s.Do("", harness.ResetPassword, harness.Input("email", "canary-other@example.org", "code", reset, "newPassword", harness.NewPassword))
	s.Must(a.Token, harness.VerifyEmail, harness.Input("email", a.Email, "code", verify))
	s.Must("", harness.RequestReset, harness.Input("email", a.Email))
	again := s.CodeTo(a.Email, "reset_password", 2)
	s.Must("", harness.ResetPassword, harness.Input("email", a.Email, "code", again, "newPassword", harness.NewPassword))
	s.TrySignIn(a.Email, harness.Password)
	s.TrySignIn(a.Email, "canary wrong "+harness.Password)
	var in struct {
		SignIn struct {
			Tokens struct{ AccessToken, RefreshToken string }
		}
	}
	s.TrySignIn(a.Email, harness.NewPassword).Into(t, &in)
	token := in.SignIn.Tokens.AccessToken
	s.Must(token, harness.Reauthenticate, harness.Input("password", harness.NewPassword))
	s.Must(token, harness.ChangePassword, harness.Input("currentPassword", harness.NewPassword, "newPassword", "canary "+harness.NewPassword))
	s.Must(token, harness.ChangeEmail, harness.Input("newEmail", "canary-new@example.org"))
	change := s.CodeTo("canary-new@example.org", "change_email", 1)
	s.Must(token, harness.VerifyEmail, harness.Input("email", "canary-new@example.org", "code", change))
	s.Send(harness.Request{Body: `{"query": "` + harness.Password})
	database := strings.Join(s.AllRows(), "\n")
	s.Must(token, harness.DeleteAccount, harness.Input("password", "canary "+harness.NewPassword))
	s.MailTo("canary-new@example.org", "account_deleted", 1)
	activity := strings.Join(s.DB.Query(t, `SELECT query FROM pg_stat_activity WHERE datname = current_database() AND usename = 'freehold_app'`), "\n")
	places := map[string]string{"log": s.Logs.String(), "spans": spansText(recorder.Ended()), "database": database, "activity": activity, "statements": statements.String()}
	for place, mustHave := range map[string]string{"log": `"operation":"mutation "`, "spans": "db.query.text", "database": a.UserID, "activity": "COMMIT", "statements": "app.change_password($1"} {
		if !strings.Contains(places[place], mustHave) {
			t.Errorf("there is no %q in %s, so it proves nothing: %.300s", mustHave, place, places[place])
		}
	}
	secrets := []string{harness.Password, harness.NewPassword, key, a.Token, a.Refresh, token, in.SignIn.Tokens.RefreshToken}
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

// spansText returns everything in spans.
func spansText(spans []sdktrace.ReadOnlySpan) string {
	var b strings.Builder
	for _, span := range spans {
		fmt.Fprintln(&b, span.Name(), span.Attributes(), span.Status(), span.Events())
	}
	return b.String()
}
