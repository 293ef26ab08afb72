package e2e

import (
	"strings"
	"testing"
)

// P08: somebody has signed up with the address of V. V requests a code, or has got that of the sign-up, and enters it. Unless V
// types the password of the sign-up as well, that is cleared: only who signed up knows it. The session is V's in any case.
func TestVerifyingASignUpAsksForItsPassword(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		password any
		given    bool
		cleared  bool
	}{
		"no password":               {nil, false, true},
		"null":                      {nil, true, true},
		"an empty one":              {"", true, true},
		"V's own":                   {newPassword, true, true},
		"a huge one":                {strings.Repeat("x", 10000), true, true},
		"nearly the right one":      {password + " ", true, true},
		"the right one: it was V's": {password, true, false},
	} {
		for who, viewer := range map[string]bool{"nobody": false, "another member": true} {
			for code, ask := range map[string]bool{"of the sign-up": false, "that V has requested": true} {
				if viewer && ask {
					continue // who asks has nothing to do with which code it is
				}
				t.Run(what+", as "+who+", the code "+code, func(t *testing.T) {
					t.Parallel()
					s := start(t, verifiedOnly, "FREEHOLD_RATE_LIMIT=on").work()
					token := ""
					if viewer {
						token = s.signUpVerified("another", "another@example.org").Token
					}
					const email = "victor@example.org"
					s.signUpPending("somebody", email, nil)
					sent := 1
					if ask {
						s.codeTo(email, "verify_email", 1)
						s.must("", requestVerification, input("email", email))
						sent = 2
					}
					in := input("email", email, "code", s.codeTo(email, "verify_email", sent))
					if c.given {
						in["i"].(vars)["password"] = c.password
					}
					var v verified
					s.must(token, verifyEmail, in).into(t, &v)
					if v.VerifyEmail.PasswordCleared != c.cleared || v.VerifyEmail.Tokens == nil {
						t.Fatalf("verified as %+v", v)
					}
					s.expectMember(v.VerifyEmail.Tokens.AccessToken, email)
					if has := s.ownFields(v.VerifyEmail.Tokens.AccessToken).HasPassword; has == c.cleared {
						t.Errorf("the account has a password: %t", has)
					}
					if r := s.trySignIn(email, password); (r.code() == "INVALID_CREDENTIALS") != c.cleared {
						t.Errorf("the password of the sign-up: %s", r.Body)
					}
					s.must("", requestReset, input("email", email))
					s.must("", resetPassword, input("email", email, "code", s.codeTo(email, "reset_password", 1), "newPassword", newPassword))
					if r := s.trySignIn(email, newPassword); len(r.Errors) > 0 {
						t.Errorf("a new password: %s", r.Body)
					}
				})
			}
		}
	}
}

// P08, P12: the password is guessed within the limits of guesses, and a try beyond them uses no code up.
func TestGuessesAtThePasswordOfASignUp(t *testing.T) {
	t.Parallel()
	s := start(t, verifiedOnly, "FREEHOLD_RATE_LIMIT=on").work()
	const email = "victor@example.org"
	s.signUpPending("victor", email, nil)
	code := s.codeTo(email, "verify_email", 1)
	repeat(10, func(int) reply { return s.trySignIn(email, "wrong password") })
	r := s.do("", verifyEmail, input("email", email, "code", code, "password", password))
	if r.code() != "RATE_LIMITED" || len(r.fields()) != 1 || r.fields()[0] != "input.password RATE_LIMITED" {
		t.Errorf("beyond the limit: %s", r.Body)
	}
	if v := s.verifyWithout(email, code); !v.PasswordCleared { // the address is proved all the same
		t.Errorf("without a password: %+v", v)
	}
}

func (s *service) verifyWithout(email, code string) (v struct{ PasswordCleared bool }) {
	s.t.Helper()
	var data struct {
		VerifyEmail struct{ PasswordCleared bool }
	}
	s.must("", verifyEmail, input("email", email, "code", code)).into(s.t, &data)
	return data.VerifyEmail
}
