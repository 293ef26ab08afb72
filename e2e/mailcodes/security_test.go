package mailcodes

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"freehold.dev/freehold/accounts"
	"freehold.dev/freehold/app"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/db/dbtest"
	"freehold.dev/freehold/e2e/harness"
	"freehold.dev/freehold/fault"
)

// O15: a scanner that opens the link of a mail in every way, and everything on the page, uses up nothing. The user then clicks.
func TestScannerUsesUpNoCode(t *testing.T) {
	t.Parallel()
	var opened atomic.Int64
	pages := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		opened.Add(1)
		w.Header().Set("Content-Type", "text/html")
		w.Write([]byte(`<form id="sign-in"></form>`))
	}))
	t.Cleanup(pages.Close)
	s := harness.Start(t, "FREEHOLD_SIGN_IN_URL="+pages.URL+"/sign-in?email={email}&code={code}").Work()
	const email = "ann+a&b@example.org"
	s.Must("", request, harness.Input("email", email, "username", "ann"))
	m := s.MailTo(email, "sign_in_code", 1)
	link, err := url.Parse(m.Link)
	if err != nil || !strings.Contains(m.Text, "\n\n"+m.Link+"\n\n") || link.Path != "/sign-in" {
		t.Fatalf("the link of the mail is %q: %s", m.Link, m.Text)
	}
	to, code := link.Query().Get("email"), link.Query().Get("code")
	mutation := url.Values{"query": {`mutation { signInWithCode(input: {email: "` + to + `", code: "` + code + `"}) { user { id } } }`}}.Encode()
	for _, q := range []harness.Request{
		{Method: http.MethodGet, Path: m.Link},
		{Method: http.MethodHead, Path: m.Link},
		{Method: http.MethodGet, Path: m.Link, Header: http.Header{"Sec-Purpose": {"prefetch;prerender"}, "Purpose": {"prefetch"}}},
		{Method: http.MethodGet, Path: "/graphql?" + mutation},
		{Method: http.MethodHead, Path: "/graphql?" + mutation},
		{Method: http.MethodGet, Path: "/dev/mail/" + m.ID},
		{Method: http.MethodGet, Path: "/?email=" + url.QueryEscape(to) + "&code=" + code},
	} {
		if r, err := s.TrySend(t.Context(), q); err == nil && strings.Contains(r.Body, `"user":{`) {
			t.Errorf("%s %s signs in: %s", q.Method, q.Path, r.Body)
		}
	}
	if opened.Load() != 3 || s.Count("users") != "0" {
		t.Errorf("the page was opened %d times, and there are %s accounts", opened.Load(), s.Count("users"))
	}
	if e := enter(s, "email", to, "code", code).SignInWithCode; e.User == nil || e.User.Email != email || e.User.Profile.Username != "ann" {
		t.Errorf("the user signs in as %+v", e)
	}
}

