// Package edge owns GraphQL over HTTP: it reads requests, negotiates the media type, decides which origins, proxies and Hosts to
// trust, runs an operation for its viewer, and presents every error to clients. Package document below it owns what clients ask
// for, and package reply the bytes of replies. It must not know the database, tables, or what a field is about.
package edge
