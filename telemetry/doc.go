// Package telemetry owns what operators watch: the log, metrics, traces, and the record of each request. It takes from a
// request only what has few values and is no secret: the kind and bounded name of the operation, the outcome, and the rule that
// refused. It never takes variables, headers, documents or the text of an error. It must not know the schema, resolvers, rules
// or SQL.
package telemetry
