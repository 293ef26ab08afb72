package main

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"freehold.dev/freehold/e2e/harness"
)

// An export contains the rows of each module: those that the user owns, those that belong to such a row, and memberships. The rows that
// others share with the user are theirs.
func TestExport(t *testing.T) {
	t.Parallel()
	s := share(t, harness.Setup{})
	note := s.id(s.bob, createNote, "notebookId", s.notebook, "body", "bob wrote this")
	s.id(s.cal, createComment, "noteId", note, "body", "cal wrote this")
	s.Must(s.bob.Token, invite, harness.Input("notebookId", s.notebook, "role", "MEMBER"))
	organisation := s.id(s.ann, `mutation ($i: CreateOrganisationInput!) { createOrganisation(input: $i) { organisation { id } } }`, "name", "Our society")
	s.DB.Query(t, `INSERT INTO app.organisation_members (organisation_id, user_id, role) VALUES ($1, $2, 'MEMBER')`, organisation, s.dan.UserID)
	for who, c := range map[*harness.Account][]string{
		&s.ann: {"comments", "notebookInvitations", "notebooks", "notes", "organisationMembers", "organisations"},
		&s.bob: {"notebookInvitations", "notebookMembers", "notebooks", "notes"}, // a hook gives each user a notebook with a note
		&s.cal: {"notebookMembers", "notebooks", "notes"},
		&s.dan: {"notebooks", "notes", "organisationMembers"},
	} {
		var data struct {
			Me struct {
				Export struct{ Rows map[string]json.RawMessage }
			}
		}
		r := s.Must(who.Token, `{ me { export } }`, nil)
		r.Into(t, &data)
		var tables []string
		for _, table := range slices.Sorted(maps.Keys(data.Me.Export.Rows)) {
			if strings.HasPrefix(table, "note") || strings.HasPrefix(table, "organisation") || table == "comments" {
				tables = append(tables, table)
			}
		}
		if !slices.Equal(tables, c) {
			t.Errorf("%s gets rows of %v, want %v", who.Username, tables, c)
		}
		for _, text := range []string{"bob wrote this", "cal wrote this"} {
			if strings.Contains(r.Body, text) != (who == &s.ann) {
				t.Errorf("%s, about what ann owns: %s", who.Username, r.Body)
			}
		}
		if strings.Contains(r.Body, "secretHash") {
			t.Errorf("%s gets the hash of a secret: %s", who.Username, r.Body)
		}
	}
}
