// Package upstream asks the service that /upstream passes on.
package upstream

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

const (
	timeout = 15 * time.Second
	// idleConnections are kept open for reuse; net/http keeps two a host by default. How many are in use at once it does not limit.
	idleConnections = 1024
)

// Client asks one service and is shared by all requests.
type Client struct {
	http *http.Client
	url  string
}

// Delay is what the service answers.
type Delay struct {
	Milliseconds int   `json:"ms"`
	Serial       int64 `json:"serial"`
}

// New makes a client for the service at the URL.
func New(url string) *Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConns = idleConnections
	transport.MaxIdleConnsPerHost = idleConnections
	return &Client{http: &http.Client{Transport: transport, Timeout: timeout}, url: url}
}

// Delay has the service answer after so many milliseconds.
func (c *Client) Delay(ctx context.Context, milliseconds int) (Delay, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("%s/delay?ms=%d", c.url, milliseconds), nil)
	if err != nil {
		return Delay{}, err
	}
	response, err := c.http.Do(request)
	if err != nil {
		return Delay{}, err
	}
	defer response.Body.Close()
	// Read to the end, or the connection is not used again.
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return Delay{}, err
	}
	if response.StatusCode != http.StatusOK {
		return Delay{}, fmt.Errorf("status %d", response.StatusCode)
	}
	var delay Delay
	err = json.Unmarshal(body, &delay)
	return delay, err
}
