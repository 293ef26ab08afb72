package accounts

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"freehold.dev/freehold/app"
	"freehold.dev/freehold/db/dbtest"
	"freehold.dev/freehold/e2e/harness"
)

// wide returns ASCII as full-width characters.
func wide(text string) string {
	return strings.Map(func(r rune) rune { return r - '!' + '\uff01' }, text)
}

// in returns the service with its failures reported to a subtest.
func in(s *harness.Service, t *testing.T) *harness.Service {
	c := *s
	c.T = t
	return &c
}

// I14: each mutation that takes a code accepts it as people type and paste it.
func TestCodesAreUnderstoodAsPasted(t *testing.T) {
	t.Parallel()
	s := harness.Start(t).Work()
	for name, paste := range map[string]func(code string) string{
		"spaces":         func(c string) string { return " " + strings.Join(strings.Split(c, ""), " ") + "\n" },
		"line breaks":    func(c string) string { return "\r\n" + c[:3] + "\r\n\t" + c[3:] + "\u00a0\u3000" },
		"an en dash":     func(c string) string { return strings.Replace(c, "-", "\u2013", 1) },
		"a minus":        func(c string) string { return strings.Replace(c, "-", "\u2212", 1) },
		"no dash":        func(c string) string { return strings.Replace(c, "-", "", 1) },
		"invisible":      func(c string) string { return "\ufeff\u2068" + c[:4] + "\u200b\u00ad" + c[4:] + "\u2069\u200e" },
		"full-width":     wide,
		"and lower case": func(c string) string { return wide(strings.ToLower(c)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := in(s, t)
			a := s.SignUp(nil)
			s.Must("", harness.RequestVerification, harness.Input("email", a.Email))
			s.Must("", harness.VerifyEmail, harness.Input("email", a.Email, "code", paste(s.CodeTo(a.Email, "verify_email", 1))))
			s.Must("", harness.RequestReset, harness.Input("email", a.Email))
			s.Must("", harness.ResetPassword, harness.Input("email", a.Email, "code", paste(s.CodeTo(a.Email, "reset_password", 1)), "newPassword", harness.NewPassword))
			fillTokens(&a, t, s.Must("", harness.SignInMutation, harness.Input("email", a.Email, "password", harness.NewPassword)))
			s.Must(a.Token, harness.ChangeEmail, harness.Input("newEmail", "new-"+a.Email))
			s.Must(a.Token, harness.VerifyEmail, harness.Input("email", "new-"+a.Email, "code", paste(s.CodeTo("new-"+a.Email, "change_email", 1))))
		})
	}
}

// fillTokens sets the access token of a sign-in.
func fillTokens(a *harness.Account, t *testing.T, r harness.Reply) {
	t.Helper()
	var data struct {
		SignIn struct{ Tokens struct{ AccessToken string } }
	}
	if r.Into(t, &data); data.SignIn.Tokens.AccessToken == "" {
		t.Fatalf("no token: %s", r.Body)
	}
	a.Token = data.SignIn.Tokens.AccessToken
}

// I14: each input that takes an address ignores white space and invisible characters around it. They are neither stored nor
// in the recipient of a mail.
func TestAddressesAreUnderstoodAsPasted(t *testing.T) {
	t.Parallel()
	s := harness.Start(t).Work()
	for name, around := range map[string][2]string{
		"spaces": {"  ", " "}, "line breaks": {"\r\n", "\r\n"}, "a tab": {"", "\t"}, "Unicode's spaces": {"\u3000", "\u00a0"},
		"a byte order mark": {"\ufeff", "\u200b"}, "isolates": {"\u2068", "\u2069"}, "an embedding": {"\u202a", "\u202c"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := in(s, t)
			paste := func(email string) string { return around[0] + email + around[1] }
			a := harness.Account{Username: fmt.Sprint("pasted-", harness.Serial.Add(1))}
			a.Email = a.Username + "@example.org"
			a.Fill(t, s.Must("", harness.SignUpMutation, harness.Vars{"input": harness.Vars{"email": paste(a.Email), "password": harness.Password, "username": paste(a.Username)}}))
			s.ExpectMember(a.Token, a.Email)
			again := s.Do("", harness.SignUpMutation, harness.Vars{"input": harness.Vars{"email": paste(a.Email), "password": harness.Password, "username": paste(a.Username)}})
			if fmt.Sprint(again.Fields()) != "[input.email TAKEN input.username TAKEN]" || again.Code() != "CONFLICT" {
				t.Errorf("sign-up again: %s", again.Body)
			}
			s.Must("", harness.SignInMutation, harness.Input("email", paste(a.Email), "password", harness.Password))
			s.Must("", harness.RequestVerification, harness.Input("email", paste(a.Email)))
			s.Must("", harness.VerifyEmail, harness.Input("email", paste(a.Email), "code", s.CodeTo(a.Email, "verify_email", 1)))
			s.Must("", harness.RequestReset, harness.Input("email", paste(a.Email)))
			s.Must("", harness.ResetPassword, harness.Input("email", paste(a.Email), "code", s.CodeTo(a.Email, "reset_password", 1), "newPassword", harness.NewPassword))
			fillTokens(&a, t, s.Must("", harness.SignInMutation, harness.Input("email", paste(a.Email), "password", harness.NewPassword)))
			moved := "moved-" + a.Email
			s.Must(a.Token, harness.ChangeEmail, harness.Input("newEmail", paste(moved)))
			s.Must(a.Token, harness.VerifyEmail, harness.Input("email", paste(moved), "code", s.CodeTo(moved, "change_email", 1)))
			s.ExpectMember(a.Token, moved)
			r := s.Must(a.Token, harness.ChangeUsername, harness.Input("username", paste("moved-"+a.Username)))
			if !strings.Contains(r.Body, `"username":"moved-`+a.Username+`"`) {
				t.Errorf("the new username: %s", r.Body)
			}
			for _, table := range []string{"user_private WHERE email", "outbox WHERE recipient", "codes WHERE email"} {
				if kept := s.DB.Query(t, `SELECT count(*) FROM app.`+table+` ~ '[^!-~]'`); kept[0] != "0" {
					t.Errorf("%s: %s addresses are kept with what stood around them", table, kept[0])
				}
			}
		})
	}
}

