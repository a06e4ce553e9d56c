// Package server starts and stops the service.
package server

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/gin-gonic/gin"

	"tiermark/gin/internal/api"
	"tiermark/gin/internal/config"
	"tiermark/gin/internal/upstream"
)

const (
	// Together they leave a margin below the contract's five seconds.
	stopWithin  = 4 * time.Second
	closeWithin = 500 * time.Millisecond
)

// Store is a data layer that can be closed.
type Store interface {
	api.Store
	// Close waits for the connections that are in use.
	Close()
}

// Main runs the service until it is told to stop. The variants of this server differ in the store they open.
func Main(open func(config.Config) (Store, error)) {
	if len(os.Args) == 2 && os.Args[1] == "--version" {
		fmt.Println(strings.TrimPrefix(gin.Version, "v"))
		return
	}
	if err := run(open); err != nil {
		log.Fatal(err)
	}
}

func run(open func(config.Config) (Store, error)) error {
	settings, err := config.FromEnvironment()
	if err != nil {
		return err
	}
	stop, release := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer release()

	services := api.Services{Stopping: stop}
	if settings.DatabaseURL != "" {
		store, err := open(settings)
		if err != nil {
			return err
		}
		defer closeStore(store)
		services.Store = store
	}
	if settings.UpstreamURL != "" {
		services.Upstream = upstream.New(settings.UpstreamURL)
	}
	router, err := api.NewRouter(services)
	if err != nil {
		return err
	}

	listener, err := net.Listen("tcp", settings.Address)
	if err != nil {
		return fmt.Errorf("HOST and PORT: %w", err)
	}
	log.Printf("listening on %s", settings.Address)
	server := &http.Server{
		Handler:           router,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()

	select {
	case err := <-failed:
		return err
	case <-stop.Done():
	}

	deadline, cancel := context.WithTimeout(context.Background(), stopWithin)
	defer cancel()
	if err := server.Shutdown(deadline); errors.Is(err, context.DeadlineExceeded) {
		return server.Close()
	} else if err != nil {
		return err
	}
	return nil
}

// closeStore does not wait for a statement that does not end.
func closeStore(store Store) {
	closed := make(chan struct{})
	go func() {
		store.Close()
		close(closed)
	}()
	select {
	case <-closed:
	case <-time.After(closeWithin):
	}
}
