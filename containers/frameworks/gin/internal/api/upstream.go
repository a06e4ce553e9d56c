package api

import (
	"log"
	"net/http"

	"github.com/gin-gonic/gin"
)

func (h handlers) upstream(c *gin.Context) {
	if h.Upstream == nil {
		refuse(c, http.StatusServiceUnavailable, "no UPSTREAM_URL is set")
		return
	}
	milliseconds, ok := wholeNumber(c, "ms", 10_000)
	if !ok {
		return
	}
	delay, err := h.Upstream.Delay(c.Request.Context(), milliseconds)
	if err != nil {
		if c.Request.Context().Err() == nil { // or the client has gone
			log.Printf("upstream: %v", err)
		}
		refuse(c, http.StatusBadGateway, "the upstream service does not answer")
		return
	}
	c.JSON(http.StatusOK, delay)
}
