package main

import (
	"go/types"
	"strings"

	"github.com/99designs/gqlgen/codegen/config"
)

// complete adds to gqlgen.yml what every program has: how to generate code, the directives that do nothing at run time, and the
// Go types of scalars. Entries of gqlgen.yml for these directives and types take precedence.
func complete(cfg *config.Config) {
	cfg.OmitGetters, cfg.OmitRootModels, cfg.OmitResolverFields, cfg.OmitGQLGenVersionInFileNotice = true, true, true, true
	cfg.NullableInputOmittable, cfg.SkipModTidy = true, true
	if cfg.Directives == nil {
		cfg.Directives = map[string]config.DirectiveConfig{}
	}
	// Federation uses its directives only to compose a supergraph.
	for _, name := range []string{"public", "inherited", "link", "composeDirective", "key", "shareable"} {
		if _, decided := cfg.Directives[name]; !decided {
			cfg.Directives[name] = config.DirectiveConfig{SkipRuntime: true}
		}
	}
	if cfg.Models == nil {
		cfg.Models = config.TypeMap{}
	}
	for name, list := range map[string]config.StringList{
		// The ids of owned types are UUIDs in Go. Those of arguments and other types are strings.
		"ID":                {"github.com/99designs/gqlgen/graphql.ID", "github.com/99designs/gqlgen/graphql.UUID"},
		"DateTime":          {model + "DateTime"},
		"Date":              {model + "Date"},
		"URL":               {model + "URL"},
		"JSON":              {model + "JSON"},
		"_Any":              {"github.com/99designs/gqlgen/graphql.Any"},
		"Otherwise":         {"freehold.dev/freehold/directives.Otherwise"},
		"ProfileVisibility": {ownedVisibility},
	} {
		entry := cfg.Models[name]
		if len(entry.Model) == 0 {
			entry.Model = list
			cfg.Models[name] = entry
		}
	}
}

// embedsVisibility reports whether an existing Go type embeds owned.ByVisibility.
func embedsVisibility(cfg *config.Config, name string) bool {
	dot := strings.LastIndex(name, ".")
	if dot < 0 {
		return false
	}
	p := cfg.Packages.LoadWithTypes(name[:dot])
	if p == nil || p.Types == nil {
		return false // gqlgen reports the error
	}
	o := p.Types.Scope().Lookup(name[dot+1:])
	if o == nil {
		return false
	}
	s, ok := o.Type().Underlying().(*types.Struct)
	for i := 0; ok && i < s.NumFields(); i++ {
		if f := s.Field(i); f.Embedded() && f.Type().String() == ownedByVisibility {
			return true
		}
	}
	return false
}
