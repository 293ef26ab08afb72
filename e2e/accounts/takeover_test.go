package accounts

import (
	"strings"
	"testing"

	"freehold.dev/freehold/e2e/harness"
)

// P08: a stranger has signed up with V's address. V requests a code, or uses that of the sign-up, and enters it. Unless V
// also enters the password of the sign-up, the password is cleared, because only the stranger knows it. The session is V's in
// any case.
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
		"V's own":                   {harness.NewPassword, true, true},
		"a huge one":                {strings.Repeat("x", 10000), true, true},
		"nearly the right one":      {harness.Password + " ", true, true},
		"the right one: it was V's": {harness.Password, true, false},
	} {
		for who, viewer := range map[string]bool{"anonymous": false, "another member": true} {
			for code, ask := range map[string]bool{"of the sign-up": false, "that V has requested": true} {
				if viewer && ask {
					continue // it does not matter who requested the code
				}
				t.Run(what+", as "+who+", the code "+code, func(t *testing.T) {
					t.Parallel()
					s := harness.Start(t, verifiedOnly, "FREEHOLD_RATE_LIMIT=on").Work()
					token := ""
					if viewer {
						token = signUpVerified(s, "another", "another@example.org").Token
					}
					const email = "victor@example.org"
					signUpPending(s, "somebody", email, nil)
					sent := 1
					if ask {
						s.CodeTo(email, "verify_email", 1)
						s.Must("", harness.RequestVerification, harness.Input("email", email))
						sent = 2
					}
					in := harness.Input("email", email, "code", s.CodeTo(email, "verify_email", sent))
					if c.given {
						in["i"].(harness.Vars)["password"] = c.password
					}
					var v verified
					s.Must(token, harness.VerifyEmail, in).Into(t, &v)
					if v.VerifyEmail.PasswordCleared != c.cleared || v.VerifyEmail.Tokens == nil {
						t.Fatalf("verified as %+v", v)
					}
					s.ExpectMember(v.VerifyEmail.Tokens.AccessToken, email)
					if has := readOwnFields(s, v.VerifyEmail.Tokens.AccessToken).HasPassword; has == c.cleared {
						t.Errorf("the account has a password: %t", has)
					}
					if r := s.TrySignIn(email, harness.Password); (r.Code() == "INVALID_CREDENTIALS") != c.cleared {
						t.Errorf("the password of the sign-up: %s", r.Body)
					}
					s.Must("", harness.RequestReset, harness.Input("email", email))
					s.Must("", harness.ResetPassword, harness.Input("email", email, "code", s.CodeTo(email, "reset_password", 1), "newPassword", harness.NewPassword))
					if r := s.TrySignIn(email, harness.NewPassword); len(r.Errors) > 0 {
						t.Errorf("a new password: %s", r.Body)
					}
				})
			}
		}
	}
}

// P08, P12: guesses at the password are limited, and a guess beyond the limit does not use up a code.
func TestGuessesAtThePasswordOfASignUp(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, verifiedOnly, "FREEHOLD_RATE_LIMIT=on").Work()
	const email = "victor@example.org"
	signUpPending(s, "victor", email, nil)
	code := s.CodeTo(email, "verify_email", 1)
	repeat(10, func(int) harness.Reply { return s.TrySignIn(email, "wrong password") })
	r := s.Do("", harness.VerifyEmail, harness.Input("email", email, "code", code, "password", harness.Password))
	if r.Code() != "RATE_LIMITED" || len(r.Fields()) != 1 || r.Fields()[0] != "input.password RATE_LIMITED" {
		t.Errorf("beyond the limit: %s", r.Body)
	}
	if v := verifyWithout(s, email, code); !v.PasswordCleared { // the address is verified nevertheless
		t.Errorf("without a password: %+v", v)
	}
}

func verifyWithout(s *harness.Service, email, code string) (v struct{ PasswordCleared bool }) {
	s.T.Helper()
	var data struct {
		VerifyEmail struct{ PasswordCleared bool }
	}
	s.Must("", harness.VerifyEmail, harness.Input("email", email, "code", code)).Into(s.T, &data)
	return data.VerifyEmail
}
