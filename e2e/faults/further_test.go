package faults

import (
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"freehold.dev/freehold/app"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/db/dbtest"
	"freehold.dev/freehold/internal/eventually"
)

// limitConnections leaves so few connections that most requests get none.
func (s *site) limitConnections() {
	name := s.DB.Query(s.t, `SELECT current_database()`)[0]
	s.exec(`ALTER DATABASE ` + name + ` CONNECTION LIMIT 1`)
	s.terminate()
	s.lasts(forms(seconds, 5*seconds))
	s.exec(`ALTER DATABASE ` + name + ` CONNECTION LIMIT -1`)
}

// onSmallDisk starts a PostgreSQL whose tables are on a small file system. Its log is elsewhere, since PostgreSQL ends if it cannot write that.
func onSmallDisk(s *site) dbtest.Database {
	s.t.Helper()
	p := &postgres{t: s.t, dir: newFolder(s.t)}
	small, wal := filepath.Join(p.dir, "data"), filepath.Join(p.dir, "wal")
	if err := os.Mkdir(small, 0o700); err != nil {
		s.t.Fatal(err)
	}
	own(s.t, small)
	command(s.t, "/", nil, "mount", "-t", "tmpfs", "-o", "size=128m", "tmpfs", small) // this test needs root, on Linux
	s.t.Cleanup(func() { syscall.Unmount(small, 0) })
	command(s.t, "/", nil, "sh", "-c", `cp -a "$1"/. "$2" && mv "$2/pg_wal" "$3" && ln -s "$3" "$2/pg_wal"`, "sh", makePrototype(s.t), small, wal)
	own(s.t, small)
	p.start()
	s.t.Cleanup(p.kill)
	s.own = p
	return databaseOf(s.t, p)
}

// fillDisk fills that file system, and then makes room again.
func (s *site) fillDisk() {
	s.t.Helper()
	path := filepath.Join(s.own.dir, "data", "ballast")
	f, err := os.Create(path)
	if err != nil {
		s.t.Fatal(err)
	}
	defer f.Close()
	for block := make([]byte, 1<<16); len(block) > 0; {
		if _, err := f.Write(block); err != nil {
			block = block[:len(block)/2] // down to the last byte
		}
	}
	s.lasts(forms(seconds, 8*seconds))
	if err := os.Remove(path); err != nil {
		s.t.Fatal(err)
	}
}

// withStandby starts a PostgreSQL and a standby, which has each write before it is acknowledged.
func withStandby(s *site) dbtest.Database {
	s.t.Helper()
	s.own = newPostgres(s.t)
	s.standby = &postgres{t: s.t, dir: newFolder(s.t)}
	copying := postgresTool("pg_basebackup", "-h", s.own.dir, "-U", "postgres", "-D", filepath.Join(s.standby.dir, "data"), "-R", "-c", "fast", "--no-sync")
	if out, err := copying.CombinedOutput(); err != nil {
		s.t.Fatalf("pg_basebackup: %v\n%s", err, out)
	}
	s.standby.start()
	s.t.Cleanup(s.standby.kill)
	d := databaseOf(s.t, s.own, s.standby)
	d.Query(s.t, `ALTER SYSTEM SET synchronous_standby_names = '*'`)
	d.Query(s.t, `SELECT pg_reload_conf()`)
	eventually.True(s.t, 20*seconds, "the standby has each write", func() bool {
		return d.Query(s.t, `SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'`)[0] == "1"
	})
	return d
}

// failOver kills the primary, and promotes the standby a while later.
func (s *site) failOver() {
	s.t.Helper()
	s.own.kill()
	s.lasts(forms(seconds, 5*seconds))
	databaseOf(s.t, s.standby).Query(s.t, `SELECT pg_promote()`)
}

// clock is that of the instances, which a fault moves.
type clock struct {
	ahead   atomic.Int64 // of the first instance, and of the second one too unless they differ
	differs bool         // the second instance is as much behind
}

func (c *clock) at(n int) time.Time {
	ahead := time.Duration(c.ahead.Load())
	if c.differs && n > 0 {
		ahead = -ahead
	}
	return time.Now().Add(ahead)
}

// serve starts instances in this process that have this clock.
func (c *clock) serve(s *site) {
	s.t.Helper()
	s.serveHere(func(n int) app.Options { return app.Options{Now: func() time.Time { return c.at(n) }} })
}

// skew moves the clocks by five minutes, and then back.
func (c *clock) skew(*site) {
	c.ahead.Store(int64(5 * time.Minute))
	time.Sleep(forms(2*seconds, 15*seconds))
	c.ahead.Store(0)
}

// rotateKeys adds signing keys. The clock moves on until the instances read the file, and until they use the key.
func (c *clock) rotateKeys(s *site) {
	s.t.Helper()
	for range 3 {
		known := s.instances[0].published()
		if out, err := s.freehold("keys", "rotate").CombinedOutput(); err != nil {
			s.t.Fatalf("rotate the keys: %v\n%s", err, out)
		}
		c.stamp(s)
		c.ahead.Add(int64(11 * seconds))
		for _, i := range s.instances {
			eventually.True(s.t, 10*seconds, "an instance publishes the new key", func() bool { return len(i.published()) > len(known) })
		}
		c.ahead.Add(int64(10 * time.Minute))
		for range s.instances {
			if kid := keyOf(s.SignUp(nil).Token); slices.Contains(known, kid) {
				s.t.Errorf("the service still signs with the key %s", kid)
			}
		}
		time.Sleep(forms(seconds/2, 5*seconds))
	}
}

