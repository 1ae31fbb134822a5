package gateway

import (
	"encoding/json/v2"
	"net/http"
	"slices"
	"strings"
	"time"
	"uuid"

	"hotpath/go_sidecar/gateway/body"
	"hotpath/go_sidecar/gateway/problem"
	"hotpath/go_sidecar/gateway/store"
)

// instant is RFC 3339 with six decimals.
const instant = "2006-01-02T15:04:05.000000Z"

// storedPayment is a payment as it goes out.
type storedPayment struct {
	ID        uuid.UUID `json:"id"`
	CreatedAt string    `json:"created_at"`
	payment
}

func (g *server) shown(p *store.Payment) storedPayment {
	decimals, _ := g.rules.MinorUnits(p.Currency) // known, or it were not stored
	return storedPayment{p.ID, p.CreatedAt.Format(instant), payment{
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

func (g *server) createPayment(w http.ResponseWriter, r *http.Request) error {
	content, err := body.Read(w, r, g.settings.MaxBodyBytes)
	if err != nil {
		return err
	}
	accepted, err := g.acceptPayment(r, content)
	if err != nil {
		return err
	}
	return g.create(w, r, content, false, func() (*creation, error) {
		answer, err := json.Marshal(g.shown(accepted))
		return &creation{accepted, accepted.CreatedAt, "/v1/payments/" + accepted.ID.String(), answer}, err
	})
}

// acceptPayment returns the payment that is to be stored.
// Errors: those of the body, and payment_invalid with the field of each broken rule.
func (g *server) acceptPayment(r *http.Request, content []byte) (*store.Payment, error) {
	var p payment
	if err := body.Decode(content, p.read); err != nil {
		return nil, err
	}
	var withNull []problem.Field // which PostgreSQL cannot store
	for i, text := range p.fields() {
		if strings.ContainsRune(*text, 0) {
			withNull = append(withNull, problem.Invalid(paymentFields[i], "expected text without U+0000").Fields...)
		}
	}
	if err := body.Refused(withNull); err != nil {
		return nil, err
	}
	broken, err := g.validate(r.Context(), []payment{p})
	if err != nil {
		return nil, err
	}
	if rules := violationNames(broken[0]); rules != nil {
		invalid := problem.New(problem.PaymentInvalid, "the payment breaks %s", strings.Join(rules, ", "))
		for _, rule := range rules {
			invalid.Fields = append(invalid.Fields, problem.Field{Field: violatedField(rule), Message: rule})
		}
		return nil, invalid
	}
	decimals, _ := g.rules.MinorUnits(p.Currency)
	return &store.Payment{
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

func (g *server) readPayment(w http.ResponseWriter, r *http.Request) error {
	id, err := identifier(r)
	if err != nil {
		return err
	}
	found, err := g.store.Payment(r.Context(), id)
	if err == store.ErrNotFound {
		return problem.New(problem.NotFound, "there is no payment %s", id)
	}
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, g.shown(found))
}

func (g *server) listPayments(w http.ResponseWriter, r *http.Request) error {
	limit, after, err := page(r)
	if err != nil {
		return err
	}
	found, err := g.store.Payments(r.Context(), after, limit+1) // one more tells of a next page
	if err != nil {
		return err
	}
	var answer struct {
		Payments []storedPayment `json:"payments"`
		Next     *uuid.UUID      `json:"next"`
	}
	found, answer.Next = cut(found, limit, func(p *store.Payment) uuid.UUID { return p.ID })
	answer.Payments = slices.Grow(answer.Payments, len(found))
	for i := range found {
		answer.Payments = append(answer.Payments, g.shown(&found[i]))
	}
	return writeJSON(w, http.StatusOK, answer)
}
