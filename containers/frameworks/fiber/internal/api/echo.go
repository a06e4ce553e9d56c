package api

import (
	"context"
	"time"

	"github.com/gofiber/contrib/v3/websocket"
)

// mostMessage is the longest message taken, 16 times what the contract asks for.
const mostMessage = 1 << 20

// echo sends every message back. The package answers pings and closes by itself.
func (h handlers) echo(c *websocket.Conn) {
	conn := c.Conn // c is used again for another connection after this one
	// The package keeps a connection open after its handler has returned.
	defer conn.Close()
	conn.SetReadLimit(mostMessage)

	goodbye := context.AfterFunc(h.Stopping, func() {
		message := websocket.FormatCloseMessage(websocket.CloseGoingAway, "")
		_ = conn.WriteControl(websocket.CloseMessage, message, time.Now().Add(time.Second))
		_ = conn.Close()
	})
	defer goodbye()

	for {
		kind, message, err := conn.ReadMessage()
		if err != nil {
			return
		}
		if err := conn.WriteMessage(kind, message); err != nil {
			return
		}
	}
}
