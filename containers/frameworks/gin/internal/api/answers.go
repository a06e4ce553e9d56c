package api

import (
	"errors"
	"log"
	"net/http"
	"strconv"

	"github.com/gin-gonic/gin"

	"tiermark/gin/internal/model"
)

// refuse answers with an error that is the client's or the configuration's.
func refuse(c *gin.Context, status int, reason string) {
	c.AbortWithStatusJSON(status, gin.H{"error": reason})
}

// fail answers for an error of the database.
func fail(c *gin.Context, err error) {
	switch {
	case errors.Is(err, model.ErrNotFound):
		refuse(c, http.StatusNotFound, "not found")
	case c.Request.Context().Err() != nil: // the client has gone
		c.Abort()
	default:
		log.Printf("%s %s: %v", c.Request.Method, c.FullPath(), err)
		refuse(c, http.StatusInternalServerError, "internal server error")
	}
}

// wholeNumber reads a parameter that must be a number from 0 to most. Where it is none, it has answered.
func wholeNumber(c *gin.Context, name string, most int) (int, bool) {
	n, err := strconv.Atoi(c.Query(name))
	if err != nil || n < 0 || n > most {
		refuse(c, http.StatusUnprocessableEntity, name+" must be a whole number from 0 to "+strconv.Itoa(most))
		return 0, false
	}
	return n, true
}
