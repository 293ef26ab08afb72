package remote_test

import (
	"fmt"
	"log"
	"net/http"

	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/remote"
)

// A service of your own that accepts freehold's access tokens. freehold runs with FREEHOLD_TOKEN_AUDIENCES=https://notes.example.org.
func ExampleVerifier_Handler() {
	verifier, err := remote.New(remote.Options{
		Issuer:   "https://id.example.org",
		Audience: "https://notes.example.org",
		Failed:   func(err error) { log.Print(err) },
	})
	if err != nil {
		log.Fatal(err)
	}
	notes := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		viewer := auth.ViewerFrom(r.Context())
		if !viewer.IsMember() {
			http.Error(w, "Sign in first.", http.StatusUnauthorized)
			return
		}
		fmt.Fprintln(w, "the notes of", viewer.UserID)
	})
	server := &http.Server{Addr: "127.0.0.1:8081", Handler: verifier.Handler(notes)}
	fmt.Println("serve at", server.Addr) // server.ListenAndServe()
	// Output: serve at 127.0.0.1:8081
}

// An error names the option that is invalid.
func ExampleNew() {
	_, err := remote.New(remote.Options{Issuer: "https://id.example.org"})
	fmt.Println(err)
	// Output: remote: Audience is required
}
