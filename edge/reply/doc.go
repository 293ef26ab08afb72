// Package reply owns the bytes of replies: it bounds the data of one reply and the memory of all, encodes the response and its
// errors as JSON, and writes them to the connection in one piece. It must not know requests, documents, viewers or the database.
package reply
