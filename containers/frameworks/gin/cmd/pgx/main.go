// Command pgx serves tiermark's contract (containers/CONTRACT.md) with Gin and pgx.
package main

import (
	"tiermark/gin/internal/config"
	"tiermark/gin/internal/pgxstore"
	"tiermark/gin/internal/server"
)

func main() {
	server.Main(func(c config.Config) (server.Store, error) {
		return pgxstore.Open(c.DatabaseURL, c.Connections)
	})
}
