// Package api holds the routes of containers/CONTRACT.md.
package api

import (
	"context"
	"embed"
	"fmt"
	"html/template"
	"net/http"

	"github.com/gin-gonic/gin"
	lru "github.com/hashicorp/golang-lru/v2"

	"tiermark/gin/internal/model"
	"tiermark/gin/internal/upstream"
)

//go:embed templates/*.html
var templates embed.FS

// Store is the database as the routes use it. Orders that do not exist are model.ErrNotFound.
type Store interface {
	World(ctx context.Context, id int32) (model.World, error)
	Worlds(ctx context.Context, ids []int32) ([]model.World, error)
	CachedWorlds(ctx context.Context, ids []int32) ([]model.World, error)
	UpdateWorlds(ctx context.Context, worlds []model.World) error
	Fortunes(ctx context.Context) ([]model.Fortune, error)
	Order(ctx context.Context, id int32) (model.Order, error)
	Orders(ctx context.Context, customer, limit int32) ([]model.Order, error)
	CreateOrder(ctx context.Context, order *model.Order) error
	ReplaceOrder(ctx context.Context, order *model.Order) error
	DeleteOrder(ctx context.Context, id int32) error
}

// Services are what the routes need of others; a nil one was not configured.
type Services struct {
	Store    Store
	Upstream *upstream.Client
	// Stopping ends when the server begins to stop: open WebSockets are closed then.
	Stopping context.Context
}

type handlers struct {
	Services
	cache *lru.Cache[int32, model.World]
}

// NewRouter makes the engine with all routes.
func NewRouter(services Services) (*gin.Engine, error) {
	if err := prepareValidator(); err != nil {
		return nil, err
	}
	cache, err := lru.New[int32, model.World](model.WorldRows)
	if err != nil {
		return nil, fmt.Errorf("cache: %w", err)
	}
	h := handlers{Services: services, cache: cache}

	gin.SetMode(gin.ReleaseMode)
	// gin.Default() without its access log.
	r := gin.New()
	r.Use(gin.Recovery(), serverHeader)
	r.SetHTMLTemplate(template.Must(template.ParseFS(templates, "templates/*.html")))

	r.GET("/health", h.health)
	r.GET("/plaintext", h.plaintext)
	r.GET("/json", h.json)
	r.GET("/cpu", h.cpu)
	r.GET("/upstream", h.upstream)
	r.GET("/ws", h.echo)

	database := r.Group("/", h.requireDatabase)
	database.GET("/db", h.db)
	database.GET("/queries", h.queries)
	database.GET("/updates", h.updates)
	database.GET("/cached-queries", h.cachedQueries)
	database.GET("/fortunes", h.fortunes)

	orders := database.Group("/orders")
	orders.GET("", h.listOrders)
	orders.POST("", h.createOrder)
	orders.GET("/:id", h.readOrder)
	orders.PUT("/:id", h.replaceOrder)
	orders.DELETE("/:id", h.deleteOrder)
	return r, nil
}

// serverHeader names the server, as the contract asks; net/http does not do so by itself.
func serverHeader(c *gin.Context) {
	c.Header("Server", "gin")
}

func (h handlers) requireDatabase(c *gin.Context) {
	if h.Store == nil {
		refuse(c, http.StatusServiceUnavailable, "no DATABASE_URL is set")
	}
}
