// Package anonymous proves over HTTP that visitors can use anonymous accounts, that these become permanent with everything that belongs
// to them, and that they cannot fill the disk.
package anonymous

import (
	"encoding/json"
	"strings"
	"testing"

	"freehold.dev/freehold/db/dbtest"
	"freehold.dev/freehold/e2e/harness"
)

func TestMain(m *testing.M) { dbtest.Main(m, harness.Program.Migrations()...) }

const (
	on           = "FREEHOLD_ANONYMOUS=on"
	verifiedOnly = "FREEHOLD_REQUIRE_VERIFIED_EMAIL=on"
)

// The mutations, with one input, $i.
const (
	signUp      = `mutation ($i: SignUpAnonymouslyInput!) { signUpAnonymously(input: $i) { user { id anonymous email profile { id username } } tokens { accessToken refreshToken } } }`
	upgrade     = `mutation ($i: UpgradeAccountInput!) { upgradeAccount(input: $i) { user { id anonymous email emailVerified pendingEmail hasPassword profile { id username displayName bio } } } }`
	remove      = `mutation ($i: RemoveCredentialInput!) { removeCredential(input: $i) { user { id } } }`
	setPassword = `mutation ($i: SetPasswordInput!) { setPassword(input: $i) { user { hasPassword } } }`
	credentials = `{ me { credentials { id kind } } }`
)

// guest creates an anonymous account.
func guest(s *harness.Service, pairs ...any) harness.Account {
	s.T.Helper()
	var data struct {
		SignUpAnonymously struct {
			User struct {
				ID      string
				Profile struct{ ID, Username string }
			}
			Tokens struct{ AccessToken, RefreshToken string }
		}
	}
	s.Must("", signUp, harness.Input(pairs...)).Into(s.T, &data)
	p := data.SignUpAnonymously
	return harness.Account{
		UserID: p.User.ID, ProfileID: p.User.Profile.ID, Username: p.User.Profile.Username, Token: p.Tokens.AccessToken, Refresh: p.Tokens.RefreshToken,
	}
}

// credentialOf returns the id of the only credential in a reply to the query credentials.
func credentialOf(t *testing.T, r harness.Reply) string {
	t.Helper()
	var data struct {
		Me struct{ Credentials []struct{ ID string } }
	}
	if err := json.Unmarshal(r.Data, &data); err != nil || len(data.Me.Credentials) != 1 {
		t.Fatalf("not one credential: %s", r.Body)
	}
	return data.Me.Credentials[0].ID
}

// form is an upgrade with an address of a name.
func form(name string, further ...any) harness.Vars {
	return harness.Input(append([]any{"email", name + "@example.org", "password", harness.Password}, further...)...)
}

// has reports whether a reply has no error and this text.
func has(r harness.Reply, text string) bool {
	return len(r.Errors) == 0 && strings.Contains(r.Body, text)
}
