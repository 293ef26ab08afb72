package harness

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
)

// Account is a member as their client knows them.
type Account struct {
	UserID, ProfileID, Username, Email, Token, Refresh string
}

// Password is the password of members.
const Password = "correct horse battery staple"

// Serial numbers what needs a unique name.
var Serial atomic.Int64

// SignUp creates a member with further fields of the profile.
func (s *Service) SignUp(profile Vars) Account {
	s.T.Helper()
	name := fmt.Sprintf("member-%d", Serial.Add(1))
	return s.SignUpAs(name, profile)
}

// SignUpAs is SignUp with a username, which is also in the email address.
func (s *Service) SignUpAs(name string, profile Vars) Account {
	s.T.Helper()
	a := Account{Username: name, Email: name + "@example.org"}
	r := s.Do("", SignUpMutation, Vars{"input": Vars{"email": a.Email, "password": Password, "username": name, "profile": profile}})
	if len(r.Errors) > 0 {
		s.T.Fatalf("sign up %s: %s", name, r.Body)
	}
	a.Fill(s.T, r)
	return a
}

// Fill sets the ids and tokens from the reply to a sign-up.
func (a *Account) Fill(t testing.TB, r Reply) {
	t.Helper()
	var data struct {
		SignUp struct {
			User struct {
				ID      string
				Profile struct{ ID string }
			}
			Tokens struct{ AccessToken, RefreshToken string }
		}
	}
	r.Into(t, &data)
	a.UserID, a.ProfileID = data.SignUp.User.ID, data.SignUp.User.Profile.ID
	a.Token, a.Refresh = data.SignUp.Tokens.AccessToken, data.SignUp.Tokens.RefreshToken
	if a.UserID == "" || a.ProfileID == "" || a.Token == "" || a.Refresh == "" {
		t.Fatalf("a sign-up without user, profile or tokens: %s", r.Body)
	}
}

// DecodeClaims returns a JWT's claims without verifying it.
func DecodeClaims(t testing.TB, token string) (claims map[string]any) {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("%q is no JWT", token)
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &claims); err != nil {
		t.Fatal(err)
	}
	return claims
}

// DecodeHeader returns a JWT's header without verifying it.
func DecodeHeader(t testing.TB, token string) map[string]any {
	t.Helper()
	header, _, _ := strings.Cut(token, ".")
	return DecodeClaims(t, "."+header+".")
}

// Private values of a profile that tests look for in replies.
const (
	CanaryPhone    = "+4999900011122"
	CanaryBirthday = "1961-04-12"
)

// SignIn starts another session of a member and returns its access token.
func (s *Service) SignIn(email string) string {
	s.T.Helper()
	r := s.Do("", `mutation ($i: SignInInput!) { signIn(input: $i) { tokens { accessToken } } }`, Vars{"i": Vars{"email": email, "password": Password}})
	var data struct {
		SignIn struct{ Tokens struct{ AccessToken string } }
	}
	r.Into(s.T, &data)
	if data.SignIn.Tokens.AccessToken == "" {
		s.T.Fatalf("sign in: %s", r.Body)
	}
	return data.SignIn.Tokens.AccessToken
}

// NewPassword is the password that members change to.
const NewPassword = "a quite different sentence"

// TrySignIn signs in, which may fail.
func (s *Service) TrySignIn(email, password string) Reply {
	s.T.Helper()
	return s.Do("", SignInMutation, Input("email", email, "password", password))
}

// WrongCode is the field of the error for a wrong code, as Reply.Fields returns it.
const WrongCode = "input.code INVALID"

// Refresh exchanges a refresh token. It returns the new tokens, or the reason of the refusal.
func (s *Service) Refresh(token string) (access, next, reason string) {
	s.T.Helper()
	if s.ByCookie {
		return s.refreshByCookie(token)
	}
	r := s.Do("", RefreshMutation, Vars{"t": token})
	if len(r.Errors) > 0 {
		if r.Code() != "UNAUTHENTICATED" || !strings.Contains(r.Body, `"refreshSession":null`) {
			s.T.Errorf("a refusal that is not UNAUTHENTICATED: %s", r.Body)
		}
		return "", "", r.Errors[0].Extensions.Reason
	}
	var data struct {
		RefreshSession struct {
			Tokens struct{ AccessToken, RefreshToken string }
		}
	}
	r.Into(s.T, &data)
	return data.RefreshSession.Tokens.AccessToken, data.RefreshSession.Tokens.RefreshToken, ""
}

