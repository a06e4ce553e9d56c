// Command server answers tiermark's contract (containers/CONTRACT.md) with Gin and pgx.
package main

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
	"github.com/jackc/pgx/v5/pgxpool"
)

// stopWithin leaves a margin below the contract's five seconds.
const stopWithin = 4 * time.Second

func main() {
	if len(os.Args) == 2 && os.Args[1] == "--version" {
		fmt.Println(strings.TrimPrefix(gin.Version, "v"))
		return
	}
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	config, err := configFromEnvironment()
	if err != nil {
		return err
	}

	stop, release := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer release()

	var pool *pgxpool.Pool
	if config.database != nil {
		// Connections are opened when they are first needed, so a database that is still starting is no error.
		if pool, err = pgxpool.NewWithConfig(context.Background(), config.database); err != nil {
			return fmt.Errorf("database pool: %w", err)
		}
		defer pool.Close()
	}

	listener, err := net.Listen("tcp", config.address)
	if err != nil {
		return err
	}
	log.Printf("listening on %s", config.address)

	server := &http.Server{
		Handler:           newRouter(pool),
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
