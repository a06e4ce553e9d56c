// Command fiber serves tiermark's contract (containers/CONTRACT.md) with Fiber and pgx.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/gofiber/fiber/v3"

	"tiermark/fiber/internal/api"
	"tiermark/fiber/internal/config"
	"tiermark/fiber/internal/store"
	"tiermark/fiber/internal/upstream"
)

const (
	// Together they leave a margin below the contract's five seconds.
	stopWithin  = 4 * time.Second
	closeWithin = 500 * time.Millisecond
)

func main() {
	if len(os.Args) == 2 && os.Args[1] == "--version" {
		fmt.Println(fiber.Version)
		return
	}
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	settings, err := config.FromEnvironment()
	if err != nil {
		return err
	}
	stop, release := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer release()

	if settings.Prefork && !fiber.IsChild() {
		return supervise(stop, settings)
	}
	return serve(stop, settings)
}

// serve answers requests until it is told to stop.
func serve(stop context.Context, settings config.Config) error {
	services := api.Services{Stopping: stop}
	if settings.DatabaseURL != "" {
		database, err := store.Open(settings.DatabaseURL, settings.Connections)
		if err != nil {
			return err
		}
		defer closeStore(database)
		services.Store = database
	}
	if settings.UpstreamURL != "" {
		services.Upstream = upstream.New(settings.UpstreamURL)
	}
	app, err := api.New(services)
	if err != nil {
		return err
	}

	failed := make(chan error, 1)
	go func() { failed <- app.Listen(settings.Address, listenConfig(settings)) }()
	select {
	case err := <-failed:
		return fmt.Errorf("HOST and PORT: %w", err)
	case <-stop.Done():
	}
	if err := app.ShutdownWithTimeout(stopWithin); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return nil
}

func listenConfig(settings config.Config) fiber.ListenConfig {
	network := fiber.NetworkTCP4
	if strings.HasPrefix(settings.Address, "[") {
		network = fiber.NetworkTCP6
	}
	return fiber.ListenConfig{
		ListenerNetwork:       network,
		EnablePrefork:         settings.Prefork,
		DisableStartupMessage: true,
		ListenerAddrFunc:      func(address net.Addr) { log.Printf("listening on %s", address) },
	}
}

// closeStore does not wait for a statement that does not end.
func closeStore(database *store.Store) {
	closed := make(chan struct{})
	go func() {
		database.Close()
		close(closed)
	}()
	select {
	case <-closed:
	case <-time.After(closeWithin):
	}
}
