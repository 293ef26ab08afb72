package faults

import (
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"freehold.dev/freehold/db/dbtest"
)

// R22: a server that is started while the database is down says so and ends in time, so that its supervisor can start it again. The same
// server then serves.
func TestStartWithTheDatabaseDown(t *testing.T) {
	t.Parallel()
	s := newSite(t, 1, private)
	s.own.stop(syscall.SIGINT)
	begun := time.Now()
	out, err := s.freehold().CombinedOutput()
	if took := time.Since(begun); err == nil || took > 20*seconds || strings.Contains(string(out), "panic") || !strings.Contains(string(out), "database") {
		t.Errorf("with the database down, the server ends after %v with %v and says %s", took, err, out)
	}
	s.own.start()
	s.serve()
	s.SignUp(nil)
}

// R22: two processes migrate an empty database at once. Both succeed, and the database serves.
func TestMigrateTwiceAtOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t, 1, func(s *site) dbtest.Database { return dbtest.NewEmpty(s.t, "") })
	s.settings = append(s.settings, "FREEHOLD_MIGRATE_URL="+s.DB.Owner)
	var both sync.WaitGroup
	for range 2 {
		c := s.freehold("migrate")
		both.Go(func() {
			if out, err := c.CombinedOutput(); err != nil {
				t.Errorf("migrate: %v\n%s", err, out)
			}
		})
	}
	both.Wait()
	s.serve()
	s.SignUp(nil)
}
