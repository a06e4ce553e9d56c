// Package config reads what containers/CONTRACT.md lets the environment decide.
package config

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Config is the environment, checked.
type Config struct {
	Address string
	// DatabaseURL is empty where none was given: the routes that need the database then answer 503.
	DatabaseURL string
	// Connections is the most that the pool opens.
	Connections int
	// UpstreamURL is empty where none was given: /upstream then answers 503.
	UpstreamURL string
	// Prefork has the server run as Workers processes that listen on the same address.
	Prefork bool
	Workers int
}

// FromEnvironment fails with a message that names the variable and holds no password.
func FromEnvironment() (Config, error) {
	port, err := number("PORT", 8080, 1, 65535)
	if err != nil {
		return Config{}, err
	}
	// Without prefork one process uses every core it may run on: the count has no further effect then.
	workers, err := number("WORKERS", 1, 1, 1024)
	if err != nil {
		return Config{}, err
	}
	prefork, err := flag("PREFORK")
	if err != nil {
		return Config{}, err
	}
	connections, err := number("DB_POOL_SIZE", 32, 1, 1000)
	if err != nil {
		return Config{}, err
	}
	database, err := databaseURL()
	if err != nil {
		return Config{}, err
	}
	upstream, err := upstreamURL()
	if err != nil {
		return Config{}, err
	}
	host := os.Getenv("HOST")
	if host == "" {
		host = "0.0.0.0"
	}
	return Config{
		Address:     net.JoinHostPort(host, strconv.Itoa(port)),
		DatabaseURL: database,
		Connections: connections,
		UpstreamURL: upstream,
		Prefork:     prefork,
		Workers:     workers,
	}, nil
}

func databaseURL() (string, error) {
	text := os.Getenv("DATABASE_URL")
	if text == "" {
		return "", nil
	}
	// pgx would take a connection string of another form too, and quote it in its message, password and all.
	if !strings.HasPrefix(text, "postgres://") && !strings.HasPrefix(text, "postgresql://") {
		return "", errors.New("DATABASE_URL must begin with postgres://")
	}
	if _, err := pgx.ParseConfig(text); err != nil {
		return "", fmt.Errorf("DATABASE_URL: %w", err) // pgx leaves the password out of its message
	}
	return text, nil
}

func upstreamURL() (string, error) {
	text := os.Getenv("UPSTREAM_URL")
	if text == "" {
		return "", nil
	}
	// The parser's message would quote the URL, and with it a password.
	parsed, err := url.Parse(text)
	if err != nil || parsed.Scheme != "http" && parsed.Scheme != "https" || parsed.Hostname() == "" {
		return "", errors.New("UPSTREAM_URL must be http://host:port")
	}
	return strings.TrimSuffix(text, "/"), nil
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

func flag(name string) (bool, error) {
	text := os.Getenv(name)
	if text == "" {
		return false, nil
	}
	on, err := strconv.ParseBool(text)
	if err != nil {
		return false, fmt.Errorf("%s must be true or false, not %q", name, text)
	}
	return on, nil
}
