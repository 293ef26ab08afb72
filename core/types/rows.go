package types

import (
	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/graph/model"
	"freehold.dev/freehold/owned"
)

// NewProfile translates a row into a profile and its user, which refer to each other.
func NewProfile(p *db.Profile) *model.Profile {
	visibility := owned.Visibility(p.Visibility)
	profile := &model.Profile{
		ByVisibility: owned.ByVisibility{By: owned.By{ID: p.ID, Owner: p.UserID}, Visibility: visibility},
		Username:     p.Username, DisplayName: p.DisplayName, Bio: p.Bio, AvatarURL: p.AvatarURL, WebsiteURL: p.WebsiteURL, Location: p.Location,
		CreatedAt: p.CreatedAt, UpdatedAt: p.UpdatedAt,
	}
	profile.User = &model.User{
		ByVisibility: owned.ByVisibility{By: owned.By{ID: p.UserID, Owner: p.UserID}, Visibility: visibility},
		Profile:      profile, CreatedAt: p.CreatedAt,
	}
	return profile
}

// NewUser is NewProfile, and returns the user.
func NewUser(p *db.Profile) *model.User { return NewProfile(p).User }

// NewSession translates a session, as the viewer sees it.
func NewSession(viewer auth.Viewer, s *db.LiveSession) *model.Session {
	return &model.Session{
		By:     owned.By{ID: s.ID, Owner: s.UserID},
		Device: s.Device, IP: s.IP, CreatedAt: s.CreatedAt, LastUsedAt: s.LastUsedAt, ExpiresAt: s.ExpiresAt, Current: s.ID == viewer.SessionID,
	}
}

// NewCredential translates a credential.
func NewCredential(c *db.Credential) *model.Credential {
	return &model.Credential{
		By: owned.By{ID: c.ID, Owner: c.UserID}, Kind: model.CredentialKind(c.Kind), Name: c.Name, CreatedAt: c.CreatedAt, LastUsedAt: c.LastUsedAt,
	}
}
