package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"
)

// config is what containers/CONTRACT.md lets the environment decide.
type config struct {
	address string
	// database is nil when no DATABASE_URL is given: the database routes then answer 503.
	database *pgxpool.Config
}

func configFromEnvironment() (config, error) {
	port, err := number("PORT", 8080, 1, 65535)
	if err != nil {
		return config{}, err
	}
	// One process uses every core it may run on, so the count is checked and has no further effect.
	if _, err := number("WORKERS", 1, 1, 1024); err != nil {
		return config{}, err
	}
	connections, err := number("DB_POOL_SIZE", 32, 1, 1000)
	if err != nil {
		return config{}, err
	}

	host := os.Getenv("HOST")
	if host == "" {
		host = "0.0.0.0"
	}
	c := config{address: net.JoinHostPort(host, strconv.Itoa(port))}

	if url := os.Getenv("DATABASE_URL"); url != "" {
		// pgx would take a connection string of another form too, and quote it in its message, password and all.
		if !strings.HasPrefix(url, "postgres://") && !strings.HasPrefix(url, "postgresql://") {
			return config{}, errors.New("DATABASE_URL must begin with postgres://")
		}
		c.database, err = pgxpool.ParseConfig(url)
		if err != nil {
			return config{}, fmt.Errorf("DATABASE_URL: %w", err) // pgx leaves the password out of its message
		}
		c.database.MaxConns = int32(connections)
	}
	return c, nil
}

func number(name string, fallback, least, most int) (int, error) {
	text := os.Getenv(name)
	if text == "" {
		return fallback, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > most {
		return 0, fmt.Errorf("%s must be a number from %d to %d, not %q", name, least, most, text)
	}
	return n, nil
}
