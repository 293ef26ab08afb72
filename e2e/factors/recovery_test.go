package factors

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"freehold.dev/freehold/e2e/harness"
)

// O11: a recovery code replaces the app once, also if two requests use it at once, and only for its own account. The owner is notified.
func TestRecoveryCodeIsUsedOnce(t *testing.T) {
	t.Parallel()
	inEachWay(t, func(t *testing.T, of func(*harness.Service) *client) {
		clock := &harness.Clock{}
		s := harness.StartAt(t, clock).Work()
		c := of(s)
		m := c.enroll(clock)
		for n, code := range m.recovery[:5] {
			results := make(chan string, 2)
			for range 2 {
				x := of(s)
				token := x.begin(m)
				header := map[string][]string{}
				if x.browser != nil {
					header = x.browser.Header()
				}
				go func() {
					r, err := s.TrySend(t.Context(), harness.Request{Header: header, Query: second, Vars: harness.Input("continuationToken", token, "recoveryCode", code)})
					results <- fmt.Sprint(r.Fields(), len(r.Errors), err)
				}()
			}
			got := []string{<-results, <-results}
			slices.Sort(got)
			if fmt.Sprint(got) != "[[] 0 <nil> [input.recoveryCode INVALID] 1 <nil>]" {
				t.Fatalf("two sign-ins with one recovery code: %v", got)
			}
			if mail := s.MailTo(m.email, "recovery_code_used", n+1); !strings.Contains(mail.Text, fmt.Sprintf("Recovery codes left: %d.", 9-n)) || strings.Contains(mail.Text, "member-") {
				t.Errorf("the notice to an address that is not verified: %s", mail.Text)
			}
		}
		if got := events(s, m.email); count(got, "RECOVERY_CODE_USED") != 5 || count(got, "SECOND_FACTOR_REFUSED") != 5 {
			t.Errorf("the events are %v", got)
		}
		x := of(s)
		token := x.begin(m)
		other := of(s).enroll(clock)
		for what, code := range map[string]string{
			"a used code": m.recovery[0], "a code of another account": other.recovery[0], "no code": "1234-5678", "an altered code": harness.Alter(m.recovery[6]),
		} {
			if r := x.do(second, harness.Input("continuationToken", token, "recoveryCode", code)); fmt.Sprint(r.Fields()) != "[input.recoveryCode INVALID]" {
				t.Errorf("%s: %s", what, r.Body)
			}
		}
		if got := count(events(s, m.email), "SECOND_FACTOR_REFUSED"); got != 9 {
			t.Errorf("%d refusals were recorded", got)
		}
		x.take(x.must(second, harness.Input("continuationToken", token, "recoveryCode", strings.ToLower(strings.ReplaceAll(m.recovery[6], "-", " ")))))
		if r := s.Do(x.token, left, nil); string(r.Data) != `{"me":{"recoveryCodesLeft":4}}` {
			t.Errorf("after six codes were used: %s", r.Body)
		}
		// A recovery code is enough to replace the codes, and to remove the lost app.
		renewed := x.must(renew, nil)
		if len(renewed.RecoveryCodes) != 10 || *renewed.User.RecoveryCodesLeft != 10 {
			t.Errorf("new codes: %+v", renewed)
		}
		y := of(s)
		token = y.begin(m)
		if r := y.do(second, harness.Input("continuationToken", token, "recoveryCode", m.recovery[7])); fmt.Sprint(r.Fields()) != "[input.recoveryCode INVALID]" {
			t.Errorf("a replaced code: %s", r.Body)
		}
		y.must(second, harness.Input("continuationToken", token, "recoveryCode", renewed.RecoveryCodes[9]))
	})
}

// A verified address gets the username in the notice.
func TestRecoveryNoticeNamesTheAccount(t *testing.T) {
	t.Parallel()
	clock := &harness.Clock{}
	s := harness.StartAt(t, clock).Work()
	c := &client{Service: s}
	m := c.enroll(clock)
	s.DB.Query(t, `UPDATE app.user_private SET email_verified_at = now()`)
	c.must(second, harness.Input("continuationToken", c.begin(m), "recoveryCode", m.recovery[0]))
	if mail := s.MailTo(m.email, "recovery_code_used", 1); !strings.Contains(mail.Text, strings.TrimSuffix(m.email, "@example.org")) {
		t.Errorf("the notice: %s", mail.Text)
	}
}

