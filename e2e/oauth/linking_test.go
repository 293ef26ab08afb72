package oauth

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"freehold.dev/freehold/e2e/harness"
)

// O03: an address that the provider has not verified belongs to nobody. Its user gets an account without an address, which takes nothing
// from the address's owner.
func TestUnverifiedAddressIsNeverLinked(t *testing.T) {
	t.Parallel()
	s, p := start(t)
	s.Work()
	ann := s.SignUp(nil)
	s.DB.Query(t, `UPDATE app.user_private SET email_verified_at = now() WHERE user_id = $1`, ann.UserID)
	for subject, email := range map[string]string{"eve": ann.Email, "nobody": "", "odd": `"a b"@example.org`} {
		p.put(subject, email, subject == "odd")
		c := newClient(s, false)
		a := c.signUp(p, subject)
		if a.User == nil || a.User.ID == ann.UserID || a.User.Email != "" || a.User.EmailVerified {
			t.Fatalf("%s: %+v", subject, a.User)
		}
		if got, _ := c.credentials(); !strings.HasPrefix(got, "OAUTH Work") || strings.Contains(got, ",") {
			t.Errorf("the credentials of %s: %s", subject, got)
		}
	}
	if got := s.DB.Query(t, `SELECT kind FROM app.credentials WHERE user_id = $1`, ann.UserID); fmt.Sprint(got) != "[PASSWORD]" {
		t.Errorf("the credentials of the owner: %v", got)
	}
	if r := s.TrySignIn(ann.Email, harness.Password); len(r.Errors) > 0 {
		t.Errorf("the owner signs in: %s", r.Body)
	}
	s.AwaitOutbox()
	if mails := s.Mailbox(0); len(mails) > 0 {
		t.Errorf("mails: %+v", mails)
	}
}

// O03: where a verified address is required, nobody signs up without one.
func TestVerifiedAddressIsRequired(t *testing.T) {
	t.Parallel()
	s, p := start(t, "FREEHOLD_REQUIRE_VERIFIED_EMAIL=on")
	c := newClient(s, false)
	p.put("eve", "ann@example.org", false)
	for _, pairs := range [][]any{{"username", "eve"}, nil} {
		if r := c.signIn(p, "eve", pairs...); fmt.Sprint(r.Fields()) != "[input.code EMAIL_REQUIRED]" || s.Count("users") != "0" {
			t.Errorf("an address that is not verified: %s", r.Body)
		}
	}
	p.put("eve", "ann@example.org", true)
	if a := c.signUp(p, "eve"); a.User == nil || a.User.Email != "ann@example.org" || a.Tokens == nil {
		t.Errorf("an address that is verified: %+v", a)
	}
}

// O03: an address that changes at the provider changes nothing here. The identity stays with its account.
func TestChangedAddressKeepsTheAccount(t *testing.T) {
	t.Parallel()
	s, p := start(t)
	p.put("ann", "ann@example.org", true)
	c := newClient(s, false)
	a := c.signUp(p, "ann")
	bob := s.SignUp(nil)
	s.DB.Query(t, `UPDATE app.user_private SET email_verified_at = now() WHERE user_id = $1`, bob.UserID)
	for _, email := range []string{bob.Email, "new@example.org", ""} {
		p.put("ann", email, true)
		if got := c.take(c.signIn(p, "ann")); got.User == nil || got.User.ID != a.User.ID || got.User.Email != "ann@example.org" {
			t.Errorf("with the address %q: %+v", email, got.User)
		}
	}
	// The address is free at the provider, and somebody else gets it there. It is that of the account, so the account is theirs, too: they
	// can read its mail.
	p.put("heir", "ann@example.org", true)
	if got := c.take(c.signIn(p, "heir")); got.User == nil || got.User.ID != a.User.ID {
		t.Errorf("another user of the provider with the verified address: %+v", got.User)
	}
	if got := events(s, a.User.ID); strings.Count(got, "CREDENTIAL_ADDED") != 2 {
		t.Errorf("the events: %s", got)
	}
}

