package accounts

import (
	"context"
	"fmt"
	"strings"

	"freehold/auth"
	"freehold/fault"
)

// judgePassword returns what is wrong with a normalised password for an account that calls itself by these words.
func (s *Service) judgePassword(ctx context.Context, password string, own []string) (code, message string) {
	code, message = auth.JudgePassword(password, s.config.PasswordMinLength, own...)
	if code == "" && s.config.Breached != nil && s.config.Breached(ctx, password) {
		return "BREACHED", "This password is known from a leak of another service. Choose another."
	}
	return code, message
}

// judgeAndHash hashes a new password of an account that calls itself by these words.
func (s *Service) judgeAndHash(ctx context.Context, path, password string, own []string) (hash string, err error) {
	password = auth.NormalizePassword(password)
	if code, message := s.judgePassword(ctx, password, own); code != "" {
		return "", fault.Input(path, code, message)
	}
	if hash, err = s.hasher.Hash(ctx, password); err != nil {
		return "", fmt.Errorf("hash the new password: %w", err)
	}
	return hash, nil
}

// words are what an account and the service go by.
func (s *Service) words(email, username string, displayName *string) []string {
	own := []string{s.config.ServiceName, email, username}
	if displayName != nil {
		own = append(own, *displayName)
	}
	local, _, _ := strings.Cut(email, "@")
	return append(own, local)
}
