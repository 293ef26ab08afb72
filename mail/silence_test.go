package mail

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"freehold.dev/freehold/internal/eventually"
	"freehold.dev/freehold/mail/outbox"
)

// steps are the steps of a conversation, named by the last command of the client.
var steps = []string{"greeting", "EHLO", "STARTTLS", "AUTH", "MAIL", "RCPT", "DATA", "the message", "RSET", "QUIT"}

// silentAt is a server that goes silent at a step, on the first connections. It serves later connections. It keeps the messages that
// it has accepted.
func silentAt(t *testing.T, step string, connections int32) (address string, taken *atomic.Int32) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	taken = &atomic.Int32{}
	var served atomic.Int32
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			silent := step
			if served.Add(1) > connections {
				silent = ""
			}
			go converse(conn, silent, step == "STARTTLS", taken)
		}
	}()
	return listener.Addr().String(), taken
}

func converse(conn net.Conn, silent string, startTLS bool, taken *atomic.Int32) {
	defer conn.Close()
	in := bufio.NewReader(conn)
	say := func(step, reply string) {
		if step == silent {
			in.WriteTo(discard{}) // until the client hangs up
			return
		}
		conn.Write([]byte(reply))
	}
	say("greeting", "220 localhost\r\n")
	data := false
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		verb, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch verb = strings.ToUpper(verb); {
		case data && line != ".\r\n":
		case data:
			data = false
			if silent != "the message" {
				taken.Add(1)
			}
			say("the message", "250 taken\r\n")
		case verb == "EHLO" && startTLS:
			say(verb, "250-localhost\r\n250 STARTTLS\r\n")
		case verb == "EHLO":
			say(verb, "250-localhost\r\n250 AUTH PLAIN\r\n")
		case verb == "AUTH":
			say(verb, "235 welcome\r\n")
		case verb == "DATA":
			data = true
			say(verb, "354 go on\r\n")
		case verb == "QUIT":
			say(verb, "221 bye\r\n")
			return
		default:
			say(verb, "250 fine\r\n")
		}
	}
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

// R28: if a server goes silent at any step, the attempt ends after its timeout. A message that the server has accepted counts as sent.
func TestServerThatGoesSilent(t *testing.T) {
	t.Parallel()
	for _, step := range steps {
		t.Run(step, func(t *testing.T) {
			t.Parallel()
			address, _ := silentAt(t, step, 1)
			s := newSMTP(t, "smtp://user:password@"+address, nil)
			s.server.plain = step != "STARTTLS"
			ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
			defer cancel()
			begun := time.Now()
			err := s.Send(ctx, letter(t))
			if took := time.Since(begun); took > 2*time.Second {
				t.Errorf("it took %v", took)
			}
			failure, failed := errors.AsType[*Failure](err)
			if step == "RSET" || step == "QUIT" {
				if err != nil {
					t.Errorf("the server has the message, and the failure is %v", err)
				}
			} else if !failed || failure.Kind != "timeout" || failure.Permanent {
				t.Errorf("the failure is %v", err)
			}
		})
	}
}

// R28: if the server is silent for all running attempts, the worker continues after its timeout, and each mail arrives eventually.
func TestWorkerGoesOnInSilence(t *testing.T) {
	t.Parallel()
	for _, step := range steps {
		if step == "STARTTLS" {
			continue // a server that has it is another; the one above shows that it is left in time
		}
		t.Run(step, func(t *testing.T) {
			t.Parallel()
			const mails, silent = 7, 4
			address, taken := silentAt(t, step, silent)
			s := newSMTP(t, "smtp://user:password@"+address, nil)
			w := work(t, s.Send, func(o *WorkerOptions) {
				o.Timeout, o.Poll, o.FirstRetry, o.AtOnce = time.Second, 50*time.Millisecond, 100*time.Millisecond, silent
			})
			var ids []uuid.UUID
			for range mails {
				ids = append(ids, w.shelf.put(VerifyEmail, nil))
			}
			settled := func() (n int) {
				for _, id := range ids {
					for _, end := range w.shelf.endsOf(id) {
						if end.Outcome == outbox.Sent {
							n++
						}
					}
				}
				return n
			}
			eventually.True(t, 10*time.Second, fmt.Sprintf("%d mails are recorded as sent", mails), func() bool { return settled() == mails })
			if n := taken.Load(); n != mails {
				t.Errorf("the server has taken %d messages, want %d", n, mails)
			}
		})
	}
}
