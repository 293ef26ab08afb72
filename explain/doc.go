// Package explain owns why a viewer does not get a field: it collects the refusals of a request, knows the layers in the database
// behind each field, and tries the row policies as a viewer. Its answers show whether a hidden row exists, so they are for
// developers only. It must not know HTTP, resolvers or what a field is about.
package explain