// refreshByCookie is Refresh for a browser whose access token is gone: any request renews the session.
func (s *Service) refreshByCookie(token string) (access, next, reason string) {
	s.T.Helper()
	b := &Browser{Service: s, Refresh: token}
	r := b.Do(`mutation { updateProfile(input: {bio: "x"}) { profile { id } } }`, nil)
	if b.Access != "" {
		return b.Access, b.Refresh, ""
	}
	if r.Code() != "UNAUTHENTICATED" || b.Refresh != "" {
		s.T.Errorf("a refusal that is not UNAUTHENTICATED, or with a cookie left: %s", r.Body)
		return "", "", ""
	}
	return "", "", r.Errors[0].Extensions.Reason
}

// ExpectMember checks that an access token is that of a member, in the header and as a cookie.
func (s *Service) ExpectMember(token, email string) {
	s.T.Helper()
	if r := s.Do(token, `{ me { email } }`, nil); !strings.Contains(r.Body, email) {
		s.T.Errorf("the session of %s has ended: %s", email, r.Body)
	}
	b := &Browser{Service: s, Access: token}
	if r := b.Do(`{ me { email } }`, nil); !strings.Contains(r.Body, email) || b.Access != token {
		s.T.Errorf("by its cookie the session of %s has ended: %s", email, r.Body)
	}
}

// AgeSessions moves the last rotation of each session into the past.
func (s *Service) AgeSessions(seconds int) {
	s.T.Helper()
	s.DB.Query(s.T, `UPDATE app.sessions SET (rotated_at, last_used_at) = (rotated_at - make_interval(secs => $1), last_used_at - make_interval(secs => $1))`, seconds)
}

// ExpectNoSession checks that a token makes the viewer anonymous: public fields have their values, and other fields are
// UNAUTHENTICATED with the reason. As a cookie, the token is also deleted.
func (s *Service) ExpectNoSession(token, reason string) {
	s.T.Helper()
	ways := map[string]func(query string) Reply{"header": func(query string) Reply { return s.Do(token, query, nil) }}
	if token != "" {
		ways["cookie"] = func(query string) Reply {
			b := &Browser{Service: s, Access: token}
			r := b.Do(query, nil)
			if b.Access != "" {
				s.T.Errorf("a cookie that is %s was not deleted: %v", reason, r.Header)
			}
			return r
		}
	}
	for way, ask := range ways {
		r := ask(MeQuery)
		if string(r.Data) != `{"me":null,"profiles":{"pageInfo":{"hasNextPage":false}}}` || r.Status != 200 {
			s.T.Errorf("public fields for a token, by %s, that is %s: %s", way, reason, r.Body)
		}
		challenge := r.Header.Get("WWW-Authenticate")
		switch {
		case token == "":
			if len(r.Errors) > 0 || challenge != "" {
				s.T.Errorf("me without a token: %s %q", r.Body, challenge)
			}
		case r.Code() != "UNAUTHENTICATED" || fmt.Sprint(r.Errors[0].Path) != "[me]" || r.Errors[0].Extensions.Reason != reason ||
			!strings.HasPrefix(challenge, `Bearer error="invalid_token", error_description="The `):
			s.T.Errorf("me with a token, by %s, that is %s: %s %q", way, reason, r.Body, challenge)
		}
		for _, query := range []string{`mutation { revokeOtherSessions { count } }`, `mutation { updateProfile(input: {bio: "x"}) { profile { id } } }`} {
			if r := ask(query); r.Code() != "UNAUTHENTICATED" || r.Errors[0].Extensions.Reason != reason {
				s.T.Errorf("%s with a token, by %s, that is %s: %s", query, way, reason, r.Body)
			}
		}
	}
}

// Alter returns a token with a letter in its middle changed.
func Alter(token string) string {
	at, letter := len(token)/2, "A"
	if token[at] == 'A' {
		letter = "B"
	}
	return token[:at] + letter + token[at+1:]
}

// AgeAuthentication makes it long ago that the password was entered in the sessions of an account.
func (s *Service) AgeAuthentication(a Account) {
	s.T.Helper()
	s.DB.Query(s.T, `UPDATE app.sessions SET authenticated_at = authenticated_at - interval '31 minutes' WHERE user_id = $1`, a.UserID)
}

// Starter is a function such as Start.
type Starter func(t testing.TB, further ...string) *Service

// EachWay runs a test of refreshing with tokens in bodies, and with cookies.
func EachWay(t *testing.T, test func(t *testing.T, start Starter)) {
	t.Helper()
	for name, byCookie := range map[string]bool{"tokens": false, "cookies": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, func(t testing.TB, further ...string) *Service {
				s := Start(t, further...)
				s.ByCookie = byCookie
				return s
			})
		})
	}
}
