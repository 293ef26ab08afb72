package scaffold

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// Type is an owned type to be written.
type Type struct {
	Name    string // in GraphQL and Go, such as Note
	Plural  string // such as Notes
	Fields  []Field
	Visible bool // rows have a visibility; otherwise only their owner sees them
}

// Field is a field of a type, and a column of its table.
type Field struct {
	Name     string // in GraphQL, such as dueOn
	Required bool
	scalar
}

// scalar is what a scalar of the schema is in Go and in SQL.
type scalar struct {
	GraphQL string
	Go      string
	SQL     string
}

var scalars = []scalar{
	{"String", "string", "text"},
	{"Int", "int", "integer"},
	{"Float", "float64", "double precision"},
	{"Boolean", "bool", "boolean"},
	{"DateTime", "time.Time", "timestamptz"},
	{"Date", "time.Time", "date"},
	{"URL", "string", "text"},
}

// maxName is the most letters of a name. PostgreSQL cuts longer ones, once a suffix such as _user_id_visibility_created_at_id is
// added.
const maxName = 28

var (
	typeName  = regexp.MustCompile(`^([A-Z][a-z0-9]+)+$`)
	fieldName = regexp.MustCompile(`^[a-z][a-z0-9]*([A-Z][a-z0-9]+)*$`)
)

// ParseType reads the arguments of `freehold new type`: the name, the plural ("" for the usual one), who sees a row ("owner" or
// "visibility"), and fields in the form of the schema language, such as body:String! or dueOn:Date. The error names each
// argument that is invalid.
func ParseType(name, plural, visible string, fields []string) (Type, error) {
	t := Type{Name: name, Plural: plural}
	var faults []error
	faults = append(faults, checkTypeName(name))
	if plural == "" {
		t.Plural = pluralOf(name)
	}
	faults = append(faults, checkPlural(t.Name, t.Plural))
	switch visible {
	case "", "owner":
	case "visibility":
		t.Visible = true
	default:
		faults = append(faults, fmt.Errorf("--visible: %q is not owner or visibility", visible))
	}
	if len(fields) == 0 {
		faults = append(faults, errors.New("at least one field is required, such as body:String"))
	}
	for _, text := range fields {
		f, err := parseField(text)
		if err == nil && slices.ContainsFunc(t.Fields, func(other Field) bool { return strings.EqualFold(other.Column(), f.Column()) }) {
			err = fmt.Errorf("field %q: there are two fields of this name", f.Name)
		}
		faults = append(faults, err)
		t.Fields = append(t.Fields, f)
	}
	return t, errors.Join(faults...)
}

func checkTypeName(name string) error {
	switch {
	case name == "":
		return errors.New("the name of the type is required, such as Note")
	case !typeName.MatchString(name):
		return fmt.Errorf("type %q: write the name in letters and digits, with a capital for each word, such as TodoList or ApiKey", name)
	case len(name) > maxName:
		return fmt.Errorf("type %q: the name can have at most %d letters", name, maxName)
	case slices.Contains(reservedTypes, name):
		return fmt.Errorf("type %q: the name is reserved in GraphQL or in freehold's schema", name)
	case isReservedWord(snake(name)):
		return fmt.Errorf("type %q: %s is a reserved word of Go or SQL", name, snake(name))
	}
	for _, suffix := range []string{"Input", "Payload", "Connection", "Edge", "Action", "Field", "Permissions"} {
		if strings.HasSuffix(name, suffix) {
			return fmt.Errorf("type %q: names that end in %s are those of generated types", name, suffix)
		}
	}
	return nil
}

func checkPlural(name, plural string) error {
	switch {
	case !typeName.MatchString(plural):
		return fmt.Errorf("--plural: write %q in letters and digits, with a capital for each word, such as TodoLists", plural)
	case len(plural) > maxName:
		return fmt.Errorf("--plural: %q can have at most %d letters", plural, maxName)
	case strings.EqualFold(plural, name):
		return fmt.Errorf("the plural of %s is the same word: the API needs both, so choose another with --plural, such as %sItems", name, name)
	case slices.Contains(reservedPlurals, lower(plural)), slices.Contains(reservedPackages, strings.ToLower(plural)), isReservedWord(snake(plural)):
		return fmt.Errorf("the plural %s is reserved: choose another with --plural", plural)
	}
	return nil
}

