package api

import (
	"context"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/gorilla/websocket"
)

// mostMessage is the longest message taken, 16 times what the contract asks for.
const mostMessage = 1 << 20

// upgrader uses the buffers that net/http has made for the connection, and refuses pages of other origins, as by default.
var upgrader websocket.Upgrader

// echo sends every message back. The package answers pings and closes by itself.
func (h handlers) echo(c *gin.Context) {
	conn, err := upgrader.Upgrade(c.Writer, c.Request, nil)
	if err != nil {
		return // the upgrader has answered
	}
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
