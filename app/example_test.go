package app_test

import (
	"context"
	"fmt"
	"log"
	"log/slog"
	"net"
	"os"
	"os/signal"

	"freehold.dev/freehold/accounts"
	"freehold.dev/freehold/app"
	"freehold.dev/freehold/app/config"
	"freehold.dev/freehold/core"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/modules"
)

// A program is the generated graph and its modules, of which core is the first. This module only adds a hook, which runs in the
// transaction of each sign-up.
func ExampleNewProgram() {
	greet := func(_ context.Context, _ *db.Tx, profile *db.Profile) error {
		log.Printf("%s has signed up", profile.Username)
		return nil
	}
	greetings := app.Module{Name: "greetings", Hooks: accounts.Hooks{AfterSignUp: []accounts.Hook{greet}}}
	program, err := app.NewProgram(modules.Graph(), core.Module(), greetings)
	if err != nil {
		log.Fatal(err)
	}
	email, _ := program.Access().Find("User.email")
	fmt.Println(email, email.Rule, email.HeldBy)
	// Output: User.email @owner rule and policy
}

// A module that names what the schema does not have is an error.
func ExampleNewProgram_invalid() {
	_, err := app.NewProgram(modules.Graph(), core.Module(), app.Module{Name: "shoes", TextBytes: map[string]int{"Profile.shoeSize": 2}})
	fmt.Println(err)
	// Output:
	// the declaration of a module is invalid:
	// module shoes names the field Profile.shoeSize, which is not in the schema
}

// This is a server for the database of DATABASE_URL. It serves until the process is interrupted.
func ExampleProgram_New() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	c, err := config.Load(os.Environ())
	if err != nil {
		log.Panic(err)
	}
	program, err := app.NewProgram(modules.Graph(), core.Module())
	if err != nil {
		log.Panic(err)
	}
	if err := program.Migrate(ctx, c); err != nil {
		log.Panic(err)
	}
	service, err := program.New(ctx, c, app.Options{Log: slog.Default()})
	if err != nil {
		log.Panic(err)
	}
	defer service.Close()
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", c.Addr)
	if err != nil {
		log.Panic(err)
	}
	if err := service.Serve(ctx, l); err != nil {
		log.Print(err)
	}
}