// pluralOf returns the usual plural of an English word. It returns words that look like plurals unchanged.
func pluralOf(name string) string {
	lowered := strings.ToLower(name)
	ends := func(suffixes ...string) bool {
		return slices.ContainsFunc(suffixes, func(s string) bool { return strings.HasSuffix(lowered, s) })
	}
	switch {
	case name == "":
		return ""
	case ends("series", "species", "news", "sheep", "fish", "deer", "media", "data"):
		return name
	case ends("ss", "x", "z", "ch", "sh", "us"):
		return name + "es"
	case ends("s"):
		return name
	case ends("ay", "ey", "iy", "oy", "uy"):
		return name + "s"
	case ends("y"):
		return name[:len(name)-1] + "ies"
	}
	return name + "s"
}

func parseField(text string) (Field, error) {
	name, typ, found := strings.Cut(text, ":")
	f := Field{Name: name, Required: strings.HasSuffix(typ, "!")}
	typ = strings.TrimSuffix(typ, "!")
	i := slices.IndexFunc(scalars, func(s scalar) bool { return s.GraphQL == typ })
	switch {
	case !found || name == "" || typ == "":
		return f, fmt.Errorf("field %q: write it as name:Type, and add ! if it is required", text)
	case !fieldName.MatchString(name):
		return f, fmt.Errorf("field %q: write the name in letters and digits, with a capital for each further word, such as dueOn or imageUrl", name)
	case len(name) > maxName:
		return f, fmt.Errorf("field %q: the name can have at most %d letters", name, maxName)
	case slices.Contains(reservedFields, name):
		return f, fmt.Errorf("field %q: every owned type has one of this name, or the name is reserved", name)
	case isReservedWord(snake(name)):
		return f, fmt.Errorf("field %q: %s is a reserved word of SQL", name, snake(name))
	case i < 0:
		return f, fmt.Errorf("field %q: the type %s is not one of %s", name, typ, scalarNames())
	}
	f.scalar = scalars[i]
	return f, nil
}

func scalarNames() string {
	names := make([]string, len(scalars))
	for i, s := range scalars {
		names[i] = s.GraphQL
	}
	return strings.Join(names, ", ")
}

// words returns the words of a name, in small letters.
func words(name string) (list []string) {
	for i, r := range name {
		if i == 0 || unicode.IsUpper(r) {
			list = append(list, "")
		}
		list[len(list)-1] += string(unicode.ToLower(r))
	}
	return list
}

// snake returns a name in the form of SQL: dueOn becomes due_on.
func snake(name string) string { return strings.Join(words(name), "_") }

// lower returns a name with a small first letter.
func lower(name string) string {
	if name == "" {
		return ""
	}
	return strings.ToLower(name[:1]) + name[1:]
}

// initialisms are the words that gqlgen writes in capitals.
var initialisms = strings.Fields(`ACL API ASCII CPU CSS CSV DNS EOF GUID HTML HTTP HTTPS ICMP ID IP JSON KVK LHS PDF PGP QPS QR RAM RHS
	RPC SLA SMTP SQL SSH SVG TCP TLS TTL UDP UI UID URI URL UTF8 UUID VM XML XMPP XSRF XSS AWS GCP`)

// goName returns the exported Go name that gqlgen gives to a name: imageUrl becomes ImageURL.
func goName(name string) string {
	var b strings.Builder
	for _, w := range goWords(name) {
		upper, lower := strings.ToUpper(w), strings.ToLower(w)
		switch {
		case slices.Contains(initialisms, upper):
			b.WriteString(upper)
		case w == upper || w == lower:
			b.WriteString(upper[:1] + lower[1:])
		default:
			b.WriteString(w)
		}
	}
	return b.String()
}

// goWords splits a name as gqlgen does: after each small letter that no small letter follows.
func goWords(name string) (list []string) {
	begin := 0
	for i := 1; i <= len(name); i++ {
		if i == len(name) || isSmall(name[i-1]) && !isSmall(name[i]) {
			list, begin = append(list, name[begin:i]), i
		}
	}
	return list
}

func isSmall(b byte) bool { return 'a' <= b && b <= 'z' }
