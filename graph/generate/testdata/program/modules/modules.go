package modules

import (
	"freehold/bookmarks"
	persons "freehold/people/bookmarks"
)

var (
	_ bookmarks.QueryResolver
	_ persons.QueryResolver
)
