// The small service of the walkthrough: a price list that is worked out for every request.
package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// rounds is how often a price's check sum is hashed: the work that a change makes more or less of.
const rounds = 300

type price struct {
	Article string `json:"article"`
	Cents   int    `json:"cents"`
	Check   string `json:"check"`
}

func prices(w http.ResponseWriter, _ *http.Request) {
	list := make([]price, 0, 4)
	for cents, article := range []string{"pencil", "paper", "ink", "lamp"} {
		sum := sha256.Sum256([]byte(article))
		for range rounds {
			sum = sha256.Sum256(sum[:])
		}
		list = append(list, price{Article: article, Cents: 100 * (cents + 1), Check: hex.EncodeToString(sum[:4])})
	}
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(list); err != nil {
		log.Printf("prices: %v", err)
	}
}

func health(w http.ResponseWriter, _ *http.Request) {
	w.WriteHeader(http.StatusNoContent)
}

func main() {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /prices", prices)
	mux.HandleFunc("GET /health", health)
	address := net.JoinHostPort(os.Getenv("HOST"), cmp.Or(os.Getenv("PORT"), "8080"))
	server := &http.Server{Addr: address, Handler: mux, ReadHeaderTimeout: 5 * time.Second}

	stop, cancel := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer cancel()
	go func() {
		<-stop.Done()
		soon, done := context.WithTimeout(context.Background(), 5*time.Second)
		defer done()
		_ = server.Shutdown(soon)
	}()
	if err := server.ListenAndServe(); err != http.ErrServerClosed {
		log.Fatal(err)
	}
}
