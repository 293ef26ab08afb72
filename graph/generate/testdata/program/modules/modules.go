package modules

import (
	"freehold.dev/freehold/bookmarks"
	persons "freehold.dev/freehold/people/bookmarks"
)

var (
	_ bookmarks.QueryResolver
	_ persons.QueryResolver
)
