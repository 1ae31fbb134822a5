package routes

import (
	"context"
	"encoding/json/v2"
	"net/http"
	"slices"
	"strings"
	"time"
	"uuid"

	"hotpath/go_sidecar/gateway"
	"hotpath/go_sidecar/gateway/body"
	"hotpath/go_sidecar/gateway/problem"
	"hotpath/go_sidecar/gateway/store"
	"hotpath/go_sidecar/screening/tables"
)

var paymentInvalid = problem.Code{Name: "payment_invalid", Status: 422, Title: "The payment breaks a rule"}

// storedPayment is a payment as it goes out.
type storedPayment struct {
	ID        uuid.UUID `json:"id"`
	CreatedAt string    `json:"created_at"`
	payment
}

func (a *api) shown(p *tables.Payment) storedPayment {
	decimals, _ := a.rules.MinorUnits(p.Currency) // known, or it were not stored
	return storedPayment{p.ID, p.CreatedAt.Format(gateway.Instant), payment{
		EndToEndID:   p.EndToEndID,
		DebtorName:   p.DebtorName,
		DebtorIBAN:   p.DebtorIBAN,
		CreditorName: p.CreditorName,
		CreditorIBAN: p.CreditorIBAN,
		CreditorBIC:  p.CreditorBIC,
		Currency:     p.Currency,
		Amount:       majorUnits(p.AmountMinor, decimals),
	}}
}

var _ = route("POST /v1/payments", (*api).createPayment)

func (a *api) createPayment(w http.ResponseWriter, r *http.Request) error {
	var p payment
	content, err := a.Read(w, r, p.read)
	if err != nil {
		return err
	}
	accepted, err := a.acceptPayment(r.Context(), p)
	if err != nil {
		return err
	}
	return a.Create(w, r, content, false, func() (*gateway.Creation, error) {
		answer, err := json.Marshal(a.shown(accepted))
		return &gateway.Creation{
			Row:       tables.Payments.Row(accepted),
			CreatedAt: accepted.CreatedAt,
			Location:  "/v1/payments/" + accepted.ID.String(),
			Answer:    answer,
		}, err
	})
}

// acceptPayment returns the payment that is to be stored.
// Errors: invalid_argument, and payment_invalid with the field of each broken rule.
func (a *api) acceptPayment(ctx context.Context, p payment) (*tables.Payment, error) {
	var withNull []problem.Field // which PostgreSQL cannot store
	for i, text := range p.fields() {
		if strings.ContainsRune(*text, 0) {
			withNull = append(withNull, problem.Invalid(paymentFields[i], "expected text without U+0000").Fields...)
		}
	}
	if err := body.Refused(withNull); err != nil {
		return nil, err
	}
	broken, err := a.validate(ctx, []payment{p})
	if err != nil {
		return nil, err
	}
	if rules := judge(broken[0]).Violations; rules != nil {
		invalid := problem.New(paymentInvalid, "the payment breaks %s", strings.Join(rules, ", "))
		for _, rule := range rules {
			invalid.Fields = append(invalid.Fields, problem.Field{Field: violatedField(rule), Message: rule})
		}
		return nil, invalid
	}
	decimals, _ := a.rules.MinorUnits(p.Currency)
	return &tables.Payment{
		ID:           uuid.NewV7(),
		EndToEndID:   p.EndToEndID,
		DebtorName:   p.DebtorName,
		DebtorIBAN:   p.DebtorIBAN,
		CreditorName: p.CreditorName,
		CreditorIBAN: p.CreditorIBAN,
		CreditorBIC:  p.CreditorBIC,
		Currency:     p.Currency,
		AmountMinor:  minorUnits(p.Amount, decimals),
		CreatedAt:    time.Now().UTC().Truncate(time.Microsecond),
	}, nil
}

var _ = route("GET /v1/payments/{id}", (*api).readPayment)

func (a *api) readPayment(w http.ResponseWriter, r *http.Request) error {
	id, err := gateway.ID(r)
	if err != nil {
		return err
	}
	found, err := tables.PaymentByID.One(r.Context(), a.Store, id)
	if err == store.ErrNotFound {
		return problem.New(problem.NotFound, "there is no payment %s", id)
	}
	if err != nil {
		return err
	}
	return gateway.WriteJSON(w, http.StatusOK, a.shown(found))
}

var _ = route("GET /v1/payments", (*api).listPayments)

func (a *api) listPayments(w http.ResponseWriter, r *http.Request) error {
	limit, after, err := gateway.Page(r)
	if err != nil {
		return err
	}
	found, err := tables.PaymentList.Page(r.Context(), a.Store, limit+1, after) // one more tells of a next page
	if err != nil {
		return err
	}
	var answer struct {
		Payments []storedPayment `json:"payments"`
		Next     *uuid.UUID      `json:"next"`
	}
	found, answer.Next = gateway.Cut(found, limit, func(p *tables.Payment) uuid.UUID { return p.ID })
	answer.Payments = slices.Grow(answer.Payments, len(found))
	for i := range found {
		answer.Payments = append(answer.Payments, a.shown(&found[i]))
	}
	return gateway.WriteJSON(w, http.StatusOK, answer)
}
