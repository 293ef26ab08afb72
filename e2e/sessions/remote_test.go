package sessions

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"freehold.dev/freehold/app"
	"freehold.dev/freehold/app/operate"
	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/db/dbtest"
	"freehold.dev/freehold/e2e/harness"
	"freehold.dev/freehold/remote"
)

// S21: another service accepts the tokens that name it, and follows a rotation of the keys.
func TestAnotherServiceVerifiesTokens(t *testing.T) {
	t.Parallel()
	var ahead atomic.Int64
	now := func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	d, dir := dbtest.New(t), t.TempDir()
	const issuer = "https://id.example"
	settings := []string{"FREEHOLD_DATA_DIR=" + dir, "FREEHOLD_ACCESS_TOKEN_TTL=12h", "FREEHOLD_PUBLIC_URL=" + issuer}
	s := harness.StartWith(t, d, harness.BothLayers, app.Options{Now: now}, append(settings, "FREEHOLD_TOKEN_AUDIENCES=posts,https://notes.example")...)
	closed := harness.StartWith(t, d, harness.BothLayers, app.Options{Now: now}, settings...)
	verifier, err := remote.New(remote.Options{
		Issuer: issuer, Audience: "https://notes.example", JWKSURL: s.URL + "/.well-known/jwks.json", Now: now, Failed: func(err error) { t.Error(err) },
	})
	if err != nil {
		t.Fatal(err)
	}
	notes := httptest.NewServer(verifier.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		viewer := auth.ViewerFrom(r.Context())
		fmt.Fprint(w, strings.TrimSpace(fmt.Sprintf("%s %s", viewer.UserID, viewer.Reason)))
	})))
	t.Cleanup(notes.Close)
	there := &harness.Service{T: t, URL: notes.URL}
	const anonymous, refused = "00000000-0000-0000-0000-000000000000", "00000000-0000-0000-0000-000000000000 invalid"
	expect := func(what, token, want string) {
		t.Helper()
		r := there.Send(harness.Request{Method: http.MethodGet, Path: "/notes", Token: token})
		challenged := strings.Contains(r.Header.Get("WWW-Authenticate"), "invalid_token")
		if r.Body != want || r.Status != http.StatusOK || challenged != (want == refused) {
			t.Errorf("%s: %d %s, challenged %v; want %s", what, r.Status, r.Body, challenged, want)
		}
	}
	a := s.SignUp(nil)
	s.ExpectMember(a.Token, a.Email)
	expect("a token that names the service", a.Token, a.UserID)
	expect("no token", "", anonymous)
	expect("an altered token", harness.Alter(a.Token), refused)
	b := closed.SignUp(nil)
	s.ExpectMember(b.Token, b.Email)
	expect("a token that does not name it", b.Token, refused)

	rotate := func() {
		t.Helper()
		if _, _, err := operate.RotateKeys(harness.Config(t, d.App, "FREEHOLD_DATA_DIR="+dir), now()); err != nil {
			t.Fatal(err)
		}
		ahead.Add(int64(11 * time.Minute))
	}
	rotate()
	next := s.SignIn(a.Email)
	if harness.DecodeHeader(t, next)["kid"] == harness.DecodeHeader(t, a.Token)["kid"] {
		t.Fatal("the new key does not sign")
	}
	expect("a token of the new key", next, a.UserID)
	expect("a token of the old key", a.Token, a.UserID)
	ahead.Add(int64(25 * time.Hour))
	rotate()
	expect("a token of a retired key", a.Token, refused)
	expect("a token of the newest key", s.SignIn(a.Email), a.UserID)
}
