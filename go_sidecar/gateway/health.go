package gateway

import (
	"log/slog"
	"net/http"
)

func (g *server) live(w http.ResponseWriter, r *http.Request) error {
	return writeJSON(w, http.StatusOK, struct {
		Status string `json:"status"`
	}{"live"})
}

func (g *server) ready(w http.ResponseWriter, r *http.Request) error {
	answer := struct {
		Status   string `json:"status"`
		Database bool   `json:"database"`
	}{"ready", true}
	status := http.StatusOK
	if err := g.store.Ping(r.Context()); err != nil {
		slog.Warn("not ready", "error", err)
		answer.Status, answer.Database = "not ready", false
		status = http.StatusServiceUnavailable
	}
	return writeJSON(w, status, answer)
}