// I14: phone numbers in any format are stored as E.164. I13: texts keep the characters that spelling needs; characters that hide
// or turn text are refused. Both hold in sign-ups and updates.
func TestTextsOfProfiles(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	a := s.SignUp(nil)
	const bad = "!"
	for _, c := range []struct{ field, typed, want string }{
		{"phoneNumber", "+49 (0)30 / 123-456", "+4930123456"},
		{"phoneNumber", "0049\u00a030.123\u2011456", "+4930123456"},
		{"phoneNumber", "\u202a+4930123456\u202c\r\n", "+4930123456"},
		{"phoneNumber", wide("+49") + "\u300030" + wide("123456"), "+4930123456"},
		{"phoneNumber", "030 123456", bad},
		{"phoneNumber", "+49 30 12x", bad},
		{"displayName", "\u05e9\u05dc\u05d5\u05dd\u200f!", "\u05e9\u05dc\u05d5\u05dd\u200f!"},
		{"displayName", "Donau\u00addampf\u200dschiff", "Donau\u00addampf\u200dschiff"},
		{"displayName", "\u0600\u0661\u0662", "\u0600\u0661\u0662"},
		{"displayName", "\tAnn\tLee\r\n", "Ann Lee"},
		{"displayName", "Ann\nLee", bad},
		{"displayName", "\u3164", bad},
		{"displayName", "\uffa0\u1160", bad},
		{"displayName", "\u2800\u2800", bad},
		{"displayName", "\u00ad\u200d", bad},
		{"displayName", "Ann\u202eeel", bad},
		{"displayName", "Ann\u2066", bad},
		{"displayName", "Ann\U000e0061\U000e007f", bad},
		{"displayName", "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f", "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"},
		{"location", "Rome\r\n", "Rome"},
		{"location", "Ro\rme", bad},
		{"location", "\u3164\u3164", bad},
		{"bio", "one\r\ntwo\rthree\n\tfour\r\n", "one\ntwo\nthree\n\tfour"},
		{"bio", "one\u2028two", "one\ntwo"},
		{"bio", "\u2800\n\u2800", bad},
		{"bio", "a\u202bb", bad},
		{"avatarUrl", " https://ann.example/a.png\r\n", "https://ann.example/a.png"},
		{"avatarUrl", "https://ann.example/a b.png", bad},
	} {
		name := fmt.Sprint("texts-", harness.Serial.Add(1))
		signUp := s.Do("", `mutation ($i: SignUpInput!) { signUp(input: $i) { user { profile { value: `+c.field+` } } } }`,
			harness.Input("email", name+"@example.org", "password", harness.Password, "username", name, "profile", harness.Vars{c.field: c.typed}))
		update := s.Do(a.Token, `mutation ($i: UpdateProfileInput!) { updateProfile(input: $i) { profile { value: `+c.field+` } } }`, harness.Input(c.field, c.typed))
		want, err := json.Marshal(c.want)
		if err != nil {
			t.Fatal(err)
		}
		for path, r := range map[string]harness.Reply{"input.profile." + c.field: signUp, "input." + c.field: update} {
			switch fields := r.Fields(); {
			case c.want == bad && (len(fields) != 1 || !strings.HasPrefix(fields[0], path+" INVALID")):
				t.Errorf("%s %q: %s, want a fault", path, c.typed, r.Body)
			case c.want != bad && !strings.Contains(r.Body, `"value":`+string(want)):
				t.Errorf("%s %q: %s, want %s", path, c.typed, r.Body, want)
			}
		}
	}
}

