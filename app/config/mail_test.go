package config

import (
	"fmt"
	"strings"
	"testing"
)

// Each setting of mails is checked at start-up. The error names the setting and shows no value.
func TestMailSettingsAreChecked(t *testing.T) {
	t.Parallel()
	const canary = "canary"
	production := []string{"FREEHOLD_ENV=production", "FREEHOLD_PUBLIC_URL=https://id.example.org", "DATABASE_URL=postgres://x", "FREEHOLD_SIGNING_KEY_FILE=x"}
	pages := []string{"FREEHOLD_VERIFY_EMAIL_URL", "FREEHOLD_RESET_PASSWORD_URL", "FREEHOLD_CHANGE_EMAIL_URL", "FREEHOLD_SIGN_IN_URL"}
	for _, c := range []struct {
		names      []string
		value      string
		production bool
		want       string // "" for none
	}{
		{pages, "https://app.example.org/?e={email}&c={code}", true, ""},
		{pages, "http://localhost:3000/{code}", true, ""},
		{pages, "myapp://reset?c={code}", true, ""},
		{pages, "http://canary.example/{code}", false, ""},
		{pages, "http://canary.example/{code}", true, "must be https in production"},
		{pages, "https://canary.example/?e={email}", false, "the value has no {code}"},
		{pages, "https://canary.example/?c={code}&e={mail}", false, "{mail} is not a placeholder"},
		{pages, "https://canary.example/?c={code", false, "brace"},
		{pages, "https://{code}.canary.example/", false, "in the host"},
		{pages, "https://canary:secret@x.example/{code}", false, "user name or password"},
		{pages, "javascript:canary({code})", false, "such as https://"},
		{pages, "javascript://canary({code})", false, "the scheme"},
		{pages, "/canary?c={code}", false, "such as https://"},
		{[]string{"FREEHOLD_APP_URL"}, "https://app.example.org/start", true, ""},
		{[]string{"FREEHOLD_APP_URL"}, "https://canary.example/{code}", false, "placeholders"},
		{[]string{"FREEHOLD_APP_URL"}, "http://canary.example", true, "must be https in production"},
		{[]string{"FREEHOLD_APP_URL"}, "canary", false, "such as https://"},
		{[]string{"FREEHOLD_APP_NAME"}, `Ann's "Größe" & Söhne 👩‍👩‍👧`, true, ""},
		{[]string{"FREEHOLD_APP_NAME"}, "http://app.example", true, ""}, // odd, and no link
		{[]string{"FREEHOLD_APP_NAME"}, "canary\r\nBcc: b@y.org", false, "line break"},
		{[]string{"FREEHOLD_APP_NAME"}, " canary", false, "space"},
		{[]string{"FREEHOLD_APP_NAME"}, strings.Repeat(canary, 11), false, "more than 60"},
	} {
		for _, name := range c.names {
			environ := []string{name + "=" + c.value}
			if c.production {
				environ = append(environ, production...)
			}
			config, err := Load(environ)
			switch {
			case c.want == "" && err != nil:
				t.Errorf("%s=%s: %v", name, c.value, err)
			case c.want == "" && !strings.Contains(config.Print(), fmt.Sprintf("%s=%s\n", name, c.value)):
				t.Errorf("%s=%s is not printed:\n%s", name, c.value, config.Print())
			case c.want != "" && (err == nil || !strings.HasPrefix(err.Error(), name+": ") || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), canary) || strings.Contains(err.Error(), "\n")):
				t.Errorf("%s=%s: %v, want an error of one line with %q", name, c.value, err, c.want)
			}
		}
	}
}

// Without a name, the name of the service is its host, and the sender of mails has no name.
func TestNameOfTheService(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a-long-label.", 10) + "example.org"
	for _, c := range []struct{ public, name, want, sender string }{
		{"https://id.example.org:8443/auth", "", "id.example.org", ""},
		{"https://" + long, "", long, ""},
		{"http://[::1]:8080", "", "::1", ""},
		{"https://id.example.org", "Bücherei", "Bücherei", "Bücherei"},
	} {
		config, err := Load([]string{"FREEHOLD_PUBLIC_URL=" + c.public, "FREEHOLD_APP_NAME=" + c.name})
		if err != nil || config.AppName != c.want || config.SenderName() != c.sender {
			t.Errorf("%s, %q: called %q and %q, %v", c.public, c.name, config.AppName, config.SenderName(), err)
		}
	}
}