// stamp makes the newest key one that was created at the time of this clock.
func (c *clock) stamp(s *site) {
	s.t.Helper()
	text, err := os.ReadFile(s.keyFile)
	if err != nil {
		s.t.Fatal(err)
	}
	all := regexp.MustCompile(`Created: \S+`).FindAllIndex(text, -1)
	if len(all) == 0 {
		s.t.Fatalf("no key says when it was created: %s", text)
	}
	newest := all[len(all)-1]
	text = slices.Concat(text[:newest[0]], []byte("Created: "+c.at(0).UTC().Format(time.RFC3339)), text[newest[1]:])
	if err := os.WriteFile(s.keyFile, text, 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// published returns the ids of the keys that an instance publishes.
func (i *instance) published() (kids []string) {
	i.site.t.Helper()
	var set struct{ Keys []struct{ Kid string } }
	if err := json.Unmarshal([]byte(i.site.Fetch("http://"+i.host+"/.well-known/jwks.json").Body), &set); err != nil {
		i.site.t.Fatal(err)
	}
	for _, k := range set.Keys {
		kids = append(kids, k.Kid)
	}
	return kids
}

// keyOf returns the id of the key that signed a token.
func keyOf(token string) string {
	var header struct{ Kid string }
	head, _, _ := strings.Cut(token, ".")
	text, _ := base64.RawURLEncoding.DecodeString(head)
	json.Unmarshal(text, &header)
	return header.Kid
}

// withMail starts the instances with a mail server. In the short form, they retry soon.
func withMail(s *site) {
	s.t.Helper()
	s.mail = serveMail(s.t)
	s.settings = append(s.settings, "FREEHOLD_SMTP_URL=smtp://"+s.mail.address, "FREEHOLD_MAIL_FROM=no-reply@example.org")
	s.Allowed = append(s.Allowed, "gave up on a mail")
	if *long {
		s.serve()
		return
	}
	s.serveHere(func(int) app.Options { return app.Options{MailFirstRetry: seconds / 2, MailLatest: seconds / 2} })
}

// untilSent ends the fault, and waits until each mail from before is settled.
func (s *site) untilSent(within time.Duration) {
	s.t.Helper()
	s.ended = time.Now()
	now := s.DB.Query(s.t, `SELECT clock_timestamp()`)[0]
	s.await(within, "the mails from before the end of the fault are settled", func() bool {
		return s.DB.Query(s.t, `SELECT count(*) FROM app.outbox WHERE sent_at IS NULL AND parked_at IS NULL AND created_at < $1`, now)[0] == "0"
	})
}

// allSent checks that the mail server has each mail of the outbox.
func (s *site) allSent() {
	s.t.Helper()
	s.AwaitOutbox()
	got := map[string]int{}
	for _, m := range s.mail.all() {
		got[m.to]++
	}
	sent := s.DB.Query(s.t, `SELECT recipient FROM app.outbox WHERE sent_at IS NOT NULL`)
	for _, to := range sent {
		if got[to]--; got[to] < 0 {
			s.t.Errorf("a mail to %s was not sent", to)
		}
	}
	if len(sent) < 10 {
		s.t.Errorf("only %d mails: too few to show anything", len(sent))
	}
	if parked := s.DB.Query(s.t, `SELECT last_error FROM app.outbox WHERE parked_at IS NOT NULL`); len(parked) > 0 {
		s.t.Errorf("parked: %v", parked)
	}
}

// allParkedOrSent checks that the mails of the time of refusals are parked, and the others are sent.
func (s *site) allParkedOrSent() {
	s.t.Helper()
	s.AwaitOutbox()
	if n := s.DB.Query(s.t, `SELECT count(*) FROM app.outbox WHERE parked_at IS NOT NULL`)[0]; n == "0" {
		s.t.Error("no mail is parked")
	}
	if n := s.DB.Query(s.t, `SELECT count(*) FROM app.outbox WHERE sent_at IS NOT NULL`)[0]; n == "0" {
		s.t.Error("no mail is sent")
	}
}

// throughProxy puts a proxy between the instances and the database.
func throughProxy(s *site) dbtest.Database {
	s.t.Helper()
	d := dbtest.New(s.t)
	s.proxy = dbtest.NewProxy(s.t, d.App)
	d.App = s.proxy.URL(d.App)
	return d
}

// nextFiles returns the files of the next build's migrations. This build can serve their database.
func nextFiles(t *testing.T) fstest.MapFS {
	t.Helper()
	files, last := currentFiles(t)
	return withMigration(files, last+1, "-- Serves builds from: "+strconv.FormatInt(last, 10)+"\n")
}

// migrateAndRoll migrates to a newer build's database under load, and restarts the instances of this build there.
func (s *site) migrateAndRoll() {
	s.t.Helper()
	migrate(s.t, s.DB, nextFiles(s.t))
	s.roll(2)
}

// migrateDuringBackup begins a migration of a table that another session reads, as pg_dump does, and ends that session a while later.
func (s *site) migrateDuringBackup() {
	s.t.Helper()
	m := db.NewMigrator(s.DB.Owner, false, setOf(nextFiles(s.t)))
	waits, done := make(chan struct{}), make(chan error, 1)
	m.Notice = func(error) { close(waits) }
	release := s.DB.Lock(s.t, "app.profiles", "ACCESS SHARE")
	go func() {
		_, err := m.Run(s.t.Context())
		done <- err
	}()
	select {
	case <-waits:
	case err := <-done:
		s.t.Fatalf("the migration has not waited: %v", err)
	}
	time.Sleep(forms(4*seconds, 20*seconds))
	release()
	if err := <-done; err != nil {
		s.t.Error(err)
	}
}
