// Package modules lists the modules of this program.
package modules

import "freehold/resolvers"

var _ resolvers.QueryResolver
