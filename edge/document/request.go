package document

import "github.com/99designs/gqlgen/graphql"

// Request is a GraphQL request that has been read (GraphQL over HTTP, 5).
type Request struct {
	*graphql.RawParams
	DocumentID string // of a persisted document; "" if the client sent the document itself
	ReadOnly   bool   // a GET or HEAD, which must not change anything

	register string // the hash under which the document is stored if it is valid; "" for none
}
