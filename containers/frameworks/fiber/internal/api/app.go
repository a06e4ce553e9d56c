// Package api holds the routes of containers/CONTRACT.md.
package api

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"net/http"
	"time"

	"github.com/gofiber/contrib/v3/websocket"
	"github.com/gofiber/fiber/v3"
	recoverer "github.com/gofiber/fiber/v3/middleware/recover"
	"github.com/gofiber/template/html/v3"
	lru "github.com/hashicorp/golang-lru/v2"

	"tiermark/fiber/internal/faults"
	"tiermark/fiber/internal/store"
	"tiermark/fiber/internal/upstream"
)

//go:embed views/*.html
var views embed.FS

// Services are what the routes need of others; a nil one was not configured.
type Services struct {
	Store    *store.Store
	Upstream *upstream.Client
	// Stopping ends when the server begins to stop: open WebSockets are closed then.
	Stopping context.Context
}

type handlers struct {
	Services
	cache     *lru.Cache[int32, store.World]
	validator *faults.Validator
}

// New makes the application with all routes.
func New(services Services) (*fiber.App, error) {
	validator, err := faults.NewValidator()
	if err != nil {
		return nil, fmt.Errorf("validator: %w", err)
	}
	cache, err := lru.New[int32, store.World](store.WorldRows)
	if err != nil {
		return nil, fmt.Errorf("cache: %w", err)
	}
	templates, err := fs.Sub(views, "views")
	if err != nil {
		return nil, fmt.Errorf("views: %w", err)
	}
	h := handlers{Services: services, cache: cache, validator: validator}

	app := fiber.New(fiber.Config{
		ServerHeader:    "fiber",
		Views:           html.NewFileSystem(http.FS(templates), ".html"),
		StructValidator: validator,
		JSONDecoder:     faults.DecodeJSON,
		ErrorHandler:    answerError,
		// Without them a client could keep a connection, and a stop, waiting for ever.
		ReadTimeout: 10 * time.Second,
		IdleTimeout: 2 * time.Minute,
	})
	app.Use(recoverer.New())

	app.Get("/health", h.health)
	app.Get("/plaintext", h.plaintext)
	app.Get("/json", h.json)
	app.Get("/cpu", h.cpu)
	app.Get("/upstream", h.upstream)
	app.Get("/ws", websocket.New(h.echo))

	app.Get("/db", h.requireDatabase, h.db)
	app.Get("/queries", h.requireDatabase, h.queries)
	app.Get("/updates", h.requireDatabase, h.updates)
	app.Get("/cached-queries", h.requireDatabase, h.cachedQueries)
	app.Get("/fortunes", h.requireDatabase, h.fortunes)

	orders := app.Group("/orders", h.requireDatabase)
	orders.Get("/", h.listOrders)
	orders.Post("/", h.createOrder)
	orders.Get("/:id", h.readOrder)
	orders.Put("/:id", h.replaceOrder)
	orders.Delete("/:id", h.deleteOrder)
	return app, nil
}

func (h handlers) requireDatabase(c fiber.Ctx) error {
	if h.Store == nil {
		return fiber.NewError(fiber.StatusServiceUnavailable, "no DATABASE_URL is set")
	}
	return c.Next()
}
