package resolvers

type Resolvers struct{}
