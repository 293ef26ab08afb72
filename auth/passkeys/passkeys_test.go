package passkeys

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"freehold.dev/freehold/auth/passkeys/softkey"
)

const origin = "https://app.example.org"

func service(t *testing.T, v Verification) *Service {
	t.Helper()
	s, err := New(Config{RPID: "example.org", Name: "Example", Origins: []string{origin, "android:apk-key-hash:AAAA"}, Verification: v, Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// register registers a passkey of an authenticator.
func register(t *testing.T, s *Service, a *softkey.Authenticator, user User) (*Key, error) {
	t.Helper()
	options, c, err := s.StartRegistration(user, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := a.Create(options)
	if err != nil {
		t.Fatal(err)
	}
	return s.FinishRegistration(c, answer)
}

func newUser() User { return User{ID: uuid.New(), Name: "ann"} }

func TestOptionsAreWhatBrowsersParse(t *testing.T) {
	t.Parallel()
	s, user := service(t, Preferred), newUser()
	key := Key{ID: []byte{1, 2, 3}, Transports: []string{"usb"}}
	creation, _, err := s.StartRegistration(user, []Key{key})
	if err != nil {
		t.Fatal(err)
	}
	signIn, _, err := s.StartSignIn()
	if err != nil {
		t.Fatal(err)
	}
	proof, _, err := s.StartProof(user, []Key{key})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		options json.RawMessage
		want    []string
		not     string
	}{
		"create": {creation, []string{
			`"rp":{"name":"Example","id":"example.org"}`, `"residentKey":"required"`, `"userVerification":"preferred"`, `"attestation":"none"`,
			`"excludeCredentials":[{"type":"public-key","id":"AQID","transports":["usb"]}]`, `"timeout":60000`,
		}, "publicKey"},
		"get":   {signIn, []string{`"rpId":"example.org"`, `"userVerification":"preferred"`}, "allowCredentials"},
		"prove": {proof, []string{`"allowCredentials":[{"type":"public-key","id":"AQID","transports":["usb"]}]`}, "publicKey"},
	} {
		for _, want := range c.want {
			if !strings.Contains(string(c.options), want) {
				t.Errorf("%s: %s lacks %s", name, c.options, want)
			}
		}
		if strings.Contains(string(c.options), c.not+`"`) {
			t.Errorf("%s: %s has %s", name, c.options, c.not)
		}
	}
}

func TestRegistration(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name         string
		verification Verification
		misbehave    func(*softkey.Authenticator)
		refused      string // a part of the error; "" if it is accepted
	}{
		{"a good authenticator", Required, func(*softkey.Authenticator) {}, ""},
		{"an app", Preferred, func(a *softkey.Authenticator) { a.Origin = "android:apk-key-hash:AAAA" }, ""},
		{"no verification, if preferred", Preferred, func(a *softkey.Authenticator) { a.Verified = false }, ""},
		{"no verification, if required", Required, func(a *softkey.Authenticator) { a.Verified = false }, "User verification"},
		{"nobody is present", Preferred, func(a *softkey.Authenticator) { a.Present = false }, "User presence"},
		{"another origin", Preferred, func(a *softkey.Authenticator) { a.Origin = "https://example.org.evil.example" }, "origin"},
		{"the origin of another port", Preferred, func(a *softkey.Authenticator) { a.Origin = origin + ":8443" }, "origin"},
		{"another app", Preferred, func(a *softkey.Authenticator) { a.Origin = "android:apk-key-hash:BBBB" }, "origin"},
		{"a frame of another origin", Preferred, func(a *softkey.Authenticator) { a.CrossOrigin = true }, "cross origin"},
		{"another RP", Preferred, func(a *softkey.Authenticator) { a.RPID = "evil.example" }, "RP Hash"},
		{"an answer of another kind", Preferred, func(a *softkey.Authenticator) { a.Type = "webauthn.get" }, "ceremony type"},
		{"backed up, but not eligible", Preferred, func(a *softkey.Authenticator) { a.Eligible = false }, "Backup"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			a := softkey.New(origin)
			c.misbehave(a)
			key, err := register(t, service(t, c.verification), a, newUser())
			switch {
			case c.refused == "" && err != nil:
				t.Fatal(err)
			case c.refused == "":
				if string(key.ID) != string(a.Keys[0].ID) || key.UserVerified != a.Verified || !key.BackupEligible || !key.BackedUp || len(key.Transports) != 2 {
					t.Errorf("the key is %+v", key)
				}
			case err == nil || !strings.Contains(err.Error(), c.refused):
				t.Errorf("the error is %v, want one with %q", err, c.refused)
			}
		})
	}
}

func TestRegistrationNeedsItsOwnChallenge(t *testing.T) {
	t.Parallel()
	s, a, user := service(t, Preferred), softkey.New(origin), newUser()
	options, _, err := s.StartRegistration(user, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, other, err := s.StartRegistration(user, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := a.Create(options)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.FinishRegistration(other, answer); err == nil || !strings.Contains(err.Error(), "challenge") {
		t.Errorf("the answer to another challenge: %v", err)
	}
}

func TestVerify(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name         string
		verification Verification
		misbehave    func(*softkey.Authenticator)
		tamper       func(response map[string]string) // texts in base64url
		refused      string
	}{
		{name: "a good authenticator", verification: Required},
		{name: "a counter that increases", misbehave: func(a *softkey.Authenticator) { a.Step = 1 }},
		{name: "no verification, if preferred", misbehave: func(a *softkey.Authenticator) { a.Verified = false }},
		{name: "no longer backed up", misbehave: func(a *softkey.Authenticator) { a.BackedUp = false }},
		{name: "no verification, if required", verification: Required, misbehave: func(a *softkey.Authenticator) { a.Verified = false }, refused: "User verification"},
		{name: "nobody is present", misbehave: func(a *softkey.Authenticator) { a.Present = false }, refused: "User presence"},
		{name: "another origin", misbehave: func(a *softkey.Authenticator) { a.Origin = "https://evil.example" }, refused: "origin"},
		{name: "another RP", misbehave: func(a *softkey.Authenticator) { a.RPID = "evil.example" }, refused: "RP Hash"},
		{name: "an answer of another kind", misbehave: func(a *softkey.Authenticator) { a.Type = "webauthn.create" }, refused: "ceremony type"},
		{name: "no longer eligible for backup", misbehave: func(a *softkey.Authenticator) { a.Eligible, a.BackedUp = false, false }, refused: "Backup Eligible"},
		{name: "another user", misbehave: func(a *softkey.Authenticator) { id := uuid.New(); a.Keys[0].UserID = id[:] }, refused: "User handle"},
		{name: "no user", misbehave: func(a *softkey.Authenticator) { a.Keys[0].UserID = nil }, refused: "User Handle"},
		{name: "a signature that was changed", tamper: func(r map[string]string) { r["signature"] = flip(r["signature"]) }, refused: "signature"},
		{name: "data that were changed", tamper: func(r map[string]string) { r["authenticatorData"] = flip(r["authenticatorData"]) }, refused: "signature"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s, a, user := service(t, c.verification), softkey.New(origin), newUser()
			key, err := register(t, s, a, user)
			if err != nil {
				t.Fatal(err)
			}
			if c.misbehave != nil {
				c.misbehave(a)
			}
			for _, start := range []func() (json.RawMessage, Ceremony, error){
				s.StartSignIn, func() (json.RawMessage, Ceremony, error) {
					return s.StartProof(user, []Key{{ID: []byte("another")}, *key})
				},
			} {
				options, ceremony, err := start()
				if err != nil {
					t.Fatal(err)
				}
				text, err := a.Get(options)
				if err != nil {
					t.Fatal(err)
				}
				answer, err := ReadAnswer(tampered(t, text, c.tamper))
				if err != nil {
					t.Fatal(err)
				}
				use, err := s.Verify(ceremony, answer, user.ID, *key)
				switch {
				case c.refused == "" && err != nil:
					t.Fatal(err)
				case c.refused == "":
					if use.UserVerified != a.Verified || use.BackedUp != a.BackedUp || use.SignCount != a.Keys[0].Counter {
						t.Errorf("the use is %+v", use)
					}
				case err == nil && strings.Contains(string(options), "allowCredentials") && c.name == "no user": // the options named the passkeys
				case err == nil || !strings.Contains(err.Error(), c.refused):
					t.Errorf("the error is %v, want one with %q", err, c.refused)
				}
			}
		})
	}
}

// flip changes the fifth last character, which is in a value that is compared or signed.
func flip(text string) string {
	b := []byte(text)
	at := len(b) - 5
	if b[at] == 'A' {
		b[at] = 'B'
	} else {
		b[at] = 'A'
	}
	return string(b)
}

func tampered(t *testing.T, text json.RawMessage, tamper func(map[string]string)) json.RawMessage {
	t.Helper()
	if tamper == nil {
		return text
	}
	var answer map[string]any
	if err := json.Unmarshal(text, &answer); err != nil {
		t.Fatal(err)
	}
	response := map[string]string{}
	for name, value := range answer["response"].(map[string]any) {
		response[name] = value.(string)
	}
	tamper(response)
	answer["response"] = response
	text, err := json.Marshal(answer)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestVerifyRefusesACopy(t *testing.T) {
	t.Parallel()
	s, a, user := service(t, Preferred), softkey.New(origin), newUser()
	a.Step = 5
	key, err := register(t, s, a, user)
	if err != nil {
		t.Fatal(err)
	}
	for _, counter := range []uint32{0, 4, 5} {
		a.Keys[0].Counter, a.Step = counter, 0
		options, c, err := s.StartSignIn()
		if err != nil {
			t.Fatal(err)
		}
		text, err := a.Get(options)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := ReadAnswer(text)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Verify(c, answer, user.ID, *key); !errors.Is(err, ErrReplayed) {
			t.Errorf("the counter %d after 5: %v", counter, err)
		}
	}
}

func TestProofRefusesAPasskeyThatWasNotAskedFor(t *testing.T) {
	t.Parallel()
	s, a, user := service(t, Preferred), softkey.New(origin), newUser()
	key, err := register(t, s, a, user)
	if err != nil {
		t.Fatal(err)
	}
	_, c, err := s.StartProof(user, []Key{{ID: []byte("another")}})
	if err != nil {
		t.Fatal(err)
	}
	session, _, err := c.decode()
	if err != nil {
		t.Fatal(err)
	}
	text, err := a.Assert("example.org", session.Challenge, a.Keys[0])
	if err != nil {
		t.Fatal(err)
	}
	answer, err := ReadAnswer(text)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Verify(c, answer, user.ID, *key); err == nil {
		t.Error("a passkey that was not asked for is accepted")
	}
}

func TestAnswersThatAreNone(t *testing.T) {
	t.Parallel()
	s := service(t, Preferred)
	_, c, err := s.StartRegistration(newUser(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		``, `null`, `[]`, `{}`, `"x"`, `{"id":"AQID","rawId":"AQID","type":"password","response":{}}`,
		`{"id":"AQID","rawId":"AQID","type":"public-key","response":{"clientDataJSON":"e30","authenticatorData":"AA","attestationObject":"oA","signature":"AA"}}`,
	} {
		if _, err := ReadAnswer([]byte(text)); err == nil {
			t.Errorf("%s is an answer", text)
		}
		if _, err := s.FinishRegistration(c, []byte(text)); err == nil {
			t.Errorf("%s is a registration", text)
		}
	}
}

func TestConfig(t *testing.T) {
	t.Parallel()
	six := []string{"https://a.example", "https://b.example", "https://c.example", "https://d.example", "https://e.example", "https://f.example"}
	for _, c := range []struct {
		rpID    string
		origins []string
		ok      bool
	}{
		{"example.org", []string{origin}, true},
		{"localhost", []string{"http://localhost:8080"}, true},
		{"example.org", []string{"https://example.org", "https://example.co.uk", "https://www.example.de"}, true},
		{"example.org", six[:5], true},
		{"example.org", six, false},
		{"example.org", []string{"http://app.example.org"}, false},
		{"example.org", []string{"app.example.org"}, false},
		{"example.org", []string{"android:apk-key-hash:AAAA"}, false}, // no page
		{"127.0.0.1", []string{origin}, false},
		{"https://example.org", []string{origin}, false},
		{"example.org:8443", []string{origin}, false},
		{"", []string{origin}, false},
	} {
		if _, err := New(Config{RPID: c.rpID, Origins: c.origins, Name: "x", Verification: Preferred, Timeout: time.Minute}); (err == nil) != c.ok {
			t.Errorf("%s %v: %v", c.rpID, c.origins, err)
		}
	}
	related, err := json.Marshal(service(t, Preferred).RelatedOrigins())
	if want := `{"origins":["https://app.example.org"]}`; err != nil || string(related) != want {
		t.Errorf("the related origins are %s (%v), want %s", related, err, want)
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]string{
		"bada5566-a7aa-401f-bd96-45619a55120d": "1Password", "00000000-0000-0000-0000-000000000000": DefaultName,
	} {
		if got := NameOf(uuid.MustParse(id)); got != want {
			t.Errorf("%s is %q, want %q", id, got, want)
		}
	}
	for id := range products {
		if parsed, err := uuid.Parse(id); err != nil || parsed.String() != id {
			t.Errorf("%s is no AAGUID", id)
		}
	}
}
