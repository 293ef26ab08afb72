// Package people owns the accounts that the proof asks about: their rows of every owned type, the values of these rows, and the
// arguments of calls about them. It must not know which answers are right, or any particular type.
package people

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/google/uuid"

	"freehold.dev/freehold/e2e/harness"
	"freehold.dev/freehold/internal/proof/cases"
)

// Asking sends an operation to a service, or to a fake.
type Asking func(token, query string, v harness.Vars) (harness.Reply, error)

// Sown is what one mutation got as input to create or change a row.
type Sown struct {
	ID       any               // of the row; nil until it is known
	Seed     map[string]any    // by the name of the input's field
	Canaries map[string]string // the unique values of the seed, as a reply writes them
}

func newSown() *Sown { return &Sown{Seed: map[string]any{}, Canaries: map[string]string{}} }

// Plant records a unique text as the value of a field, and returns it.
func (s *Sown) Plant(field, value string) any {
	s.Seed[field], s.Canaries[field] = value, value
	return value
}

// Person is an account that is created from the schema alone. Each field of the input of signUp has a value of its own, and
// so has each field of the inputs of mutations that create rows of other owned types. So new fields and types get seeds
// without test code.
type Person struct {
	*Sown // of the sign-up

	Schema     *cases.Schema
	Visibility string
	Objects    map[string]map[string]any // what replies contained about the created rows: the fields of each object, by type
	Rows       map[string]*Sown          // the rows that a mutation of their own created, by type
	Subject    *Sown                     // another row, which a request's mutation creates or deletes; nil if there is none

	// NewCode creates the one-time code that a mutation needs. It is nil if nothing may be sent.
	NewCode func(mutation string) (string, error)
	// Issue issues a token of another service, which has the person's account; nil if the program has the accounts.
	Issue func(userID uuid.UUID, scopes ...string) (token string, err error)
	// Insert runs the statement with which a seed inserts a row for the person, and returns the row's id.
	Insert func(statement string) (id string, err error)

	facts   Facts
	pending map[string]bool // the types of which a row is still to be created
}

var serial atomic.Int64

// Serial returns a number that distinguishes people and canaries. With a fixed number of digits, none is the beginning of another.
func Serial() int64 { return serial.Add(1) }

// New returns a person who has not signed up yet. Their rows get this visibility.
func New(schema *cases.Schema, facts Facts, visibility string) *Person {
	name := fmt.Sprintf("canary-%06d", Serial())
	p := &Person{
		Sown: newSown(), Schema: schema, Visibility: visibility, Objects: map[string]map[string]any{}, Rows: map[string]*Sown{}, facts: facts,
	}
	p.Plant("username", name)
	p.Plant("email", name+"@example.org")
	return p
}

// Token returns the person's access token; "" before the sign-up.
func (p *Person) Token() string {
	token, _ := p.Objects["Tokens"]["accessToken"].(string)
	return token
}

// RowID returns the id of the person's object of a type.
func (p *Person) RowID(typ string) uuid.UUID {
	text, _ := p.Objects[typ][cases.ID].(string)
	return uuid.MustParse(text)
}

// is reports whether any field of an object, or below it, identifies this person.
func (p *Person) is(object any) bool {
	text, err := json.Marshal(object)
	if err != nil {
		return false
	}
	for _, fields := range p.Objects {
		if id, ok := fields[cases.ID].(string); ok && strings.Contains(string(text), `"`+id+`"`) {
			return true
		}
	}
	return strings.Contains(string(text), p.Canaries["username"])
}

// Finds returns what reports whether an object is the person's object of a type: whether its id is in it or below it. If no id
// of the type is known, any value of the person identifies it.
func (p *Person) Finds(typ string) func(object any) bool {
	id, known := p.Objects[typ][cases.ID].(string)
	if !known {
		return p.is
	}
	return func(object any) bool {
		text, err := json.Marshal(object)
		return err == nil && strings.Contains(string(text), `"`+id+`"`)
	}
}
