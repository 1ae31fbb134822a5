// Package routes has the gateway's routes of payment screening; docs/http.md is the contract.
package routes

import (
	"log/slog"

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
	a.Handle("POST /v1/payments", a.createPayment)
	a.Handle("GET /v1/payments", a.listPayments)
	a.Handle("GET /v1/payments/{id}", a.readPayment)
	a.Handle("POST /v1/screenings", a.createScreening)
	a.Handle("GET /v1/screenings", a.listScreenings)
	a.Handle("GET /v1/screenings/{id}", a.readScreening)
	a.Handle("GET /v1/screenings/{id}/proofs/{place}", a.readProof)
	a.Handle("GET /v1/rates", a.readRates)
	a.Handle("POST /v1/matches", a.createMatches)
	a.Handle("POST /v1/validations", a.createValidations)
	a.Handle("POST /v1/seals", a.createSeals)
	return nil
}
