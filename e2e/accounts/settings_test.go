package accounts

import (
	"strings"
	"testing"

	"freehold.dev/freehold/e2e/harness"
	"github.com/google/go-cmp/cmp"
)

const settingsQuery = `{ settings {
	passwordLength { min max } usernameLength { min max } displayNameLength { min max } bioLength { min max } locationLength { min max }
	verifiedEmailRequired anonymousAccounts defaultVisibility codeLifetimeSeconds reauthenticationSeconds usernameHoldSeconds
	requestLimits { pageSize defaultPageSize nodeIds cost depth aliases tokens bytes replyBytes }
} }`

type length struct{ Min, Max int }

type settings struct {
	PasswordLength, UsernameLength, DisplayNameLength, BioLength, LocationLength length
	VerifiedEmailRequired, AnonymousAccounts                                     bool
	DefaultVisibility                                                            string
	CodeLifetimeSeconds, ReauthenticationSeconds, UsernameHoldSeconds            int
	RequestLimits                                                                struct{ PageSize, DefaultPageSize, NodeIds, Cost, Depth, Aliases, Tokens, Bytes, ReplyBytes int }
}

func readSettings(s *harness.Service) settings {
	s.T.Helper()
	var data struct{ Settings settings }
	s.Must("", settingsQuery, nil).Into(s.T, &data)
	return data.Settings
}

// The settings that a form needs are public, and equal the configuration.
func TestSettings(t *testing.T) {
	t.Parallel()
	want := settings{
		PasswordLength: length{8, 256}, UsernameLength: length{3, 30}, DisplayNameLength: length{0, 100}, BioLength: length{0, 1000}, LocationLength: length{0, 100},
		DefaultVisibility: "PRIVATE", CodeLifetimeSeconds: 1800, ReauthenticationSeconds: 1800, UsernameHoldSeconds: 720 * 3600,
	}
	want.RequestLimits.PageSize, want.RequestLimits.DefaultPageSize, want.RequestLimits.NodeIds = 100, 20, 100
	want.RequestLimits.Cost, want.RequestLimits.Depth, want.RequestLimits.Aliases = 10000, 20, 50
	want.RequestLimits.Tokens, want.RequestLimits.Bytes, want.RequestLimits.ReplyBytes = 1000, 131072, 1<<20
	if d := cmp.Diff(want, readSettings(harness.Start(t))); d != "" {
		t.Errorf("by default (-want +got):\n%s", d)
	}
	want.PasswordLength.Min, want.VerifiedEmailRequired, want.AnonymousAccounts, want.DefaultVisibility = 15, true, true, "MEMBERS"
	want.CodeLifetimeSeconds, want.ReauthenticationSeconds, want.UsernameHoldSeconds = 600, 90, 3600
	want.RequestLimits.Cost, want.RequestLimits.Depth, want.RequestLimits.Aliases = 5000, 9, 3
	want.RequestLimits.Tokens, want.RequestLimits.Bytes, want.RequestLimits.ReplyBytes = 900, 4096, 20000
	s := harness.Start(t, verifiedOnly, "FREEHOLD_ANONYMOUS=on", "FREEHOLD_PASSWORD_MIN_LENGTH=15", "FREEHOLD_DEFAULT_VISIBILITY=MEMBERS", "FREEHOLD_CODE_LIFETIME=10m", "FREEHOLD_REAUTH_AFTER=90s",
		"FREEHOLD_USERNAME_HOLD=1h", "FREEHOLD_COST_LIMIT=5000", "FREEHOLD_DEPTH_LIMIT=9", "FREEHOLD_ALIAS_LIMIT=3", "FREEHOLD_TOKEN_LIMIT=900", "FREEHOLD_BODY_LIMIT=4096", "FREEHOLD_REPLY_LIMIT=20000")
	if d := cmp.Diff(want, readSettings(s)); d != "" {
		t.Errorf("as configured (-want +got):\n%s", d)
	}
}

// Inputs are checked by the values of the settings: the longest and shortest texts pass, and one character more or less fails.
func TestInputsAreCheckedByTheSettings(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, "FREEHOLD_PASSWORD_MIN_LENGTH=12")
	in := readSettings(s)
	letters := func(n int) string { return strings.Repeat("qzx9", n/4+1)[:max(0, n)] }
	for path, c := range map[string]struct {
		length length
		input  func(text string) harness.Vars
	}{
		"input.password":            {in.PasswordLength, func(text string) harness.Vars { return harness.Vars{"password": text} }},
		"input.username":            {in.UsernameLength, func(text string) harness.Vars { return harness.Vars{"username": text} }},
		"input.profile.displayName": {in.DisplayNameLength, func(text string) harness.Vars { return harness.Vars{"profile": harness.Vars{"displayName": text}} }},
		"input.profile.bio":         {in.BioLength, func(text string) harness.Vars { return harness.Vars{"profile": harness.Vars{"bio": text}} }},
		"input.profile.location":    {in.LocationLength, func(text string) harness.Vars { return harness.Vars{"profile": harness.Vars{"location": text}} }},
	} {
		for n, want := range map[int]string{c.length.Min - 1: "TOO_SHORT", c.length.Min: "", c.length.Max: "", c.length.Max + 1: "TOO_LONG"} {
			if n < 0 {
				continue
			}
			v := harness.Vars{"email": "nobody", "password": harness.Password, "username": "somebody"} // an address that is refused, so that no account is created
			for name, value := range c.input(letters(n)) {
				v[name] = value
			}
			r := s.Do("", harness.SignUpMutation, harness.Vars{"input": v})
			if refused := strings.Contains(r.Body, `"`+path+`"`); refused != (want != "") || !strings.Contains(r.Body, want) {
				t.Errorf("%s of %d characters: %s, want %q", path, n, r.Body, want)
			}
		}
	}
	a := s.SignUp(nil)
	ids := make([]string, in.RequestLimits.NodeIds+1)
	for i := range ids {
		ids[i] = a.UserID
	}
	const nodes, page = `query ($ids: [ID!]!) { nodes(ids: $ids) { id } }`, `query ($n: Int) { profiles(first: $n) { nodes { id } } }`
	for what, c := range map[string]struct {
		r    harness.Reply
		code string
	}{
		"ids":              {s.Do("", nodes, harness.Vars{"ids": ids[1:]}), ""},
		"too many ids":     {s.Do("", nodes, harness.Vars{"ids": ids}), "BAD_USER_INPUT"},
		"a page":           {s.Do("", page, harness.Vars{"n": in.RequestLimits.PageSize}), ""},
		"too large a page": {s.Do("", page, harness.Vars{"n": in.RequestLimits.PageSize + 1}), "BAD_USER_INPUT"},
	} {
		if c.r.Code() != c.code {
			t.Errorf("%s: %s, want %q", what, c.r.Body, c.code)
		}
	}
}
