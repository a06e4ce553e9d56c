package main

import (
	"cmp"
	"embed"
	"html/template"
	"log"
	"math/rand/v2"
	"net/http"
	"slices"

	"github.com/gin-gonic/gin"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

//go:embed templates/*.html
var templates embed.FS

const worldRows = 10_000

type message struct {
	Message string `json:"message"`
}

type world struct {
	ID           int32 `json:"id"`
	RandomNumber int32 `json:"randomNumber"`
}

type fortune struct {
	ID      int32
	Message string
}

// handlers holds what the routes share; pool is nil when the server runs without a database.
type handlers struct {
	pool *pgxpool.Pool
}

func newRouter(pool *pgxpool.Pool) *gin.Engine {
	gin.SetMode(gin.ReleaseMode)
	// gin.Default() without its access log.
	r := gin.New()
	r.Use(gin.Recovery(), serverHeader)
	r.SetHTMLTemplate(template.Must(template.ParseFS(templates, "templates/*.html")))

	h := handlers{pool: pool}
	r.GET("/health", h.health)
	r.GET("/plaintext", h.plaintext)
	r.GET("/json", h.json)

	database := r.Group("/", h.requireDatabase)
	database.GET("/db", h.db)
	database.GET("/fortunes", h.fortunes)
	return r
}

// serverHeader names the server, as the contract asks; net/http does not do so by itself.
func serverHeader(c *gin.Context) {
	c.Header("Server", "gin")
}

func (h handlers) requireDatabase(c *gin.Context) {
	if h.pool == nil {
		c.AbortWithStatusJSON(http.StatusServiceUnavailable, gin.H{"error": "no DATABASE_URL is set"})
	}
}

func (h handlers) health(c *gin.Context) {
	c.String(http.StatusOK, "OK")
}

func (h handlers) plaintext(c *gin.Context) {
	c.String(http.StatusOK, "Hello, World!")
}

func (h handlers) json(c *gin.Context) {
	c.JSON(http.StatusOK, message{Message: "Hello, World!"})
}

func (h handlers) db(c *gin.Context) {
	var w world
	row := h.pool.QueryRow(c.Request.Context(), "SELECT id, randomnumber FROM world WHERE id = $1", randomID())
	if err := row.Scan(&w.ID, &w.RandomNumber); err != nil {
		fail(c, err)
		return
	}
	c.JSON(http.StatusOK, w)
}

func (h handlers) fortunes(c *gin.Context) {
	rows, err := h.pool.Query(c.Request.Context(), "SELECT id, message FROM fortune")
	if err != nil {
		fail(c, err)
		return
	}
	fortunes, err := pgx.CollectRows(rows, pgx.RowToStructByPos[fortune])
	if err != nil {
		fail(c, err)
		return
	}
	fortunes = append(fortunes, fortune{Message: "Additional fortune added at request time."})
	slices.SortFunc(fortunes, func(a, b fortune) int { return cmp.Compare(a.Message, b.Message) })
	c.HTML(http.StatusOK, "fortunes.html", fortunes)
}

func randomID() int32 {
	return rand.Int32N(worldRows) + 1
}

func fail(c *gin.Context, err error) {
	if c.Request.Context().Err() != nil { // the client has gone
		c.Abort()
		return
	}
	log.Printf("%s: %v", c.FullPath(), err)
	c.AbortWithStatusJSON(http.StatusInternalServerError, gin.H{"error": "internal server error"})
}
