// Package export owns the use case that returns everything stored about a user as JSON. The database decides which rows and columns
// that is. The package must not know tables, GraphQL or HTTP, and leaves SQL to db.
package export

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"freehold.dev/freehold/accounts"
	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/fault"
)

// MaxBytes is the largest export that a reply can contain. The command line has no limit.
const MaxBytes = 1_000_000

// Service has the use case, over one database.
type Service struct {
	db       *db.DB
	accounts *accounts.Service
}

// New returns the use case.
func New(d *db.DB, a *accounts.Service) *Service { return &Service{db: d, accounts: a} }

// Own returns everything stored about a user; nil if the viewer is another user. The error is REAUTH_REQUIRED if the viewer has proved too
// long ago who they are, and OPERATION_TOO_COSTLY if the export is larger than MaxBytes.
func (s *Service) Own(ctx context.Context, viewer auth.Viewer, userID uuid.UUID) (document json.RawMessage, err error) {
	err = s.db.Read(ctx, viewer, func(ctx context.Context, tx *db.Tx) error {
		if err := s.accounts.RequireRecent(ctx, tx); err != nil {
			return err
		}
		rows, err := tx.FindExport(ctx, userID, MaxBytes-envelope)
		if err == nil && len(rows) > 0 {
			document = Document(userID, time.Now(), rows)
		}
		return err
	})
	if errors.Is(err, db.ErrExportTooLarge) {
		return nil, &fault.Error{
			Code: fault.TooCostly, Cost: MaxBytes + 1, CostLimit: MaxBytes, Err: err,
			Message: fmt.Sprintf("Your data has more than %d bytes, which is too much for a reply. Ask the operators of this service for it.", MaxBytes),
		}
	}
	return document, err
}

// envelope is more than a document has besides its rows, in bytes.
const envelope = 10_000

// Document returns the JSON of an export: the id of the user, the time, and the rows by table. Rows of one table follow each other.
func Document(userID uuid.UUID, at time.Time, rows []db.ExportedRow) json.RawMessage {
	var b bytes.Buffer
	fmt.Fprintf(&b, `{"userId":%q,"exportedAt":%q,"rows":{`, userID, at.UTC().Format(time.RFC3339))
	for i, row := range rows {
		switch {
		case i == 0:
			fmt.Fprintf(&b, `%q:[`, row.Table)
		case row.Table != rows[i-1].Table:
			fmt.Fprintf(&b, `],%q:[`, row.Table)
		default:
			b.WriteByte(',')
		}
		b.WriteString(row.Data)
	}
	if len(rows) > 0 {
		b.WriteByte(']')
	}
	b.WriteString("}}")
	return b.Bytes()
}
