package modules

import (
	"example.org/program/bookmarks"
	persons "example.org/program/people/bookmarks"
)

var (
	_ bookmarks.QueryResolver
	_ persons.QueryResolver
)
