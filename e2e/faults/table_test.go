package faults

import (
	"syscall"
	"time"

	"freehold.dev/freehold/db/dbtest"
	"freehold.dev/freehold/internal/eventually"
)

// table returns the faults. The flags decide how long they take.
func table() []fault {
	rotating, skewed := &clock{}, &clock{differs: true}
	return []fault{
		{
			id: "kill", name: "kill -9 of an instance", recovery: seconds, share: 0.1, codes: []string{"LOST"},
			happen: func(s *site) {
				s.instances[0].kill()
				time.Sleep(seconds)
				s.instances[0].start()
			},
		},
		{
			id: "kills", name: "kill -9 ×6, alternating", recovery: seconds, share: 0.2, codes: []string{"LOST"},
			happen: func(s *site) {
				for n := range forms(3, 6) {
					i := s.instances[n%2]
					i.kill()
					s.sometime(seconds)
					i.start()
					s.sometime(seconds / 2)
				}
			},
		},
		{
			id: "rolling", name: "rolling SIGTERM ×20, drain 3 s", settings: []string{"FREEHOLD_DRAIN_DELAY=" + forms("500ms", "3s")}, // R09
			happen: func(s *site) { s.roll(forms(4, 20)) },
		},
		{
			id: "rolling_without_drain", name: "rolling ×3, drain 0 s", recovery: seconds, share: 0.05, codes: []string{"LOST"},
			happen: func(s *site) { s.roll(3) },
		},
		{
			id: "database_killed", name: "PostgreSQL kill -9, back after 3 s", recovery: 5 * seconds, share: 0.95, codes: []string{"UNAVAILABLE"}, database: private, // R03
			happen: func(s *site) {
				s.own.kill()
				s.lasts(forms(1*seconds, 3*seconds))
				s.own.start()
			},
		},
		{
			id: "backends_terminated", name: "all backends terminated ×5", recovery: seconds, share: 0.05, codes: []string{"UNAVAILABLE"}, // R04
			happen: func(s *site) {
				for range forms(3, 5) {
					s.terminate()
					s.sometime(seconds)
				}
			},
		},
		{
			id: "statement_sent", name: "killed after the statement was sent", recovery: seconds, share: 0.2, codes: []string{"LOST", "UNAVAILABLE"}, // R05
			mails: true,
			happen: func(s *site) {
				for n := 0; n < forms(4, 12) || !s.hasFailed() && n < 40; n++ {
					release := s.block([]string{"app.outbox", "app.sessions"}[n/2%2])
					if n%2 == 0 {
						s.instances[0].kill()
					} else {
						s.terminate()
					}
					release()
					if n%2 == 0 {
						s.instances[0].start()
					}
					s.sometime(seconds / 2)
				}
			},
		},
		{
			id: "database_restarted", name: "PostgreSQL fast restart ×2", recovery: 2 * seconds, share: 0.2, codes: []string{"UNAVAILABLE"}, database: private,
			happen: func(s *site) {
				for range 2 {
					s.own.stop(syscall.SIGINT)
					s.own.start()
					s.sometime(seconds)
				}
			},
		},
		{
			id: "database_stopped", name: "PostgreSQL stopped for 15 s", recovery: 2 * seconds, share: 0.95, codes: []string{"UNAVAILABLE"}, database: private,
			happen: func(s *site) {
				s.own.stop(syscall.SIGINT)
				s.lasts(forms(2*seconds, 15*seconds))
				s.own.start()
			},
		},
		{
			id: "connection_limit", name: "connection limit", recovery: 2 * seconds, share: 0.95, codes: []string{"UNAVAILABLE"},
			happen: (*site).limitConnections,
		},
		{
			id: "disk_full", name: "disk full, 8 s", recovery: seconds, share: 0.95, codes: []string{"UNAVAILABLE"}, reads: true, database: onSmallDisk, // R15
			happen: (*site).fillDisk,
		},
		{
			id: "failover", name: "failover, multi-host DSN", recovery: 3 * seconds, share: 0.95, codes: []string{"UNAVAILABLE"}, database: withStandby,
			happen: (*site).failOver,
		},
		{
			id: "key_rotation", name: "key rotation ×3", serve: rotating.serve, happen: rotating.rotateKeys,
		},
		{
			id: "smtp_down", name: "SMTP down 60 s", recovery: forms(10*seconds, 100*seconds), mails: true, serve: withMail, // R16
			happen: func(s *site) {
				s.mail.stop()
				time.Sleep(forms(3*seconds/2, 60*seconds))
				s.mail.start()
				s.untilSent(forms(10*seconds, 100*seconds))
			},
			after: (*site).allSent,
		},
		{
			id: "smtp_hanging", name: "SMTP hanging 45 s", recovery: forms(10*seconds, 60*seconds), mails: true, serve: withMail,
			happen: func(s *site) {
				hang := make(chan struct{})
				s.mail.answer(func() error { <-hang; return nil })
				time.Sleep(forms(3*seconds/2, 45*seconds))
				s.mail.answer(nil)
				close(hang)
				s.untilSent(forms(10*seconds, 60*seconds))
			},
			after: (*site).allSent,
		},
		{
			id: "smtp_refuses_for_now", name: "SMTP 4xx, 20 s", recovery: forms(10*seconds, 60*seconds), mails: true, serve: withMail,
			happen: func(s *site) {
				s.mail.answer(refusal(450))
				time.Sleep(forms(3*seconds/2, 20*seconds))
				s.mail.answer(nil)
				s.untilSent(forms(10*seconds, 60*seconds))
			},
			after: (*site).allSent,
		},
		{
			id: "smtp_refuses", name: "SMTP 5xx (parked)", recovery: 10 * seconds, mails: true, serve: withMail,
			happen: func(s *site) {
				s.mail.answer(refusal(550))
				time.Sleep(forms(3*seconds/2, 10*seconds))
				s.mail.answer(nil)
				s.untilSent(10 * seconds)
			},
			after: (*site).allParkedOrSent,
		},
		{
			id: "silent_connections", name: "silent connections", recovery: 5 * seconds, share: 0.3, codes: []string{"UNAVAILABLE"}, database: throughProxy, // R28
			settings: []string{"FREEHOLD_REQUEST_TIMEOUT=10s", "FREEHOLD_STATEMENT_TIMEOUT=3s"}, // the usual ones, which determine the recovery
			happen: func(s *site) {
				for range forms(2, 5) {
					s.proxy.Silence()
					s.sometime(3 * seconds)
				}
			},
		},
		{
			id: "clocks", name: "clocks ±5 min", recovery: seconds, serve: skewed.serve, happen: skewed.skew, // R18
		},
		{
			id: "migration", name: "migration while both versions serve", recovery: 2 * seconds, share: 0.05, codes: []string{"UNAVAILABLE"}, // R27: on a slow machine, requests can wait too long for the tables that the migration has locked
			settings: []string{"FREEHOLD_DRAIN_DELAY=" + forms("500ms", "3s")},
			happen:   (*site).migrateAndRoll,
		},
		{
			id: "migration_blocked", name: "migration that waits for a backup", recovery: 2 * seconds, share: 0.05, codes: []string{"UNAVAILABLE"}, // as above
			happen: (*site).migrateDuringBackup,
		},
	}
}

// private starts a PostgreSQL that the test can stop. Unlike that of the other tests, it has fsync on.
func private(s *site) dbtest.Database {
	s.t.Helper()
	s.own = newPostgres(s.t)
	return databaseOf(s.t, s.own)
}

// roll replaces the instances one after the other, n times in all.
func (s *site) roll(n int) {
	s.t.Helper()
	for n := range n {
		s.instances[n%2].end()
		s.instances[n%2].start()
		s.sometime(seconds / 2)
	}
}

// block makes writes to a table wait in the database, after they were sent, until release is called. It returns when some wait.
func (s *site) block(table string) (release func()) {
	s.t.Helper()
	release = s.DB.Lock(s.t, table, "SHARE")
	eventually.True(s.t, 20*seconds, "several writes wait", func() bool {
		return s.DB.Query(s.t, `SELECT count(*) > 2 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`)[0] == "true"
	})
	return release
}
