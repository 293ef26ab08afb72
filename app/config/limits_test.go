package config

import (
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"freehold.dev/freehold/accounts/limits"
)

func TestLimitsAreChecked(t *testing.T) {
	t.Parallel()
	for setting, want := range map[string]string{
		"FREEHOLD_LIMIT_SIGN_IN=100":         "FREEHOLD_LIMIT_SIGN_IN: must be a limit: a number and a duration, such as 100/15m",
		"FREEHOLD_LIMIT_SIGN_IN=100/15":      "FREEHOLD_LIMIT_SIGN_IN: must be a limit",
		"FREEHOLD_LIMIT_SIGN_IN=many/15m":    "FREEHOLD_LIMIT_SIGN_IN: must be a limit",
		"FREEHOLD_LIMIT_SIGN_IN=":            "",
		"FREEHOLD_LIMIT_SIGN_IN=1/1s":        "",
		"FREEHOLD_LIMIT_SIGN_IN=0/15m":       "FREEHOLD_LIMIT_SIGN_IN: the number must be between 1 and 1000000",
		"FREEHOLD_LIMIT_SIGN_IN=-1/15m":      "FREEHOLD_LIMIT_SIGN_IN: the number must be between 1 and 1000000",
		"FREEHOLD_LIMIT_SIGN_IN=1/10ms":      "FREEHOLD_LIMIT_SIGN_IN: the number must be between 1 and 1000000, and the duration between 1s and 87600h",
		"FREEHOLD_LIMIT_MAIL_DAY=1/13h":      "and the duration between 1s and 12h",
		"FREEHOLD_LIMIT_SUBADDRESS=1/24h":    "and the duration between 1s and 12h",
		"FREEHOLD_LIMIT_NOTICE_DAY=1/24h":    "",
		"FREEHOLD_LIMIT_ANYTHING=1/24h":      "FREEHOLD_LIMIT_ANYTHING: unknown setting",
		"FREEHOLD_ACCOUNT_SESSIONS=0":        "FREEHOLD_ACCOUNT_SESSIONS: must be between 1 and 1000000",
		"FREEHOLD_PASSWORD_SHARE=2000000":    "FREEHOLD_PASSWORD_SHARE: must be between 1 and 1000000",
		"FREEHOLD_ACCOUNT_EVENTS=everything": "FREEHOLD_ACCOUNT_EVENTS: must be a whole number",
	} {
		_, err := Load([]string{setting})
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", setting, err, want)
		}
	}
}

// Each limit has a setting, which is printed as written, and whose default is in docs/accounts.md.
func TestLimitsAreDocumented(t *testing.T) {
	t.Parallel()
	c, err := Load(nil)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("../../docs/accounts.md")
	if err != nil {
		t.Fatal(err)
	}
	settings, values := reflect.TypeFor[Limits](), reflect.ValueOf(c.UseCaseLimits())
	n := 0
	for _, f := range reflect.VisibleFields(settings) {
		name, value := f.Tag.Get("env"), f.Tag.Get("envDefault")
		if !strings.Contains(c.Print(), name+"="+value+"\n") {
			t.Errorf("%s is not printed as %s", name, value)
		}
		if !regexp.MustCompile("`" + name + "` \\| `" + regexp.QuoteMeta(value) + "`").Match(text) {
			t.Errorf("docs/accounts.md lacks %s and its default %s", name, value)
		}
		if f.Type == reflect.TypeFor[limits.Limit]() {
			n++
			if values.FieldByName(f.Name).IsZero() {
				t.Errorf("%s sets nothing", name)
			}
		}
	}
	if n != values.NumField() {
		t.Errorf("%d limits have a setting, want %d", n, values.NumField())
	}
}
