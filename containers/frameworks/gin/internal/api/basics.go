package api

import (
	"net/http"

	"github.com/gin-gonic/gin"
)

type message struct {
	Message string `json:"message"`
}

type primes struct {
	N      int `json:"n"`
	Primes int `json:"primes"`
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

func (h handlers) cpu(c *gin.Context) {
	if n, ok := wholeNumber(c, "n", 1_000_000); ok {
		c.JSON(http.StatusOK, primes{N: n, Primes: primesBelow(n)})
	}
}

// primesBelow counts by trial division, as the contract asks.
func primesBelow(n int) int {
	if n <= 2 {
		return 0
	}
	count := 1
	for candidate := 3; candidate < n; candidate += 2 {
		if isPrime(candidate) {
			count++
		}
	}
	return count
}

func isPrime(odd int) bool {
	for divisor := 3; divisor*divisor <= odd; divisor += 2 {
		if odd%divisor == 0 {
			return false
		}
	}
	return true
}
