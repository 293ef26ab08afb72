package config

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
)

// secretSettings returns the names of the settings that contain a secret and can be given as a file, NAME_FILE.
func secretSettings() (names []string) {
	for _, f := range reflect.VisibleFields(reflect.TypeFor[Config]()) {
		if f.Tag.Get("secret") == "true" {
			names = append(names, f.Tag.Get("env"))
		}
	}
	return names
}

// settingOf returns the setting whose value is in the file that a variable names; "" for any other variable.
func settingOf(variable string) string {
	name, ok := strings.CutSuffix(variable, "_FILE")
	if !ok || !slices.Contains(secretSettings(), name) {
		return ""
	}
	return name
}

// readSecrets returns an environment in which the settings that are given as files have their values. The errors contain no values.
func (c *Config) readSecrets(vars map[string]string) (read map[string]string, faults []error) {
	read, c.secretFiles = maps.Clone(vars), map[string]string{}
	for _, name := range secretSettings() {
		file := name + "_FILE"
		if vars[file] == "" {
			continue
		}
		c.secretFiles[name] = vars[file]
		if vars[name] != "" {
			faults = append(faults, fmt.Errorf("%s and %s: set only one of them", name, file))
			continue
		}
		text, err := os.ReadFile(vars[file])
		if read[name] = strings.TrimSpace(string(text)); err == nil && read[name] == "" {
			err = errors.New("the file is empty")
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", file, err))
		}
	}
	return read, faults
}

var (
	nameValues    = regexp.MustCompile(`^\s*\w+\s*=`)
	dsnPassword   = regexp.MustCompile(`(password\s*=\s*)('(\\.|[^'])*'|\S+)`) // and sslpassword
	queryPassword = regexp.MustCompile(`(?i)pass(word|wd)?$`)
)

// mask hides the passwords of a connection string, which is a URL or a list of name=value.
func mask(dsn string) string {
	u, err := url.Parse(dsn)
	switch {
	case err == nil && u.Scheme != "" && u.Opaque == "":
	case dsn == "" || nameValues.MatchString(dsn):
		return dsnPassword.ReplaceAllString(dsn, "${1}xxxxx")
	default:
		return "xxxxx" // invalid, so the password may be anywhere
	}
	query := u.Query()
	for name := range query {
		if queryPassword.MatchString(name) {
			query.Set(name, "xxxxx")
		}
	}
	if len(query) > 0 || u.RawQuery != "" {
		u.RawQuery = query.Encode()
	}
	u.Fragment, u.RawFragment = "", ""
	return u.Redacted()
}

var dsnPasswords = regexp.MustCompile(`password\s*=\s*('(?:\\.|[^'])*'|\S+)`)

// Secrets returns the secrets of the settings, to keep them out of what is printed.
func (c *Config) Secrets() (list []string) {
	add := func(secret string) {
		if len(secret) >= 4 { // a shorter text is part of many words
			list = append(list, secret)
		}
	}
	for _, text := range []string{c.DatabaseURL, c.MigrateURL, c.BackupURL, c.SMTPURL, c.BreachURL} {
		for _, m := range dsnPasswords.FindAllStringSubmatch(text, -1) {
			add(strings.Trim(m[1], "'"))
		}
		u, err := url.Parse(text)
		if err != nil {
			continue
		}
		if password, ok := u.User.Password(); ok {
			add(password)
			add(url.QueryEscape(password))
		}
		for name, values := range u.Query() {
			if queryPassword.MatchString(name) {
				add(values[0])
			}
		}
	}
	add(c.EncryptionKey)
	for _, p := range c.Providers {
		add(p.ClientSecret)
	}
	return list
}
