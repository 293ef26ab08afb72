package app

import (
	"fmt"
	"os"

	"freehold.dev/freehold/accounts/input"
)

// reservedUsernames reads the operator's list, or returns the default one if path is empty.
func reservedUsernames(path string) (input.Reserved, error) {
	if path == "" {
		return input.DefaultReserved(), nil
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("FREEHOLD_RESERVED_USERNAMES: %w", err)
	}
	defer file.Close()
	reserved, err := input.ReadReserved(file)
	if err != nil {
		return nil, fmt.Errorf("FREEHOLD_RESERVED_USERNAMES: %w", err)
	}
	return reserved, nil
}
