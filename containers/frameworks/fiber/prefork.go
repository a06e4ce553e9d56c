package main

import (
	"context"
	"fmt"
	"log"
	"net"
	"runtime"
	"sync"
	"syscall"

	"github.com/gofiber/fiber/v3"

	"tiermark/fiber/internal/config"
)

// supervise runs as many children as there are workers, by Fiber's prefork, until it is told to stop.
//
// Fiber's master has no stop of its own: at SIGTERM it ends, and its children break off what they do once they notice. Here it
// passes the signal on and waits for them.
func supervise(stop context.Context, settings config.Config) error {
	listen := listenConfig(settings)
	// The children share the address and would share it with any other service that does so.
	unused, err := net.Listen(listen.ListenerNetwork, settings.Address)
	if err != nil {
		return fmt.Errorf("HOST and PORT: %w", err)
	}
	if err := unused.Close(); err != nil {
		return err
	}

	runtime.GOMAXPROCS(settings.Workers) // Fiber starts as many children
	var children children
	app := fiber.New()
	app.Hooks().OnFork(children.add)

	listen.PreforkLogger = &children
	listen.PreforkShutdownGracePeriod = stopWithin
	failed := make(chan error, 1)
	go func() { failed <- app.Listen(settings.Address, listen) }()
	select {
	case err := <-failed:
		return err
	case <-stop.Done():
	}
	children.stop()
	// Fiber puts another child in the place of one that has ended, which add ends at once; after a few it gives up and returns.
	<-failed
	return nil
}

// children are the processes that Fiber has started.
type children struct {
	mutex    sync.Mutex
	pids     []int
	stopping bool
}

func (c *children) add(pid int) error {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.stopping {
		return syscall.Kill(pid, syscall.SIGKILL)
	}
	c.pids = append(c.pids, pid)
	return nil
}

func (c *children) stop() {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.stopping = true
	for _, pid := range c.pids {
		_ = syscall.Kill(pid, syscall.SIGTERM) // or it has ended already
	}
}

// Printf logs what Fiber's master reports, but not that children end which were told to.
func (c *children) Printf(format string, arguments ...any) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if !c.stopping {
		log.Printf(format, arguments...)
	}
}
