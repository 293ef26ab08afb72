//go:build unix

package devpg

import (
	"context"
	"fmt"
	"slices"
	"time"
)

const (
	restartLimit  = 3
	restartWindow = time.Minute
)

// supervise keeps a server running until Stop, or until it has crashed too often.
func (c *Cluster) supervise(server *child) {
	defer close(c.done)
	defer c.leave()
	var restarts budget
	for {
		select {
		case <-c.stopping.Done():
			c.stopErr = c.end(server)
			return
		case <-server.gone:
		}
		var err error
		if server, err = c.restart(server, &restarts); err != nil {
			if c.stopping.Err() == nil {
				c.err = err
				c.log.Error("private PostgreSQL has ended", "dir", c.Dir(), "error", err)
			}
			return
		}
	}
}

// restart starts a new server after a crash, on the same data and socket. It
// does not wait until the server is ready, since connection pools retry.
func (c *Cluster) restart(dead *child, restarts *budget) (*child, error) {
	if err := c.folder.evict(c.stopping); err != nil {
		return nil, err
	}
	if !restarts.spend(time.Now()) {
		return nil, fmt.Errorf("the private PostgreSQL crashed again after %d restarts within %v; %s",
			restartLimit, restartWindow, c.folder.logTail())
	}
	server, err := c.spawn()
	if err != nil {
		return nil, err
	}
	c.log.Warn("private PostgreSQL crashed and was restarted",
		"dir", c.Dir(), "was", dead.state(), "pid", server.pid())
	return server, nil
}

// end shuts a server down, and ends backends that outlive a killed postmaster.
func (c *Cluster) end(server *child) error {
	if err := server.shutDown(); err != nil {
		return err
	}
	return c.folder.evict(context.Background()) // a cancelled start must clean up as well
}

// budget has the times of recent restarts.
type budget []time.Time

// spend takes one restart from the budget, and reports whether there was one.
func (b *budget) spend(now time.Time) bool {
	*b = slices.DeleteFunc(*b, func(t time.Time) bool { return now.Sub(t) >= restartWindow })
	if len(*b) >= restartLimit {
		return false
	}
	*b = append(*b, now)
	return true
}
