package config

import (
	"fmt"
	"reflect"
	"time"

	"freehold.dev/freehold/accounts/limits"
)

// Limits has the fields of limits.Limits, each with its variable. docs/accounts.md shows the arithmetic.
type Limits struct {
	SignUp          limits.Limit `env:"FREEHOLD_LIMIT_SIGN_UP" envDefault:"100/1h"`
	AnonymousSignUp limits.Limit `env:"FREEHOLD_LIMIT_ANONYMOUS" envDefault:"20/1h"`
	SignIn          limits.Limit `env:"FREEHOLD_LIMIT_SIGN_IN" envDefault:"100/15m"`
	CodeRequest     limits.Limit `env:"FREEHOLD_LIMIT_CODE_REQUEST" envDefault:"100/1h"`
	CodeTry         limits.Limit `env:"FREEHOLD_LIMIT_CODE_TRY" envDefault:"100/15m"`
	PasswordTry     limits.Limit `env:"FREEHOLD_LIMIT_PASSWORD_TRY" envDefault:"100/15m"`
	OAuth           limits.Limit `env:"FREEHOLD_LIMIT_OAUTH" envDefault:"200/15m"`
	Passkey         limits.Limit `env:"FREEHOLD_LIMIT_PASSKEY" envDefault:"300/15m"`
	Guess           limits.Limit `env:"FREEHOLD_LIMIT_GUESS" envDefault:"10/15m"`
	Strangers       limits.Limit `env:"FREEHOLD_LIMIT_GUESS_TOTAL" envDefault:"100/1h"`
	Code            limits.Limit `env:"FREEHOLD_LIMIT_CODE" envDefault:"10/15m"`
	CodeTotal       limits.Limit `env:"FREEHOLD_LIMIT_CODE_TOTAL" envDefault:"25/15m"`
	OwnGuess        limits.Limit `env:"FREEHOLD_LIMIT_OWN_GUESS" envDefault:"10/15m"`
	Factor          limits.Limit `env:"FREEHOLD_LIMIT_SECOND_FACTOR" envDefault:"10/1h"`
	FactorTotal     limits.Limit `env:"FREEHOLD_LIMIT_SECOND_FACTOR_TOTAL" envDefault:"30/24h"`
	Mail            limits.Limit `env:"FREEHOLD_LIMIT_MAIL" envDefault:"3/1h"`
	MailTotal       limits.Limit `env:"FREEHOLD_LIMIT_MAIL_TOTAL" envDefault:"12/1h"`
	MailDay         limits.Limit `env:"FREEHOLD_LIMIT_MAIL_DAY" envDefault:"30/12h"`
	Subaddress      limits.Limit `env:"FREEHOLD_LIMIT_SUBADDRESS" envDefault:"6/12h"`
	SubaddressTotal limits.Limit `env:"FREEHOLD_LIMIT_SUBADDRESS_TOTAL" envDefault:"24/12h"`
	Notice          limits.Limit `env:"FREEHOLD_LIMIT_NOTICE" envDefault:"3/1h"`
	NoticeDay       limits.Limit `env:"FREEHOLD_LIMIT_NOTICE_DAY" envDefault:"10/12h"`
	Write           limits.Limit `env:"FREEHOLD_LIMIT_WRITE" envDefault:"600/1h"`
	Username        limits.Limit `env:"FREEHOLD_LIMIT_USERNAME" envDefault:"5/24h"`
	Password        limits.Limit `env:"FREEHOLD_LIMIT_PASSWORD" envDefault:"5/24h"`
	Leave           limits.Limit `env:"FREEHOLD_LIMIT_LEAVE" envDefault:"5/24h"`

	Sessions      int `env:"FREEHOLD_ACCOUNT_SESSIONS" envDefault:"100"` // live ones of an account
	Events        int `env:"FREEHOLD_ACCOUNT_EVENTS" envDefault:"500"`   // of each kind, kept for an account
	PasswordShare int `env:"FREEHOLD_PASSWORD_SHARE" envDefault:"16"`    // of PasswordQueue, for one client
}

// UseCaseLimits returns the limits as the use cases take them.
func (c *Limits) UseCaseLimits() (all limits.Limits) {
	from, to := reflect.ValueOf(*c), reflect.ValueOf(&all).Elem()
	for i, f := range reflect.VisibleFields(to.Type()) {
		to.Field(i).Set(from.FieldByName(f.Name))
	}
	return all
}

// faults returns what is wrong with limits that parsed.
func (c *Limits) faults() (faults []error) {
	v := reflect.ValueOf(*c)
	for i, f := range reflect.VisibleFields(v.Type()) {
		limit, ok := v.Field(i).Interface().(limits.Limit)
		longest := tenYears
		switch f.Name {
		case "Mail", "MailTotal", "MailDay", "Subaddress", "SubaddressTotal": // a code may have to be valid for the whole window
			longest = limits.LongestMailWindow
		}
		if ok && (limit.Hits < 1 || limit.Hits > 1_000_000 || limit.Window < time.Second || limit.Window > longest) {
			faults = append(faults, fmt.Errorf("%s: the number must be between 1 and 1000000, and the duration between 1s and %gh", f.Tag.Get("env"), longest.Hours()))
		}
	}
	for name, n := range map[string]int{"FREEHOLD_ACCOUNT_SESSIONS": c.Sessions, "FREEHOLD_ACCOUNT_EVENTS": c.Events, "FREEHOLD_PASSWORD_SHARE": c.PasswordShare} {
		if n < 1 || n > 1_000_000 {
			faults = append(faults, fmt.Errorf("%s: must be between 1 and 1000000", name))
		}
	}
	return faults
}
