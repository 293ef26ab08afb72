package main

import (
	"os"
	"strings"
	"time"
)

// watchGoRun calls gone when the parent of a program run by `go run` ends: go run forwards neither SIGTERM nor
// SIGKILL, and would leave the service and its PostgreSQL behind.
func watchGoRun(gone func()) {
	path, err := os.Executable()
	if err != nil || !strings.Contains(path, "go-build") {
		return
	}
	parent := os.Getppid()
	go func() {
		for os.Getppid() == parent {
			time.Sleep(200 * time.Millisecond)
		}
		gone()
	}()
}