// A blank text clears each optional field, anywhere in a request. In a sign-up it means absent.
func TestBlankTextsClear(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	full := harness.Vars{
		"displayName": "Ann", "bio": "one", "avatarUrl": "https://ann.example/a.png", "websiteUrl": "https://ann.example/", "location": "Rome",
		"birthday": "1970-12-31", "phoneNumber": "+4930123456", "visibility": "MEMBERS",
	}
	const shown = `profile { displayName bio avatarUrl websiteUrl location birthday phoneNumber visibility }`
	const cleared = `"profile":{"displayName":null,"bio":null,"avatarUrl":null,"websiteUrl":null,"location":null,"birthday":null,"phoneNumber":null,"visibility":"`
	const object = `{displayName: "", bio: "", avatarUrl: " ", websiteUrl: "", location: " ", birthday: "", phoneNumber: """ """}`
	a := s.SignUp(nil)
	for _, blank := range []string{"", " ", "\t\r\n\u00a0\ufeff"} {
		emptied := harness.Vars{}
		for name := range full {
			if name != "visibility" {
				emptied[name] = blank
			}
		}
		b := harness.Vars{"t": blank, "u": blank, "d": blank}
		const variables = `{displayName: $t, bio: $t, avatarUrl: $u, websiteUrl: $u, location: $t, birthday: $d, phoneNumber: $t}`
		for what, update := range map[string]func() harness.Reply{
			"an object": func() harness.Reply {
				return s.Do(a.Token, `mutation ($i: UpdateProfileInput!) { updateProfile(input: $i) { `+shown+` } }`, harness.Vars{"i": emptied})
			},
			"variables": func() harness.Reply {
				return s.Do(a.Token, `mutation ($t: String, $u: URL, $d: Date) { updateProfile(input: `+variables+`) { `+shown+` } }`, b)
			},
			"literals": func() harness.Reply {
				return s.Do(a.Token, `mutation { updateProfile(input: `+object+`) { `+shown+` } }`, nil)
			},
			"a default": func() harness.Reply {
				return s.Do(a.Token, `mutation ($i: UpdateProfileInput! = `+object+`) { updateProfile(input: $i) { `+shown+` } }`, nil)
			},
			"defaults": func() harness.Reply {
				return s.Do(a.Token, `mutation ($t: String = "", $u: URL = "", $d: Date = " ") { updateProfile(input: `+variables+`) { `+shown+` } }`, nil)
			},
		} {
			s.Must(a.Token, updateProfile, harness.Vars{"i": full})
			if r := update(); !strings.Contains(r.Body, cleared+`MEMBERS"`) {
				t.Errorf("%q in %s: %s", blank, what, r.Body)
			}
		}
		for what, profile := range map[string]any{"an object": emptied, "nothing": nil} {
			name := fmt.Sprint("blank-", harness.Serial.Add(1))
			r := s.Do("", `mutation ($i: SignUpInput!) { signUp(input: $i) { user { `+shown+` } } }`,
				harness.Input("email", name+"@example.org", "password", harness.Password, "username", name, "profile", profile))
			if !strings.Contains(r.Body, cleared+`PRIVATE"`) {
				t.Errorf("a sign-up with %q in %s: %s", blank, what, r.Body)
			}
		}
	}
	expectFaults(t, "an enum", s.Do(a.Token, updateProfile, harness.Input("visibility", "")), "input.visibility INVALID")
	expectFaults(t, "null", s.Do(a.Token, updateProfile, harness.Input("visibility", nil)), "input.visibility NULL")
	expectFaults(t, "what is required", s.Do("", harness.SignUpMutation, harness.Vars{"input": harness.Vars{"email": "", "password": "", "username": " "}}), "input.email INVALID", "input.password TOO_SHORT", "input.username TOO_SHORT")
}

