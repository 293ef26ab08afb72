package resolvers

// CharacterBytes is the most bytes that a character takes in a response: < is encoded as \u003c.
const CharacterBytes = 6

// CursorTextBytes is the most bytes that a cursor takes in a response.
const CursorTextBytes = 40
