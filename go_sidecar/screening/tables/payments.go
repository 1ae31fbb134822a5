// Package tables defines the records that payment screening keeps.
package tables

import (
	"time"
	"uuid"

	"hotpath/go_sidecar/gateway/store"
)

// Payment is a stored payment. CreatedAt is in UTC, with microseconds.
type Payment struct {
	ID           uuid.UUID
	EndToEndID   string
	DebtorName   string
	DebtorIBAN   string
	CreditorName string
	CreditorIBAN string
	CreditorBIC  string
	Currency     string
	AmountMinor  int64
	CreatedAt    time.Time
}

// Payments is the table; PaymentByID and PaymentList read it.
var Payments = store.NewTable("payments", func(p *Payment) []store.Column {
	return []store.Column{
		{Name: "id", Field: &p.ID},
		{Name: "end_to_end_id", Field: &p.EndToEndID},
		{Name: "debtor_name", Field: &p.DebtorName},
		{Name: "debtor_iban", Field: &p.DebtorIBAN},
		{Name: "creditor_name", Field: &p.CreditorName},
		{Name: "creditor_iban", Field: &p.CreditorIBAN},
		{Name: "creditor_bic", Field: &p.CreditorBIC},
		{Name: "currency", Field: &p.Currency},
		{Name: "amount_minor", Field: &p.AmountMinor},
		{Name: "created_at", Field: &p.CreatedAt},
	}
})

var (
	PaymentByID = Payments.Select("WHERE id = $1")
	PaymentList = Payments.List()
)
