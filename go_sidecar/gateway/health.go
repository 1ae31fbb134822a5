package gateway

import (
	"log/slog"
	"net/http"
)

func (g *Gateway) live(w http.ResponseWriter, r *http.Request) error {
	return WriteJSON(w, http.StatusOK, struct {
		Status string `json:"status"`
	}{"live"})
}

func (g *Gateway) ready(w http.ResponseWriter, r *http.Request) error {
	answer := struct {
		Status   string `json:"status"`
		Database bool   `json:"database"`
	}{"ready", true}
	status := http.StatusOK
	if err := g.Store.Ping(r.Context()); err != nil {
		slog.Warn("not ready", "error", err)
		answer.Status, answer.Database = "not ready", false
		status = http.StatusServiceUnavailable
	}
	if g.stopping.Load() {
		answer.Status, status = "not ready", http.StatusServiceUnavailable
	}
	return WriteJSON(w, status, answer)
}