// O04: if a stranger has signed up with an address that nobody has verified, the owner of the address takes the account with a code: the
// stranger's password, sessions, codes and other credentials stop working. In the other order, the stranger gets nothing.
func TestCodeTakesAnUnverifiedAccount(t *testing.T) {
	t.Parallel()
	var verified atomic.Int64
	hook := func(_ context.Context, tx *db.Tx, p *db.Profile) error {
		if tx.Viewer.UserID != p.UserID {
			t.Errorf("the hook runs as %v", tx.Viewer)
		}
		verified.Add(1)
		return nil
	}
	s := harness.StartWith(t, dbtest.New(t), harness.BothLayers, app.Options{Further: []app.Module{{Hooks: accounts.Hooks{AfterVerification: []accounts.Hook{hook}}}}}).Work()
	stranger := s.SignUp(nil)
	s.DB.Query(t, `INSERT INTO app.credentials (id, user_id, kind, name) VALUES (gen_random_uuid(), $1, 'PASSKEY', 'of a stranger'), (gen_random_uuid(), $1, 'TOTP', 'of a stranger')`, stranger.UserID)
	s.Must("", harness.RequestVerification, harness.Input("email", stranger.Email))
	verification := s.CodeTo(stranger.Email, "verify_email", 1)
	r := s.Must("", signIn, harness.Input("email", stranger.Email, "code", codeFor(s, stranger.Email, 1)))
	var e entered
	r.Into(t, &e)
	p := e.SignInWithCode
	if p.User == nil || p.User.ID != stranger.UserID || !p.User.EmailVerified || p.User.HasPassword || !p.PasswordCleared || p.Tokens == nil {
		t.Fatalf("the owner of the address: %s", r.Body)
	}
	if verified.Load() != 1 {
		t.Errorf("the hook after a verification ran %d times", verified.Load())
	}
	s.ExpectNoSession(stranger.Token, "revoked")
	if r := s.TrySignIn(stranger.Email, harness.Password); r.Code() != "INVALID_CREDENTIALS" {
		t.Errorf("the stranger's password: %s", r.Body)
	}
	s.ExpectFault("the other code", s.Do("", harness.VerifyEmail, harness.Input("email", stranger.Email, "code", verification)), harness.WrongCode)
	if list, _ := kinds(&harness.Client{Service: s, Token: p.Tokens.AccessToken}); list != "EMAIL_CODE" {
		t.Errorf("credentials afterwards: %s", list)
	}
	if again := enter(s, "email", stranger.Email, "code", codeFor(s, stranger.Email, 2)).SignInWithCode; again.PasswordCleared || verified.Load() != 1 {
		t.Errorf("the next time: %+v", again)
	}

	a, _ := signUp(s, "ann")
	s.ExpectFault("a sign-up with the address", s.Do("", harness.SignUpMutation, harness.Vars{"input": harness.Vars{"email": a.Email, "password": harness.Password, "username": "mallory"}}), "input.email TAKEN")
	s.ExpectMember(a.Token, a.Email)
}

// A code for an address whose account was created after the request signs in to that account: the code proves the address.
func TestCodeRequestedBeforeTheAccount(t *testing.T) {
	t.Parallel()
	s := harness.Start(t).Work()
	const email = "ann@example.org"
	code := codeFor(s, email, 1, "username", "ann")
	a := harness.Account{Email: email, Username: "mallory"}
	a.Fill(t, s.Must("", harness.SignUpMutation, harness.Vars{"input": harness.Vars{"email": email, "password": harness.Password, "username": "mallory"}}))
	if e := enter(s, "email", email, "code", code).SignInWithCode; e.User == nil || e.User.ID != a.UserID || !e.PasswordCleared {
		t.Errorf("the code signs in to %+v", e)
	}
	s.ExpectNoSession(a.Token, "revoked")
}

// O04, P02: a request has the same response for every address, in the same time; and no mail goes to a disabled account.
func TestRequestingACodeRevealsNothing(t *testing.T) {
	t.Parallel()
	s := harness.Start(t).Work()
	verified, _ := signUp(s, "ann")
	off, _ := signUp(s, "bob")
	c := &harness.Client{Service: s, Token: off.Token}
	c.MustSend(setPassword, "newPassword", harness.NewPassword)
	_, ids := kinds(c)
	c.MustSend(remove, "id", ids["EMAIL_CODE"])
	disabled, _ := signUp(s, "eve")
	s.DB.Query(t, `UPDATE app.accounts SET disabled_at = now() WHERE user_id = $1`, disabled.UserID)
	unverified := s.SignUp(nil)
	addresses := map[string]string{"verified": verified.Email, "off": off.Email, "disabled": disabled.Email, "unverified": unverified.Email, "unknown": "nobody@example.org"}
	for what, c := range map[string]struct{ username, want string }{
		"without a username": {"", `{"data":{"requestSignInCode":{"success":true}}}`},
		"a free username":    {"free", `{"data":{"requestSignInCode":{"success":true}}}`},
		"a taken username":   {"Ann", `input.username TAKEN`},
		"a short username":   {"a", `input.username TOO_SHORT`},
	} {
		for of, email := range addresses {
			pairs := []any{"email", email}
			if c.username != "" {
				pairs = append(pairs, "username", c.username)
			}
			r := s.Do("", request, harness.Input(pairs...))
			if got := strings.Join(append(r.Fields(), strings.TrimSpace(r.Body)), " "); !strings.HasPrefix(got, c.want) || r.Status != http.StatusOK {
				t.Errorf("%s, %s: %d %s, want %s", what, of, r.Status, got, c.want)
			}
		}
	}
	for of, want := range map[string]int{"verified": 3, "off": 1, "disabled": 1, "unverified": 2, "unknown": 2} {
		if got := mails(s, addresses[of], "sign_in_code"); got != want {
			t.Errorf("%s: %d mails, want %d", of, got, want)
		}
	}
}

