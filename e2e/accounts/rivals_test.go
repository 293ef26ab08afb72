package accounts

import (
	"fmt"
	"testing"

	"freehold.dev/freehold/e2e/harness"
)

// P08: a stranger who signs up with an address neither locks its owner out nor gets into the owner's account. The owner signs
// up too, verifies the address with the code of that sign-up, and keeps its password.
func TestPendingSignUpBlocksNoOwner(t *testing.T) {
	t.Parallel()
	for order, names := range map[string][2]string{"the stranger first": {"mallory", "victor"}, "the owner first": {"victor", "mallory"}} {
		t.Run(order, func(t *testing.T) {
			t.Parallel()
			s := harness.Start(t, verifiedOnly).Work()
			const email = "victor@example.org"
			codes := map[string]string{}
			for i, name := range names {
				signUpPending(s, name, email, nil)
				codes[name] = s.CodeTo(email, "verify_email", i+1)
			}
			v := verify(s, email, codes["victor"]).VerifyEmail
			if v.User.Profile.Username != "victor" || v.PasswordCleared {
				t.Errorf("verified as %+v", v)
			}
			s.ExpectMember(v.Tokens.AccessToken, email)
			if r := s.TrySignIn(email, harness.Password); len(r.Errors) > 0 {
				t.Errorf("the owner's password: %s", r.Body)
			}
			s.ExpectFault("the stranger's code", s.Do("", harness.VerifyEmail, harness.Input("email", email, "code", codes["mallory"])), harness.WrongCode)
			if r := s.TrySignIn(email, strangersPassword); r.Code() != "INVALID_CREDENTIALS" {
				t.Errorf("the stranger's password: %s", r.Body)
			}
			s.Must("", harness.RequestVerification, harness.Input("email", email))
			if got := sent(s); len(got) != 2 {
				t.Errorf("mails: %v, and there is nothing to verify any more", got)
			}
			expectAvailable(s, "of the stranger, at once", false, "mallory") // else the stranger would know that the address is verified
			s.DB.Query(t, `UPDATE app.user_private SET pending_until = now() WHERE pending_until IS NOT NULL`)
			expectAvailable(s, "of the stranger, in the end", true, "mallory")
			s.Must("", harness.RequestReset, harness.Input("email", email))
			s.Must("", harness.ResetPassword, harness.Input("email", email, "code", s.CodeTo(email, "reset_password", 1), "newPassword", harness.NewPassword))
			if r := s.TrySignIn(email, harness.NewPassword); len(r.Errors) > 0 {
				t.Errorf("with a new password: %s", r.Body)
			}
		})
	}
}

// P08: verifying the address in another way ends a stranger's pending sign-up too.
func TestPendingSignUpEndsWhenTheAddressIsVerifiedOtherwise(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, verifiedOnly).Work()
	v := signUpVerified(s, "victor", "old@example.org")
	signUpPending(s, "mallory", "new@example.org", nil)
	code := s.CodeTo("new@example.org", "verify_email", 1)
	s.Must(v.Token, harness.ChangeEmail, harness.Input("newEmail", "new@example.org"))
	s.Must(v.Token, harness.VerifyEmail, harness.Input("email", "new@example.org", "code", s.CodeTo("new@example.org", "change_email", 1)))
	s.ExpectFault("the stranger's code", s.Do("", harness.VerifyEmail, harness.Input("email", "new@example.org", "code", code)), harness.WrongCode)
	expectAvailable(s, "of the stranger", false, "mallory")
	if r := s.TrySignIn("new@example.org", harness.Password); len(r.Errors) > 0 { // of the stranger's own sign-up
		t.Errorf("the owner: %s", r.Body)
	}
}