// A birthday may be today in any time zone.
func TestBirthdayMayBeToday(t *testing.T) {
	t.Parallel()
	o, now := app.Options{}, time.Now() // a fixed time, so that no day begins meanwhile
	o.Now = func() time.Time { return now }
	s := harness.StartWith(t, dbtest.New(t), harness.BothLayers, o)
	a := s.SignUp(nil)
	first := now.In(time.FixedZone("", 14*60*60))
	if r := s.Do(a.Token, updateProfile, harness.Input("birthday", first.Format(time.DateOnly))); len(r.Errors) > 0 {
		t.Errorf("today in UTC+14: %s", r.Body)
	}
	r := s.Do(a.Token, updateProfile, harness.Input("birthday", first.AddDate(0, 0, 1).Format(time.DateOnly)))
	expectParams(t, "tomorrow in UTC+14", r, "input.birthday", "IN_FUTURE", fmt.Sprintf("map[max:%s min:1900-01-01]", first.Format(time.DateOnly)))
	r = s.Do(a.Token, updateProfile, harness.Input("birthday", "1899-12-31"))
	expectParams(t, "long ago", r, "input.birthday", "OUT_OF_RANGE", fmt.Sprintf("map[max:%s min:1900-01-01]", first.Format(time.DateOnly)))
}

// I13: usernames that are reserved, or have dots at their ends or in a row, are refused in each mutation that sets one. An
// account keeps a name that is reserved later.
func TestReservedAndDottedUsernames(t *testing.T) {
	t.Parallel()
	list := func(text string) string {
		return "FREEHOLD_RESERVED_USERNAMES=" + filepath.Join(harness.WriteFiles(t, map[string]string{"reserved.txt": text}), "reserved.txt")
	}
	d, key := dbtest.New(t), "FREEHOLD_DATA_DIR="+t.TempDir()
	none := harness.StartWith(t, d, harness.BothLayers, app.Options{}, key, list("# none\n"))
	admin := none.SignUpAs("Admin", harness.Vars{"visibility": "PUBLIC"})
	ours := harness.StartWith(t, d, harness.BothLayers, app.Options{}, key)
	theirs := harness.StartWith(t, d, harness.BothLayers, app.Options{}, key, list("The_Boss # and nobody else\n"))
	a := none.SignUp(nil)
	for _, c := range []struct {
		s    *harness.Service
		code string
		text []string
	}{
		{ours, "RESERVED", []string{"root", "ROOT", "r.o-o_t", "support", "GraphQL", "nu.ll", "admin", "ad-min"}},
		{ours, "INVALID", []string{".ann", "ann.", "a..nn", "..."}},
		{ours, "", []string{"a.n.n", "rooted", "the-boss"}},
		{theirs, "RESERVED", []string{"TheBoss", "the.boss"}},
		{theirs, "", []string{"root", "null"}},
		{none, "", []string{"support"}},
	} {
		for _, username := range c.text {
			r := c.s.Do("", `query ($u: String!) { usernameAvailable(username: $u) }`, harness.Vars{"u": username})
			if want := fmt.Sprintf(`{"usernameAvailable":%v}`, c.code == ""); string(r.Data) != want {
				t.Errorf("%s: %s, want %s", username, r.Body, want)
			}
			signUp := c.s.Do("", harness.SignUpMutation, harness.Vars{"input": harness.Vars{"email": "x@example.org", "password": "short", "username": username}})
			change := c.s.Do(a.Token, harness.ChangeUsername, harness.Input("username", username))
			want := []string{"input.password TOO_SHORT"}
			if c.code == "" {
				if len(change.Errors) > 0 {
					t.Errorf("change to %s: %s", username, change.Body)
				}
			} else {
				want = append(want, "input.username "+c.code)
				expectFaults(t, "change to "+username, change, "input.username "+c.code)
			}
			expectFaults(t, "sign-up as "+username, signUp, want...)
		}
	}
	for _, s := range []*harness.Service{ours, theirs} {
		if r := s.Do("", `{ profile(username: "admin") { username } }`, nil); string(r.Data) != `{"profile":{"username":"Admin"}}` {
			t.Errorf("the profile with a name that was reserved later: %s", r.Body)
		}
		s.SignIn(admin.Email)
		s.Must(admin.Token, updateProfile, harness.Input("bio", "still here"))
	}
	for text, want := range map[string]string{"fine\nnot fine\n": "line 2 is not a username", "\u00fc": "line 1"} {
		setting := list(text)
		_, err := harness.Program.New(t.Context(), harness.Config(t, d.App, setting), app.Options{})
		if err == nil || !strings.Contains(err.Error(), "FREEHOLD_RESERVED_USERNAMES: "+want) {
			t.Errorf("%q: %v", text, err)
		}
	}
	if _, err := harness.Program.New(t.Context(), harness.Config(t, d.App, "FREEHOLD_RESERVED_USERNAMES=/nowhere/at/all"), app.Options{}); err == nil || !strings.Contains(err.Error(), "FREEHOLD_RESERVED_USERNAMES") {
		t.Errorf("no such file: %v", err)
	}
}
