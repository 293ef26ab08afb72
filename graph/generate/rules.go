package main

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/99designs/gqlgen/codegen/config"
	"github.com/99designs/gqlgen/plugin/modelgen"
	"github.com/vektah/gqlparser/v2/ast"
)

// Go types of this module.
const (
	ownedRow          = "freehold.dev/freehold/owned.Row"
	ownedBy           = "freehold.dev/freehold/owned.By"
	ownedByVisibility = "freehold.dev/freehold/owned.ByVisibility"
	ownedVisibility   = "freehold.dev/freehold/owned.Visibility"
	ownedPermissions  = "freehold.dev/freehold/owned.Permissions"
	service           = "freehold.dev/freehold/graph/exec.Service"
	stringType        = "github.com/99designs/gqlgen/graphql.String"
	model             = "freehold.dev/freehold/graph/model."
)

// rules is a gqlgen plugin. It derives from the schema what gqlgen.yml would have to list otherwise:
//   - The struct of an owned type (one with a field that carries @visible or @owner) embeds owned.ByVisibility if the type
//     has a field visibility, else owned.By. An embed in gqlgen.yml or in an existing struct takes precedence. The fields id and
//     visibility are those of the embedded struct.
//   - Three kinds of fields have resolver methods: fields with arguments; fields with @owner of a type whose rows other viewers
//     see, since their values are in another table; and viewerCan. All other fields are fields of structs. An entry for the
//     field in gqlgen.yml takes precedence.
//   - NotePermissions, the type of viewerCan of an owned type Note, is owned.Permissions, and its enums NoteAction and NoteField are
//     strings.
//   - Node and _Entity are owned.Row, and _Service is exec.Service.
//   - _Entity is the union of all types with @key.
type rules struct {
	packages []goPackage     // the packages that modules.go imports
	owned    map[string]bool // the owned types, by name
	quick    map[string]bool // fields whose resolver methods need no goroutine, as Type.field
}

// Name returns the name of the plugin in gqlgen's errors.
func (*rules) Name() string { return "graph/generate" }

// InjectSourcesLate adds Federation's entry point, which names all types with @key.
func (*rules) InjectSourcesLate(schema *ast.Schema) ([]*ast.Source, error) { //nolint:unparam // gqlgen's interface
	var entities []string
	for _, t := range inOrder(schema) {
		if t.Kind == ast.Object && t.Directives.ForName("key") != nil {
			entities = append(entities, t.Name)
		}
	}
	if len(entities) == 0 {
		return nil, nil
	}
	return []*ast.Source{{Name: "entities.graphqls", Input: fmt.Sprintf(entityPoint, strings.Join(entities, " | "))}}, nil
}

const entityPoint = `"Every type with a key."
union _Entity = %s

extend type Query {
  "The objects of these representations, in their order, null in the place of those that ` + "`node`" + ` would not find. A malformed one is null, with an error of its own. At most 500."
  _entities(
    "What to find. Federation has [_Any!]!, which these types admit; here a null spoils only its own place."
    representations: [_Any]!
  ): [_Entity]!
}
`

// inOrder returns the types of a schema in the order of its sources.
func inOrder(schema *ast.Schema) []*ast.Definition {
	byName := slices.SortedFunc(maps.Values(schema.Types), func(a, b *ast.Definition) int { return strings.Compare(a.Name, b.Name) })
	slices.SortStableFunc(byName, func(a, b *ast.Definition) int {
		return cmp.Or(strings.Compare(a.Position.Src.Name, b.Position.Src.Name), cmp.Compare(a.Position.Start, b.Position.Start))
	})
	return byName
}

// MutateConfig gives gqlgen what follows from the schema, before gqlgen creates the Go types.
func (p *rules) MutateConfig(cfg *config.Config) error {
	p.owned, p.quick = map[string]bool{}, map[string]bool{}
	var faults []error
	for _, t := range inOrder(cfg.Schema) {
		if t.Kind != ast.Object || cfg.IsRoot(t) || strings.HasPrefix(t.Name, "__") {
			continue
		}
		entry := cfg.Models[t.Name]
		if p.owned[t.Name] = isOwned(t); p.owned[t.Name] {
			if err := embed(cfg, t, &entry); err != nil {
				faults = append(faults, err)
			}
			bindPermissions(cfg, t)
		} else if t.Directives.ForName("key") != nil || slices.Contains(t.Interfaces, "Node") {
			faults = append(faults, fault(t.Position, "type %s has @key or is a Node, so its rows need an owner: give its fields @visible or @owner", t.Name))
		}
		p.resolverMethods(t, &entry)
		cfg.Models[t.Name] = entry
	}
	for name, typ := range map[string]string{"Node": ownedRow, "_Entity": ownedRow, "_Service": service} {
		if cfg.Schema.Types[name] != nil {
			cfg.Models[name] = config.TypeMapEntry{Model: config.StringList{typ}}
		}
	}
	return errors.Join(faults...)
}