// P03: a retry does not reveal to the stranger that the owner has verified the address since.
func TestRetryRevealsNoVerifiedAddress(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, verifiedOnly).Work()
	const email = "victor@example.org"
	mallory := harness.Vars{"input": harness.Vars{"email": email, "password": harness.Password, "username": "mallory", "idempotencyKey": "k"}}
	s.Must("", harness.SignUpMutation, mallory)
	s.CodeTo(email, "verify_email", 1) // mails are sent after a random delay, and the stranger's must be the first
	signUpPending(s, "victor", email, nil)
	verify(s, email, s.CodeTo(email, "verify_email", 2))
	if r := s.Do("", harness.SignUpMutation, mallory); string(r.Data) != nothingYet || len(r.Errors) > 0 {
		t.Errorf("the retry: %s", r.Body)
	}
}

// P08: a stranger who uses up the mails of an address cannot hide the rival sign-up from its owner: whichever code the owner
// enters, the stranger's password does not work.
func TestUsedUpMailsHideNoRival(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, verifiedOnly, "FREEHOLD_RATE_LIMIT=on").Work()
	const email = "victor@example.org"
	signUpPending(s, "mallory", email, nil)
	code := s.CodeTo(email, "verify_email", 1)
	s.DB.Query(t, `UPDATE app.rate_limits SET hits = 100 WHERE bucket LIKE 'mail %'`)
	if r := signUpPending(s, "victor", email, nil); string(r.Data) != nothingYet {
		t.Errorf("the owner's sign-up: %s", r.Body)
	}
	if got := sent(s); len(got) != 1 {
		t.Errorf("mails: %v", got)
	}
	if v := verify(s, email, code).VerifyEmail; !v.PasswordCleared {
		t.Errorf("verified as %+v", v)
	}
	if r := s.TrySignIn(email, strangersPassword); r.Code() != "INVALID_CREDENTIALS" {
		t.Errorf("the stranger's password: %s", r.Body)
	}
}

// P08, P18: any number of sign-ups hides no code that was sent to the address.
func TestManyRivalsHideNoCode(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, verifiedOnly, "FREEHOLD_RATE_LIMIT=on").Work()
	const email = "victor@example.org"
	signUpPending(s, "victor", email, nil)
	code := s.CodeTo(email, "verify_email", 1)
	for n := range 30 {
		signUpPending(s, fmt.Sprint("mallory-", n), email, nil)
	}
	if v := verify(s, email, code).VerifyEmail; v.User.Profile.Username != "victor" {
		t.Errorf("verified as %+v", v)
	}
}

// P08: an overdue sign-up of the owner is a rival as well: a stranger's later sign-up does not leave its password to the
// owner's account.
func TestOverdueSignUpIsARivalAsWell(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, verifiedOnly).Work()
	const email = "victor@example.org"
	signUpPending(s, "victor", email, nil)
	signUpPending(s, "mallory", email, nil)
	s.DB.Query(t, `UPDATE app.user_private u SET pending_until = now() FROM app.profiles p WHERE p.user_id = u.user_id AND p.username = 'victor'`)
	s.CodeTo(email, "verify_email", 2)
	s.Must("", harness.RequestVerification, harness.Input("email", email))
	if v := verify(s, email, s.CodeTo(email, "verify_email", 3)).VerifyEmail; !v.PasswordCleared {
		t.Errorf("verified as %+v", v)
	}
	if r := s.TrySignIn(email, strangersPassword); r.Code() != "INVALID_CREDENTIALS" {
		t.Errorf("the stranger's password: %s", r.Body)
	}
}

// A sign-up that was not verified in time can no longer be verified, and blocks nothing.
func TestPendingSignUpExpires(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, verifiedOnly).Work()
	signUpPending(s, "ann", "ann@example.org", nil)
	code := s.CodeTo("ann@example.org", "verify_email", 1)
	s.DB.Query(t, `UPDATE app.user_private SET pending_until = now()`)
	s.ExpectFault("the code", s.Do("", harness.VerifyEmail, harness.Input("email", "ann@example.org", "code", code)), harness.WrongCode)
	s.Must("", harness.RequestVerification, harness.Input("email", "ann@example.org"))
	if got := sent(s); len(got) != 1 {
		t.Errorf("mails: %v", got)
	}
	signUpPending(s, "ann", "ann@example.org", nil)
	verify(s, "ann@example.org", s.CodeTo("ann@example.org", "verify_email", 2))
}
