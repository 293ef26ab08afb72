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

// supervise keeps a server running until Stop, or until it has died too often.
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
				c.log.Error("private PostgreSQL is gone", "dir", c.Dir(), "error", err)
			}
			return
		}
	}
}

// restart starts a server in place of one that died, on the same data and
// socket. It does not wait until it is ready: connection pools try again.
func (c *Cluster) restart(dead *child, restarts *budget) (*child, error) {
	if err := c.folder.evict(c.stopping); err != nil {
		return nil, err
	}
	if !restarts.spend(time.Now()) {
		return nil, fmt.Errorf("the private PostgreSQL died again after %d restarts within %v; %s",
			restartLimit, restartWindow, c.folder.logTail())
	}
	server, err := c.spawn()
	if err != nil {
		return nil, err
	}
	c.log.Warn("private PostgreSQL died and was started again",
		"dir", c.Dir(), "was", dead.state(), "pid", server.pid())
	return server, nil
}

// end shuts a server down. Backends outlive a postmaster that had to be killed; they end too.
func (c *Cluster) end(server *child) error {
	if err := server.shutDown(); err != nil {
		return err
	}
	return c.folder.evict(context.Background()) // a cancelled start must clean up all the same
}

// A budget holds the times of recent restarts.
type budget []time.Time

// spend takes one restart from the budget, or tells that none is left.
func (b *budget) spend(now time.Time) bool {
	*b = slices.DeleteFunc(*b, func(t time.Time) bool { return now.Sub(t) >= restartWindow })
	if len(*b) >= restartLimit {
		return false
	}
	*b = append(*b, now)
	return true
}