// O12: a reset by mail replaces the password, and nothing else: the second factor is still asked for.
func TestResetKeepsTheSecondFactor(t *testing.T) {
	t.Parallel()
	inEachWay(t, func(t *testing.T, of func(*harness.Service) *client) {
		clock := &harness.Clock{}
		s := harness.StartAt(t, clock).Work()
		c := of(s)
		m := c.enroll(clock)
		s.Do("", harness.RequestVerification, harness.Input("email", m.email))
		c.do(harness.VerifyEmail, harness.Input("email", m.email, "code", s.CodeTo(m.email, "verify_email", 1)))
		pending := of(s)
		token := pending.begin(m)
		s.Do("", harness.RequestReset, harness.Input("email", m.email))
		if r := s.Do("", harness.ResetPassword, harness.Input("email", m.email, "code", s.CodeTo(m.email, "reset_password", 1), "newPassword", harness.NewPassword)); len(r.Errors) > 0 {
			t.Fatal(r.Body)
		}
		// A sign-in that the old password began has ended.
		if r := pending.do(second, harness.Input("continuationToken", token, "code", m.next(t))); fmt.Sprint(r.Fields()) != "[input.continuationToken INVALID]" {
			t.Errorf("finishing a sign-in with the old password: %s", r.Body)
		}
		x := of(s)
		p := x.must(signIn, x.input("email", m.email, "password", harness.NewPassword))
		if p.SecondFactor == nil || p.Tokens.AccessToken != "" {
			t.Fatalf("a sign-in after a reset: %+v", p)
		}
		x.take(x.must(second, harness.Input("continuationToken", p.SecondFactor.ContinuationToken, "recoveryCode", m.recovery[0])))
		s.ExpectMember(x.token, m.email)
	})
}

// O12, O04: the address of an account was never verified, so a stranger may have signed up with it and added a second factor. The owner of
// the address gets in with a reset or a verification, and the stranger's app and codes are gone.
func TestFactorsOfAStrangerAreDeleted(t *testing.T) {
	t.Parallel()
	clock := &harness.Clock{}
	s := harness.StartAt(t, clock).Work()
	for what, proves := range map[string]func(email string){
		"a reset": func(email string) {
			s.Do("", harness.RequestReset, harness.Input("email", email))
			s.Must("", harness.ResetPassword, harness.Input("email", email, "code", s.CodeTo(email, "reset_password", 1), "newPassword", harness.NewPassword))
			owner := &client{Service: s}
			owner.take(owner.must(signIn, harness.Input("email", email, "password", harness.NewPassword)))
			s.ExpectMember(owner.token, email)
		},
		"a verification": func(email string) {
			s.Do("", harness.RequestVerification, harness.Input("email", email))
			s.Must("", harness.VerifyEmail, harness.Input("email", email, "code", s.CodeTo(email, "verify_email", 1)))
		},
	} {
		stranger := &client{Service: s}
		m := stranger.enroll(clock)
		token := (&client{Service: s}).begin(m)
		proves(m.email)
		s.ExpectNoSession(stranger.token, "revoked")
		if r := stranger.do(second, harness.Input("continuationToken", token, "recoveryCode", m.recovery[0])); fmt.Sprint(r.Fields()) != "[input.continuationToken INVALID]" {
			t.Errorf("%s: the stranger continues with %s", what, r.Body)
		}
		rest := s.DB.Query(t, `
			SELECT count(*) FROM app.user_private u LEFT JOIN app.credentials k ON k.user_id = u.user_id AND k.kind = 'TOTP' LEFT JOIN app.recovery_codes r ON r.user_id = u.user_id
			 WHERE u.email = $1 AND (k.id IS NOT NULL OR r.user_id IS NOT NULL)`, m.email)
		if rest[0] != "0" {
			t.Errorf("%s leaves %s factors of a stranger", what, rest[0])
		}
	}
}