// P02: a request takes the same time for known and unknown addresses, and so does the attempt to use a wrong code.
func TestCodesTakeTheSameTime(t *testing.T) {
	t.Parallel()
	s := harness.Start(t) // it sends no mails, which would slow the next request
	a := s.SignUp(nil)
	for what, try := range map[string]func(email string) harness.Reply{
		"a request": func(email string) harness.Reply {
			return s.Do("", request, harness.Input("email", email, "username", "free"))
		},
		"an attempt": func(email string) harness.Reply {
			return s.Do("", signIn, harness.Input("email", email, "code", "0000-0000"))
		},
	} {
		t.Run(what, func(t *testing.T) {
			harness.SameTime(t, 60, "a known address", func() { try(a.Email) }, "an unknown one", func() { try("nobody@example.org") })
		})
	}
}

// A sign-up with a code that fails at any step leaves no account, profile or session, and the code still works.
func TestSignUpWithACodeFailsAsAWhole(t *testing.T) {
	t.Parallel()
	var fails atomic.Value
	fails.Store("")
	refuse := func(when string) error {
		if fails.Load() == when {
			return fault.Input("input.username", "UNWANTED", "We do not want this.")
		}
		return nil
	}
	hooks := accounts.Hooks{
		BeforeSignUp: []func(context.Context, *db.Tx, accounts.Candidate) error{func(_ context.Context, _ *db.Tx, c accounts.Candidate) error {
			if c.Email != "Ann@example.org" || c.Username != "ann" || c.Profile.Bio.Value == nil {
				t.Errorf("the hook gets %+v", c)
			}
			return refuse("before")
		}},
		AfterSignUp: []accounts.Hook{func(_ context.Context, _ *db.Tx, p *db.Profile) error {
			if p.Username != "ann" {
				return errors.New("another username")
			}
			return refuse("after")
		}},
	}
	s := harness.StartWith(t, dbtest.New(t), harness.BothLayers, app.Options{Further: []app.Module{{Hooks: hooks}}}).Work()
	const email = "Ann@example.org"
	code := codeFor(s, email, 1, "username", "ann", "profile", harness.Vars{"bio": "x"})
	try := func() harness.Reply { return s.Do("", signIn, harness.Input("email", email, "code", code)) }
	nothing := func(what string) {
		t.Helper()
		for _, table := range []string{"users", "accounts", "user_private", "profiles", "profile_private", "sessions", "credentials", "security_events"} {
			if n := s.Count(table); n != "0" {
				t.Errorf("%s: %s rows of %s", what, n, table)
			}
		}
	}
	for _, when := range []string{"before", "after"} {
		fails.Store(when)
		s.ExpectFault(when, try(), "input.username UNWANTED")
		nothing(when)
	}
	fails.Store("")
	for _, broken := range []string{"delete_rival_codes(p_email_key text, p_user_id uuid) RETURNS boolean", "put_email_code(p_user_id uuid) RETURNS void"} {
		name, _, _ := strings.Cut(broken, "(")
		intact := s.DB.Query(t, `SELECT pg_get_functiondef(oid) FROM pg_proc WHERE proname = $1`, name)[0]
		s.DB.Query(t, `CREATE OR REPLACE FUNCTION app.`+broken+` LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN RAISE EXCEPTION 'broken on purpose'; END $$`)
		s.ExpectError("broken on purpose")
		if r := try(); r.Code() != "INTERNAL_SERVER_ERROR" {
			t.Errorf("%s: %s", name, r.Body)
		}
		nothing(name)
		s.DB.Query(t, intact)
	}
	if r := try(); len(r.Errors) > 0 {
		t.Errorf("the code afterwards: %s", r.Body)
	}
}

