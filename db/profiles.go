package db

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/lib/pq"

	"freehold.dev/freehold/auth"
)

// Profile is a profile that the viewer may see. A nil string is an empty field.
type Profile struct {
	ID          uuid.UUID `db:"id"`
	UserID      uuid.UUID `db:"user_id"`
	Username    string    `db:"username"`
	DisplayName *string   `db:"display_name"`
	Bio         *string   `db:"bio"`
	AvatarURL   *string   `db:"avatar_url"`
	WebsiteURL  *string   `db:"website_url"`
	Location    *string   `db:"location"`
	Visibility  string    `db:"visibility"` // PRIVATE, MEMBERS or PUBLIC
	CreatedAt   time.Time `db:"created_at"` // also of the user, which is created in the same transaction
	UpdatedAt   time.Time `db:"updated_at"`
}

// Patch changes a column to *Value, or to NULL if Value is nil. If Set is false, it changes nothing.
type Patch[T any] struct {
	Set   bool
	Value *T
}

// SetTo returns a Patch that changes a column to a value.
func SetTo[T any](value T) Patch[T] { return Patch[T]{Set: true, Value: &value} }

func (p Patch[T]) or(other Patch[T]) Patch[T] {
	if p.Set {
		return p
	}
	return other
}

// ProfileFields has the columns of a profile that its owner may write.
type ProfileFields struct {
	DisplayName Patch[string]
	Bio         Patch[string]
	AvatarURL   Patch[string]
	WebsiteURL  Patch[string]
	Location    Patch[string]
	Visibility  Patch[string] // never NULL
	Birthday    Patch[time.Time]
	PhoneNumber Patch[string]
}

// Or returns the fields, and those of other that they lack.
func (f ProfileFields) Or(other ProfileFields) ProfileFields {
	return ProfileFields{
		DisplayName: f.DisplayName.or(other.DisplayName), Bio: f.Bio.or(other.Bio), AvatarURL: f.AvatarURL.or(other.AvatarURL),
		WebsiteURL: f.WebsiteURL.or(other.WebsiteURL), Location: f.Location.or(other.Location), Visibility: f.Visibility.or(other.Visibility),
		Birthday: f.Birthday.or(other.Birthday), PhoneNumber: f.PhoneNumber.or(other.PhoneNumber),
	}
}

// hasPrivate reports whether the patch changes columns of profile_private.
func (f *ProfileFields) hasPrivate() bool { return f.Birthday.Set || f.PhoneNumber.Set }

const profileColumns = `id, user_id, username, display_name, bio, avatar_url, website_url, location, visibility, created_at, updated_at`

const selectProfile = `
	SELECT ` + profileColumns + `
	  FROM app.profiles`

var profileList = NewList[Profile](Listing{Table: `app.profiles`, Columns: profileColumns})

// FindProfilePage returns a page of the profiles that the viewer sees.
func (d *DB) FindProfilePage(ctx context.Context, viewer auth.Viewer, r Range) (*Page[Profile], error) {
	return profileList.FindPage(ctx, d, viewer, r)
}

// FindProfileByUsernameKey returns the profile with a normalised username; NOT_FOUND if the viewer sees none.
func (d *DB) FindProfileByUsernameKey(ctx context.Context, viewer auth.Viewer, key string) (*Profile, error) {
	return read(ctx, d, viewer, func(ctx context.Context, tx *Tx) (*Profile, error) {
		return tx.findProfile(ctx, selectProfile+`
			 WHERE username_key = $1`, key)
	})
}

// FindProfileOfUser returns the profile of a user; NOT_FOUND if the viewer sees none.
func (d *DB) FindProfileOfUser(ctx context.Context, viewer auth.Viewer, userID uuid.UUID) (*Profile, error) {
	return read(ctx, d, viewer, func(ctx context.Context, tx *Tx) (*Profile, error) {
		return tx.FindProfileOfUser(ctx, userID)
	})
}

// FindProfileOfUser is DB.FindProfileOfUser in a transaction.
func (t *Tx) FindProfileOfUser(ctx context.Context, userID uuid.UUID) (*Profile, error) {
	return t.findProfile(ctx, selectProfile+`
		 WHERE user_id = $1`, userID)
}

func (t *Tx) findProfile(ctx context.Context, query string, arg any) (*Profile, error) {
	var p Profile
	err := t.GetOne(ctx, &p, query, arg)
	if err != nil {
		return nil, fmt.Errorf("find profile: %w", err)
	}
	return &p, nil
}

// FindProfiles returns the profiles with these ids that the viewer sees, in any order.
func (t *Tx) FindProfiles(ctx context.Context, ids []uuid.UUID) ([]Profile, error) {
	return t.findProfiles(ctx, selectProfile+`
		 WHERE id = ANY ($1)`, pq.Array(ids))
}

