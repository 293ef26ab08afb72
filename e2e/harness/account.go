package harness

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
)

// Account is a member as a client knows him.
type Account struct {
	UserID, ProfileID, Username, Email, Token, Refresh string
}

const Password = "correct horse battery staple"

var Serial atomic.Int64

// SignUp makes a member, with further fields of his profile.
func (s *Service) SignUp(profile Vars) Account {
	s.T.Helper()
	name := fmt.Sprintf("member-%d", Serial.Add(1))
	return s.SignUpAs(name, profile)
}

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

// DecodeClaims reads a JWT's claims without verifying it.
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

// What V keeps to himself.
const (
	CanaryPhone    = "+4999900011122"
	CanaryBirthday = "1961-04-12"
)

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

const NewPassword = "a quite different sentence"

// TrySignIn is a sign-in that may fail.
func (s *Service) TrySignIn(email, password string) Reply {
	s.T.Helper()
	return s.Do("", SignInMutation, Input("email", email, "password", password))
}

const WrongCode = "input.code INVALID"

// Refresh presents a refresh token and returns what it was exchanged for, or the reason why it was not.
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

// refreshByCookie is refresh for a browser whose access token is gone: any request renews the session.
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

func (s *Service) ExpectMember(token, email string) {
	s.T.Helper()
	if r := s.Do(token, `{ me { email } }`, nil); !strings.Contains(r.Body, email) {
		s.T.Errorf("the session of %s is over: %s", email, r.Body)
	}
	b := &Browser{Service: s, Access: token}
	if r := b.Do(`{ me { email } }`, nil); !strings.Contains(r.Body, email) || b.Access != token {
		s.T.Errorf("by its cookie the session of %s is over: %s", email, r.Body)
	}
}

// AgeSessions makes as if the last rotation of each session was so long ago.
func (s *Service) AgeSessions(seconds int) {
	s.T.Helper()
	s.DB.Query(s.T, `UPDATE app.sessions SET (rotated_at, last_used_at) = (rotated_at - make_interval(secs => $1), last_used_at - make_interval(secs => $1))`, seconds)
}

// expectNobody: public fields answer, the rest is UNAUTHENTICATED with the reason. So it is for the token as a cookie,
// which is taken back.
func (s *Service) ExpectNoSession(token, reason string) {
	s.T.Helper()
	ways := map[string]func(query string) Reply{"header": func(query string) Reply { return s.Do(token, query, nil) }}
	if token != "" {
		ways["cookie"] = func(query string) Reply {
			b := &Browser{Service: s, Access: token}
			r := b.Do(query, nil)
			if b.Access != "" {
				s.T.Errorf("a cookie that is %s was not taken back: %v", reason, r.Header)
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

// Alter is a token with a letter of its middle changed.
func Alter(token string) string {
	at, letter := len(token)/2, "A"
	if token[at] == 'A' {
		letter = "B"
	}
	return token[:at] + letter + token[at+1:]
}

// AgeAuthentication makes all sessions of an account ones whose password was entered long ago.
func (s *Service) AgeAuthentication(a Account) {
	s.T.Helper()
	s.DB.Query(s.T, `UPDATE app.sessions SET authenticated_at = authenticated_at - interval '31 minutes' WHERE user_id = $1`, a.UserID)
}

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
