// Package levers owns what tests weaken in a service, to prove that each protection works alone. Only app and auth/passwords read
// the levers, and only tests and benchmarks set them. As an internal package it cannot be imported by other Go modules. It must
// not know any service.
package levers

import "context"

// Levers weaken a service. The zero value weakens nothing.
type Levers struct {
	// Rule returns the rules that decide about a field, written Type.field, instead of the schema's. They are written as in the schema, such
	// as @visible. "" keeps the schema's rules.
	Rule func(field string) string
	// NoRules switches all field rules off, without the cost of a rule.
	NoRules bool
	// AnyRole accepts a database role that bypasses the row policies.
	AnyRole bool
	// CheapPasswords makes password hashes nearly free.
	CheapPasswords bool
}

type key struct{}

// With returns a context that sets the levers of the service that app.Program.New returns for it.
func With(ctx context.Context, l Levers) context.Context { return context.WithValue(ctx, key{}, l) }

// From returns the levers of a context, or the zero value.
func From(ctx context.Context) Levers {
	l, _ := ctx.Value(key{}).(Levers)
	return l
}