// P05: of many uses of one code at once, one succeeds: to sign up, and to sign in.
func TestCodeToSignInIsUsedOnce(t *testing.T) {
	t.Parallel()
	s := harness.Start(t).Work()
	const email = "ann@example.org"
	for n, what := range []string{"to sign up", "to sign in"} {
		code := codeFor(s, email, n+1, "username", "ann-"+string(rune('a'+n)))
		replies := make([]harness.Reply, 20)
		var wg sync.WaitGroup
		for i := range replies {
			wg.Go(func() { replies[i] = s.Do("", signIn, harness.Input("email", email, "code", code)) })
		}
		wg.Wait()
		won := 0
		for _, r := range replies {
			switch got := strings.Join(r.Fields(), " "); {
			case len(r.Errors) == 0:
				won++
			case got != harness.WrongCode:
				t.Errorf("%s: %s", what, r.Body)
			}
		}
		if won != 1 || s.Count("users") != "1" {
			t.Errorf("%s: %d have succeeded, and there are %s accounts", what, won, s.Count("users"))
		}
	}
}

// P04: codes that cannot sign in get one error, and use up nothing: of another purpose, another address, expired, replaced. A change of the
// password ends a code.
func TestCodesThatCannotSignIn(t *testing.T) {
	t.Parallel()
	s := harness.Start(t).Work()
	a := s.SignUp(nil)
	try := func(email, code string) harness.Reply {
		return s.Do("", signIn, harness.Input("email", email, "code", code))
	}
	s.Must("", harness.RequestVerification, harness.Input("email", a.Email))
	s.Must("", harness.RequestReset, harness.Input("email", a.Email))
	first := codeFor(s, a.Email, 1)
	for what, code := range map[string]string{
		"of a verification": s.CodeTo(a.Email, "verify_email", 1), "of a reset": s.CodeTo(a.Email, "reset_password", 1), "of nothing": "0000-0000", "malformed": "x",
	} {
		s.ExpectFault("a code "+what, try(a.Email, code), harness.WrongCode)
	}
	s.ExpectFault("a code of another address", try("bob@example.org", first), harness.WrongCode)
	s.ExpectFault("a code to sign in, for a reset", s.Do("", harness.ResetPassword, harness.Input("email", a.Email, "code", first, "newPassword", harness.NewPassword)), harness.WrongCode)
	second := codeFor(s, a.Email, 2)
	s.ExpectFault("a code that was replaced", try(a.Email, first), harness.WrongCode)
	s.Must(a.Token, harness.ChangePassword, harness.Input("currentPassword", harness.Password, "newPassword", harness.NewPassword))
	s.ExpectFault("a code from before a change of the password", try(a.Email, second), harness.WrongCode)
	third := codeFor(s, a.Email, 3)
	s.DB.Query(t, `UPDATE app.codes SET expires_at = now()`)
	s.ExpectFault("an expired code", try(a.Email, third), harness.WrongCode)
	fourth := codeFor(s, a.Email, 4)
	s.DB.Query(t, `UPDATE app.accounts SET disabled_at = now() WHERE user_id = $1`, a.UserID)
	s.ExpectFault("a code of a disabled account", try(a.Email, fourth), harness.WrongCode)
	s.ExpectFault("an invalid address", s.Do("", signIn, harness.Input("email", "x", "code", fourth)), "input.email INVALID")
}

// P06, P23: guesses at codes to sign in are limited.
func TestGuessesAtCodesToSignIn(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, "FREEHOLD_RATE_LIMIT=on").Work()
	const email = "ann@example.org"
	code := codeFor(s, email, 1, "username", "ann")
	for range 10 {
		s.ExpectFault("a guess", s.Do("", signIn, harness.Input("email", email, "code", "0000-0000")), harness.WrongCode)
	}
	s.ExpectFault("one more", s.Do("", signIn, harness.Input("email", email, "code", code)), "input.code RATE_LIMITED")
	if r := s.Do("", `mutation { a: signInWithCode(input: {email: "a@example.org", code: "0"}) { user { id } } b: signInWithCode(input: {email: "a@example.org", code: "1"}) { user { id } } }`, nil); r.Code() != "OPERATION_TOO_COSTLY" && r.Code() != "BAD_USER_INPUT" && r.Code() != "GRAPHQL_VALIDATION_FAILED" {
		t.Errorf("two guesses in one request: %s", r.Body)
	}
}