// O04: pre-hijacking, in both orders. A stranger who signs up first, with an address that they cannot read, keeps nothing: the identity is
// not added to their account, and its owner gets it by verifying the address. A stranger who comes later gets nothing.
func TestPreHijacking(t *testing.T) {
	t.Parallel()
	for _, required := range []bool{false, true} {
		t.Run(fmt.Sprintf("verified_required=%t", required), func(t *testing.T) {
			t.Parallel()
			setting := "FREEHOLD_REQUIRE_VERIFIED_EMAIL=off"
			if required {
				setting = "FREEHOLD_REQUIRE_VERIFIED_EMAIL=on"
			}
			s, p := start(t, setting)
			s.Work()
			const email = "victim@example.org"
			p.put("victim", email, true)
			p.put("eve", "eve@example.org", true)
			stranger := newClient(s, false)
			r := s.Do("", harness.SignUpMutation, harness.Vars{"input": harness.Vars{"email": email, "password": harness.Password, "username": "stranger"}})
			owner := newClient(s, false)
			if required { // the stranger's sign-up is pending
				if a := owner.signUp(p, "victim"); a.User == nil || a.User.Email != email || !a.User.EmailVerified {
					t.Fatalf("the owner signs up: %+v", a.User)
				}
				code := s.CodeTo(email, "verify_email", 1)
				if r := s.Do("", harness.VerifyEmail, harness.Input("email", email, "code", code)); fmt.Sprint(r.Fields()) != "["+harness.WrongCode+"]" {
					t.Errorf("the code of the stranger's sign-up: %s", r.Body)
				}
			} else {
				stranger.take(r)
				b := stranger.begin(startLink) // the stranger adds a way in of their own
				if r := stranger.finish(finishLink, b, p.signIn(b.AuthorizationURL, "eve")); len(r.Errors) > 0 {
					t.Fatal(r.Body)
				}
				refused := owner.signIn(p, "victim", "username", "owner")
				if refused.Code() != "CONFLICT" || fmt.Sprint(refused.Fields()) != "[input.code EMAIL_NOT_VERIFIED]" {
					t.Fatalf("the owner signs in before they verify the address: %s", refused.Body)
				}
				if got := s.DB.Query(t, `SELECT subject FROM app.identities`); fmt.Sprint(got) != "[eve]" {
					t.Errorf("the identities: %v", got)
				}
				s.Do("", harness.RequestVerification, harness.Input("email", email))
				if r := s.Do("", harness.VerifyEmail, harness.Input("email", email, "code", s.CodeTo(email, "verify_email", 1))); len(r.Errors) > 0 {
					t.Fatal(r.Body)
				}
				if a := owner.take(owner.signIn(p, "victim")); a.User == nil || a.User.Email != email {
					t.Fatalf("the owner signs in: %+v", a)
				}
				s.ExpectNoSession(stranger.token, "revoked")
				if a := stranger.take(stranger.signIn(p, "eve")); a.PendingSignUp == nil {
					t.Errorf("the stranger's identity still leads to %+v", a.User)
				}
			}
			if r := s.TrySignIn(email, harness.Password); r.Code() != "INVALID_CREDENTIALS" {
				t.Errorf("the stranger's password: %s", r.Body)
			}

			// The other order: the owner is here, and a stranger comes.
			r = s.Do("", harness.SignUpMutation, harness.Vars{"input": harness.Vars{"email": email, "password": harness.NewPassword, "username": "stranger-2"}})
			if !required && fmt.Sprint(r.Fields()) != "[input.email TAKEN]" || required && len(r.Errors) > 0 {
				t.Errorf("a stranger signs up later: %s", r.Body)
			}
			p.put("late", email, false)
			if r := newClient(s, false).signIn(p, "late", "username", "late"); strings.Contains(r.Body, email) {
				t.Errorf("a stranger with an address that is not verified: %s", r.Body)
			}
			if r := s.TrySignIn(email, harness.NewPassword); r.Code() != "INVALID_CREDENTIALS" {
				t.Errorf("the later stranger's password: %s", r.Body)
			}
			if a := owner.take(owner.signIn(p, "victim")); a.User == nil || a.User.Email != email {
				t.Errorf("the owner signs in after that: %+v", a)
			}
		})
	}
}

// Both sides have verified the address: the identity is added, with an event and a mail.
func TestVerifiedAddressIsLinked(t *testing.T) {
	t.Parallel()
	eachClient(t, func(t *testing.T, cookies bool) {
		s, p := start(t)
		s.Work()
		ann := s.SignUp(nil)
		s.DB.Query(t, `UPDATE app.user_private SET email_verified_at = now() WHERE user_id = $1`, ann.UserID)
		p.put("ann", strings.ToUpper(ann.Email[:1])+ann.Email[1:], true)
		c := newClient(s, cookies)
		if a := c.take(c.signIn(p, "ann", "username", "not-needed")); a.User == nil || a.User.ID != ann.UserID || a.User.Profile.Username != ann.Username {
			t.Fatalf("the account: %+v", a.User)
		}
		if got := events(s, ann.UserID); !strings.HasPrefix(got, "CREDENTIAL_ADDED SIGNED_IN") && !strings.HasPrefix(got, "SIGNED_IN CREDENTIAL_ADDED") {
			t.Errorf("the events: %s", got)
		}
		if m := s.MailTo(ann.Email, "credential_added", 1); !strings.Contains(m.Text, ann.Username) {
			t.Errorf("the notice: %s", m.Text)
		}
		s.ExpectMember(ann.Token, ann.Email)
	})
}

