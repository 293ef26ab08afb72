// Command generate makes what follows from the schema: the code that executes it and its Go types, by gqlgen, and the
// composition of the resolvers of all modules. `go generate ./...` runs it in the folder of gqlgen.yml. It must not import
// packages of this program, which may not compile until it has run.
package main

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/99designs/gqlgen/api"
	"github.com/99designs/gqlgen/codegen/config"
	"github.com/99designs/gqlgen/plugin/modelgen"
)

func main() {
	if err := generate(); err != nil {
		fmt.Fprintf(os.Stderr, "generate: %v\n", err)
		os.Exit(1)
	}
}

// generate writes all files, or none if it fails.
func generate() (err error) {
	cfg, err := config.LoadConfig("gqlgen.yml")
	if err != nil {
		return err
	}
	kept, err := keep(cfg.Exec.Filename, cfg.Model.Filename, composedFile)
	if err != nil {
		return err
	}
	done := make(chan struct{})
	defer close(done)
	go restoreOnSignal(kept, done)
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("gqlgen panicked: %v", r)
		}
		if err != nil {
			err = kept.restore(err)
		}
	}()
	p := &rules{}
	models := &modelgen.Plugin{FieldHook: p.field, MutateHook: p.models}
	return api.Generate(cfg, api.PrependPlugin(p), api.ReplacePlugin(models))
}

// restoreOnSignal restores the files and ends the program if the user interrupts it.
func restoreOnSignal(kept files, done <-chan struct{}) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	select {
	case s := <-signals:
		fmt.Fprintf(os.Stderr, "generate: %v\n", kept.restore(fmt.Errorf("stopped by %v", s)))
		os.Exit(1)
	case <-done:
	}
}