// FindProfilesOfUsers returns the profiles of these users that the viewer sees, in any order.
func (t *Tx) FindProfilesOfUsers(ctx context.Context, userIDs []uuid.UUID) ([]Profile, error) {
	return t.findProfiles(ctx, selectProfile+`
		 WHERE user_id = ANY ($1)`, pq.Array(userIDs))
}

// FindProfilesByUsernameKeys returns the profiles with these normalised usernames that the viewer sees, in any order.
func (t *Tx) FindProfilesByUsernameKeys(ctx context.Context, keys []string) ([]Profile, error) {
	return t.findProfiles(ctx, selectProfile+`
		 WHERE username_key = ANY ($1)`, pq.Array(keys))
}

func (t *Tx) findProfiles(ctx context.Context, query string, keys any) (found []Profile, err error) {
	if err := t.Select(ctx, &found, query, keys); err != nil {
		return nil, fmt.Errorf("find profiles: %w", err)
	}
	return found, nil
}

// CreateProfile writes the viewer's profile. It returns ErrTaken if the username is held for another user.
func (t *Tx) CreateProfile(ctx context.Context, id uuid.UUID, username, usernameKey string, f ProfileFields) error {
	err := t.ExecOne(ctx, `
		INSERT INTO app.profiles (id, user_id, username, username_key, display_name, bio, avatar_url, website_url, location, visibility)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		id, t.Viewer.UserID, username, usernameKey, f.DisplayName.Value, f.Bio.Value, f.AvatarURL.Value, f.WebsiteURL.Value,
		f.Location.Value, f.Visibility.Value)
	if err != nil {
		return fmt.Errorf("create profile: %w", err)
	}
	var held bool
	if err := t.Get(ctx, &held, `SELECT app.is_held($1)`, usernameKey); err != nil {
		return fmt.Errorf("create profile: %w", err)
	}
	if held {
		return ErrTaken
	}
	err = t.ExecOne(ctx, `
		INSERT INTO app.profile_private (user_id, birthday, phone_number)
		VALUES ($1, $2, $3)`,
		t.Viewer.UserID, f.Birthday.Value, f.PhoneNumber.Value)
	if err != nil {
		return fmt.Errorf("create private values of profile: %w", err)
	}
	return nil
}

// UpdateProfile changes the viewer's profile and returns the result; NOT_FOUND if the profile with this id does not belong to the
// viewer. For uuid.Nil, it changes the viewer's profile whatever its id is.
func (d *DB) UpdateProfile(ctx context.Context, viewer auth.Viewer, id uuid.UUID, f ProfileFields) (updated *Profile, err error) {
	write := d.Write
	if !f.hasPrivate() {
		write = d.writeOne
	}
	err = write(ctx, viewer, func(ctx context.Context, tx *Tx) (err error) {
		if updated, err = tx.UpdateProfile(ctx, id, f); err != nil {
			return fmt.Errorf("update profile: %w", err)
		}
		return nil
	})
	return updated, err
}

// UpdateProfile is DB.UpdateProfile in a transaction. It has the owner in its WHERE, so that it does not change a row whose owner has changed since the rule was checked.
func (t *Tx) UpdateProfile(ctx context.Context, id uuid.UUID, f ProfileFields) (*Profile, error) {
	var p Profile
	err := t.GetOne(ctx, &p, `
		UPDATE app.profiles
		   SET display_name = CASE WHEN $3 THEN $4 ELSE display_name END,
		       bio          = CASE WHEN $5 THEN $6 ELSE bio END,
		       avatar_url   = CASE WHEN $7 THEN $8 ELSE avatar_url END,
		       website_url  = CASE WHEN $9 THEN $10 ELSE website_url END,
		       location     = CASE WHEN $11 THEN $12 ELSE location END,
		       visibility   = CASE WHEN $13 THEN $14 ELSE visibility END,
		       updated_at   = now()
		 WHERE user_id = $1 AND (id = $2 OR $2 = '00000000-0000-0000-0000-000000000000')
		RETURNING `+profileColumns,
		t.Viewer.UserID, id, f.DisplayName.Set, f.DisplayName.Value, f.Bio.Set, f.Bio.Value, f.AvatarURL.Set, f.AvatarURL.Value,
		f.WebsiteURL.Set, f.WebsiteURL.Value, f.Location.Set, f.Location.Value, f.Visibility.Set, f.Visibility.Value)
	if err != nil {
		return nil, err
	}
	if !f.hasPrivate() {
		return &p, nil
	}
	err = t.ExecOne(ctx, `
		UPDATE app.profile_private
		   SET birthday     = CASE WHEN $2 THEN $3 ELSE birthday END,
		       phone_number = CASE WHEN $4 THEN $5 ELSE phone_number END
		 WHERE user_id = $1`,
		t.Viewer.UserID, f.Birthday.Set, f.Birthday.Value, f.PhoneNumber.Set, f.PhoneNumber.Value)
	if err != nil {
		return nil, err
	}
	return &p, nil
}