// An identity belongs to one account. Adding one is sensitive, and only for the account that has begun it.
func TestLinkingIsGuarded(t *testing.T) {
	t.Parallel()
	eachClient(t, func(t *testing.T, cookies bool) {
		s, p := start(t)
		for _, subject := range []string{"ann", "bob", "extra"} {
			p.put(subject, subject+"@example.org", true)
		}
		ann, bob := newClient(s, cookies), newClient(s, cookies)
		a := ann.signUp(p, "ann")
		bob.signUp(p, "bob")
		b := ann.begin(startLink)
		if r := ann.finish(finishLink, b, p.signIn(b.AuthorizationURL, "bob")); r.Code() != "CONFLICT" || fmt.Sprint(r.Fields()) != "[input.code TAKEN]" {
			t.Errorf("adding another account's identity: %s", r.Body)
		}
		b = ann.begin(startLink)
		answer := p.signIn(b.AuthorizationURL, "extra")
		other := bob.finish(finishLink, b, answer)
		signIn := ann.finish(finishOAuth, b, answer)
		for what, r := range map[string]harness.Reply{"another account finishes": other, "finishOAuth": signIn} {
			if fmt.Sprint(r.Fields()) != "[input.continuationToken INVALID]" {
				t.Errorf("%s: %s", what, r.Body)
			}
		}
		if nobody := newClient(s, cookies); nobody.begin(startLink).reply.Code() != "UNAUTHENTICATED" || nobody.finish(finishLink, b, answer).Code() != "UNAUTHENTICATED" {
			t.Error("nobody adds an identity")
		}
		if r := ann.finish(finishLink, b, answer); len(r.Errors) > 0 {
			t.Errorf("adding an identity: %s", r.Body)
		}
		s.AgeAuthentication(harness.Account{UserID: a.User.ID})
		if b := ann.begin(startLink); b.reply.Code() != "REAUTH_REQUIRED" {
			t.Errorf("long after the sign-in: %s", b.reply.Body)
		}
		b = ann.begin(startAgain)
		r := ann.finish(again, b, p.signIn(b.AuthorizationURL, "extra"))
		if len(r.Errors) > 0 || strings.Contains(r.Body, `"reauthenticatedUntil":null`) {
			t.Fatalf("confirming with a provider: %s", r.Body)
		}
		if got := events(s, a.User.ID); !strings.HasPrefix(got, "REAUTHENTICATED") {
			t.Errorf("the events: %s", got)
		}
		if b := ann.begin(startLink); b.AuthorizationURL == "" {
			t.Errorf("after that: %s", b.reply.Body)
		}
	})
}

// Confirming with a provider takes an identity of the account, and a provider that has asked the user again.
func TestReauthenticationIsChecked(t *testing.T) {
	t.Parallel()
	s, p := start(t, "FREEHOLD_OIDC_GITHUB_CLIENT_ID=x", "FREEHOLD_OIDC_GITHUB_CLIENT_SECRET=x")
	p.put("ann", "ann@example.org", true)
	p.put("bob", "bob@example.org", true)
	c := newClient(s, false)
	c.signUp(p, "ann")
	b := c.begin(startAgain)
	u, err := url.Parse(b.AuthorizationURL)
	if err != nil || u.Query().Get("prompt") != "login" || u.Query().Get("max_age") != "0" {
		t.Errorf("the provider is not asked to ask again: %s", b.AuthorizationURL)
	}
	if r := c.finish(again, b, p.signIn(b.AuthorizationURL, "bob")); fmt.Sprint(r.Fields()) != "[input.code NOT_YOURS]" {
		t.Errorf("another user of the provider: %s", r.Body)
	}
	p.store.ago = time.Hour
	b = c.begin(startAgain)
	if r := c.finish(again, b, p.signIn(b.AuthorizationURL, "ann")); fmt.Sprint(r.Fields()) != "[input.code NOT_AUTHENTICATED]" {
		t.Errorf("a provider that has not asked again: %s", r.Body)
	}
	p.store.ago = 0
	if b := c.begin(startAgain, "provider", "github"); fmt.Sprint(b.reply.Fields()) != "[input.provider UNSUPPORTED]" {
		t.Errorf("a provider that cannot ask again: %s", b.reply.Body)
	}
	password := newClient(s, false)
	password.token = s.SignUp(nil).Token
	if b := password.begin(startAgain); fmt.Sprint(b.reply.Fields()) != "[input.provider NOT_YOURS]" {
		t.Errorf("an account without an identity: %s", b.reply.Body)
	}
}
