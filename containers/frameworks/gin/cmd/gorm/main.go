// Command gorm serves tiermark's contract (containers/CONTRACT.md) with Gin and GORM.
package main

import (
	"tiermark/gin/internal/config"
	"tiermark/gin/internal/gormstore"
	"tiermark/gin/internal/server"
)

func main() {
	server.Main(func(c config.Config) (server.Store, error) {
		return gormstore.Open(c.DatabaseURL, c.Connections)
	})
}
