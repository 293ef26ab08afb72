// Package document owns what clients ask for: it parses and validates documents, bounds what they cost, checks inputs, and keeps
// the documents that clients name instead of sending. It refuses a request before anything of it is executed. It must not
// know HTTP, viewers, the database or replies.
package document