func fault(at *ast.Position, format string, args ...any) error {
	return fmt.Errorf("%s:%d: %s", at.Src.Name, at.Line, fmt.Sprintf(format, args...))
}

// isOwned reports whether the rows of a type have an owner.
func isOwned(t *ast.Definition) bool {
	return slices.ContainsFunc(t.Fields, func(f *ast.FieldDefinition) bool {
		return f.Directives.ForName("visible") != nil || f.Directives.ForName("owner") != nil
	})
}

// embed adds the struct of package owned that an owned type embeds.
func embed(cfg *config.Config, t *ast.Definition, entry *config.TypeMapEntry) error {
	if len(entry.EmbedExtraFields) > 0 {
		return nil
	}
	if len(entry.Model) == 1 {
		if embedsVisibility(cfg, entry.Model[0]) {
			entry.EmbedExtraFields = []config.ModelExtraField{{Type: ownedByVisibility}}
		}
		return nil
	}
	by := ownedBy
	if f := t.Fields.ForName("visibility"); f != nil {
		if by = ownedByVisibility; !cfg.Models[f.Type.Name()].Model.Has(ownedVisibility) {
			return fault(f.Position, "the type of %s.visibility is %s, which gqlgen.yml does not bind to %s; take ProfileVisibility", t.Name, f.Type.Name(), ownedVisibility)
		}
	}
	entry.EmbedExtraFields = []config.ModelExtraField{{Type: by}}
	return nil
}

// bindPermissions gives the type of viewerCan its Go types.
func bindPermissions(cfg *config.Config, t *ast.Definition) {
	for suffix, name := range map[string]string{"Permissions": ownedPermissions, "Action": stringType, "Field": stringType} {
		if entry := cfg.Models[t.Name+suffix]; t.Fields.ForName("viewerCan") != nil && cfg.Schema.Types[t.Name+suffix] != nil && len(entry.Model) == 0 {
			entry.Model = config.StringList{name}
			cfg.Models[t.Name+suffix] = entry
		}
	}
}

// resolverMethods adds the fields of a type that have resolver methods. Two kinds of them are quick: viewerCan,
// which needs no I/O, and those for the owner only. What is loaded for an owner is shared, and other viewers are refused before
// anything is loaded.
func (p *rules) resolverMethods(t *ast.Definition, entry *config.TypeMapEntry) {
	othersSee := slices.ContainsFunc(entry.EmbedExtraFields, func(f config.ModelExtraField) bool { return f.Type == ownedByVisibility })
	fields := maps.Clone(entry.Fields)
	if fields == nil {
		fields = map[string]config.TypeMapField{}
	}
	for _, f := range t.Fields {
		if _, decided := fields[f.Name]; decided {
			continue
		}
		permissions := f.Name == "viewerCan" && f.Type.NamedType == t.Name+"Permissions"
		private := othersSee && f.Directives.ForName("owner") != nil
		if len(f.Arguments) > 0 || permissions || private {
			fields[f.Name] = config.TypeMapField{Resolver: true}
			p.quick[t.Name+"."+f.Name] = len(f.Arguments) == 0
		}
	}
	entry.Fields = fields
}

// field omits the fields that an owned type gets from the struct that it embeds.
func (p *rules) field(t *ast.Definition, f *ast.FieldDefinition, field *modelgen.Field) (*modelgen.Field, error) {
	if p.owned[t.Name] && (f.Name == "id" || f.Name == "visibility") {
		return nil, nil //nolint:nilnil // a hook of modelgen omits a field this way
	}
	return modelgen.DefaultFieldMutateHook(t, f, field)
}

// models puts embedded structs first, as is usual in Go, and removes the interfaces that are owned.Row.
func (p *rules) models(b *modelgen.ModelBuild) *modelgen.ModelBuild {
	for _, m := range b.Models {
		m.Implements = slices.DeleteFunc(m.Implements, func(name string) bool { return name == "Node" || name == "_Entity" })
		if !p.owned[m.Name] {
			continue
		}
		var embedded, fields []*modelgen.Field
		for _, f := range m.Fields {
			if f.GoName == "" {
				f.Tag = ""
				embedded = append(embedded, f)
			} else {
				fields = append(fields, f)
			}
		}
		m.Fields = slices.Concat(embedded, fields)
	}
	return b
}
