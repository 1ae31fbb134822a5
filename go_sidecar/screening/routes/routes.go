// Package routes has the gateway's routes of payment screening; docs/http.md is the contract.
package routes

import (
	"log/slog"
	"net/http"

	"hotpath/go_sidecar/gateway"
	"hotpath/go_sidecar/gateway/settings"
	"hotpath/go_sidecar/screening/kernels"
	"hotpath/go_sidecar/screening/watchlist"
)

type api struct {
	*gateway.Gateway
	rules     *kernels.Rules
	watchlist *watchlist.Watchlist
}

// handler answers a request, or fails.
type handler func(a *api, w http.ResponseWriter, r *http.Request) error

// routes are by pattern; each is declared beside its handler.
var routes = map[string]handler{}

func route(pattern string, h handler) bool {
	routes[pattern] = h
	return true
}

// Read reads the settings of these routes, and returns what mounts them.
func Read(r *settings.Reader) gateway.Mount {
	directory := r.Text("WATCHLIST")
	return func(g *gateway.Gateway) error { return mount(g, directory) }
}

func mount(g *gateway.Gateway, directory string) error {
	rules, err := kernels.LoadRules()
	if err != nil {
		return err
	}
	list, err := watchlist.Load(directory)
	if err != nil {
		return err
	}
	slog.Info("watchlist loaded", "names", len(list.Entries), "version", list.Version)
	a := &api{g, rules, list}
	for pattern, handler := range routes {
		a.Handle(pattern, func(w http.ResponseWriter, r *http.Request) error { return handler(a, w, r) })
	}
	return nil
}
