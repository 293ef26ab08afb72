package owned

import (
	"fmt"
	"io"

	"github.com/google/uuid"
)

type Row interface{ RowID() uuid.UUID }

type By struct{ ID, Owner uuid.UUID }

func (b *By) RowID() uuid.UUID { return b.ID }

type ByVisibility struct {
	By

	Visibility Visibility
}

type Visibility string

func (v *Visibility) UnmarshalGQL(value any) error { return nil }
func (v Visibility) MarshalGQL(w io.Writer)        { fmt.Fprintf(w, "%q", string(v)) }
