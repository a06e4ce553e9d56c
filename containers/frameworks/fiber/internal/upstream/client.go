// Package upstream asks the service that /upstream passes on.
package upstream

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/gofiber/fiber/v3"
	"github.com/gofiber/fiber/v3/client"
	"github.com/valyala/fasthttp"
)

const timeout = 15 * time.Second

// Client asks one service and is shared by all requests.
type Client struct {
	client *client.Client
}

// Delay is what the service answers.
type Delay struct {
	Milliseconds int   `json:"ms"`
	Serial       int64 `json:"serial"`
}

// New makes a client for the service at the URL.
func New(url string) *Client {
	transport := &fasthttp.Client{
		MaxConnsPerHost: math.MaxInt, // the default of 512 would limit how many requests are under way
		ReadTimeout:     timeout,
	}
	return &Client{client: client.NewWithClient(transport).SetBaseURL(url).SetTimeout(timeout)}
}

// Delay has the service answer after so many milliseconds.
func (c *Client) Delay(milliseconds int) (Delay, error) {
	response, err := c.client.Get("/delay", client.Config{
		Param: map[string]string{"ms": strconv.Itoa(milliseconds)},
	})
	if err != nil {
		return Delay{}, err
	}
	defer response.Close()
	if response.StatusCode() != fiber.StatusOK {
		return Delay{}, fmt.Errorf("status %d", response.StatusCode())
	}
	var delay Delay
	err = response.JSON(&delay)
	return delay, err
}
