package config

import (
	"strings"
	"testing"
)

func TestTokenAudiences(t *testing.T) {
	t.Parallel()
	const form, twice, most = "must be an http or https URL without a query, or a name", "is listed twice", "must be at most 10 values with 800 characters in all"
	for value, c := range map[string]struct {
		want  string // the audiences, separated by spaces
		fault string // a part of the error
	}{
		"":                                       {},
		" , ":                                    {},
		"https://notes.example.org":              {want: "https://notes.example.org"},
		" notes , urn:example:b , https://c/d ,": {want: "notes urn:example:b https://c/d"},
		"https://id.example.org":                 {},
		"https://id.example.org,notes":           {want: "notes"},
		"notes,two words":                        {fault: "value 2 " + form},
		"not*a*name":                             {fault: "value 1 " + form},
		"https://":                               {fault: form},
		"https:":                                 {fault: form},
		"ftp://notes.example.org":                {fault: form},
		"https://notes.example.org?a=b":          {fault: form},
		"https://notes.example.org#a":            {fault: form},
		"https://notes.example.org/<a>":          {fault: form},
		"https://ann:secret@notes.example":       {fault: form},
		"https://nötes.example":                  {fault: form},
		"a,b,a":                                  {fault: "value 3 " + twice},
		"a,b,c,d,e,f,g,h,i,j":                    {want: "a b c d e f g h i j"},
		"a,b,c,d,e,f,g,h,i,j,k":                  {fault: most},
		strings.Repeat("a", 800):                 {want: strings.Repeat("a", 800)},
		strings.Repeat("a", 801):                 {fault: most},
	} {
		config, err := Load([]string{"FREEHOLD_PUBLIC_URL=https://id.example.org/", "FREEHOLD_TOKEN_AUDIENCES=" + value})
		switch {
		case c.fault == "" && (err != nil || strings.Join(config.TokenAudiences, " ") != c.want):
			t.Errorf("%.50q: %q, %v; want %q", value, config.TokenAudiences, err, c.want)
		case c.fault != "" && (err == nil || !strings.HasPrefix(err.Error(), "FREEHOLD_TOKEN_AUDIENCES: ") || !strings.Contains(err.Error(), c.fault)):
			t.Errorf("%.50q: %v; want an error with %q", value, err, c.fault)
		case err != nil && strings.Contains(err.Error(), "secret"):
			t.Errorf("the error shows the value: %v", err)
		}
	}
}
