// Package routes has the gateway's routes; those of the service in Python are the contract.
package routes

import (
	"log/slog"
	"net/http"

	"hotpath/go_sidecar/gateway"
	"hotpath/go_sidecar/gateway/settings"
	"hotpath/go_sidecar/nearest/places"
)

type api struct {
	*gateway.Gateway
	places *places.Places
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
	path := r.Text("PLACES")
	return func(g *gateway.Gateway) error { return mount(g, path) }
}

func mount(g *gateway.Gateway, path string) error {
	loaded, err := places.Load(path)
	if err != nil {
		return err
	}
	slog.Info("places loaded", "places", len(loaded.Names))
	a := &api{g, loaded}
	for pattern, handler := range routes {
		a.Handle(pattern, func(w http.ResponseWriter, r *http.Request) error { return handler(a, w, r) })
	}
	return nil
}
