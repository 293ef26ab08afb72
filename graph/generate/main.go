// Command generate writes what follows from the schema: with gqlgen, the code that executes it and its Go types; and the
// composition of the resolvers of all modules. `go generate ./...` runs it in the folder of gqlgen.yml. It must not import
// packages that import generated code, which may not compile before it has run.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/99designs/gqlgen/api"
	"github.com/99designs/gqlgen/codegen/config"
	"github.com/99designs/gqlgen/plugin/modelgen"

	"freehold.dev/freehold/internal/kept"
)

func main() {
	// An interrupt also stops the go commands that gqlgen waits for. gqlgen then fails, and generate restores the files.
	signal.Notify(make(chan os.Signal, 1), os.Interrupt, syscall.SIGTERM)
	if err := generate(context.Background()); err != nil {
		fmt.Fprintf(os.Stderr, "generate: %v\n", err)
		os.Exit(1)
	}
}

// generate writes all files. If it fails, it writes none.
func generate(ctx context.Context) (err error) {
	cfg, err := config.LoadConfig("gqlgen.yml")
	if err != nil {
		return err
	}
	complete(cfg)
	packages, err := modulePackages(ctx)
	if err != nil {
		return err
	}
	files, err := kept.Read(cfg.Exec.Filename, cfg.Model.Filename, composedFile, bridgeFile(cfg)) // gqlgen deletes its own first
	if err != nil {
		return err
	}
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("gqlgen panicked: %v", r)
		}
		if err != nil {
			err = errors.Join(err, files.Restore())
		}
	}()
	p := &rules{packages: packages}
	models := &modelgen.Plugin{FieldHook: p.field, MutateHook: p.models}
	if err := api.Generate(cfg, api.PrependPlugin(p), api.ReplacePlugin(models)); err != nil {
		return err
	}
	return tune(cfg.Exec.Filename)
}
