package gateway

import (
	"crypto/sha256"
	"encoding/json/v2"
	"net/http"
	"regexp"
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
	key, isKeyed, err := idempotencyKey(r)
	if err != nil {
		return err
	}
	answer, err := json.Marshal(g.shown(accepted))
	if err != nil {
		return err
	}
	location := "/v1/payments/" + accepted.ID.String()
	if !isKeyed {
		if err := g.store.CreatePayment(r.Context(), accepted); err != nil {
			return err
		}
		w.Header().Set("Location", location)
		writeContent(w, http.StatusCreated, "application/json", answer)
		return nil
	}
	keyed := &store.Keyed{
		Operation:   "POST /v1/payments",
		Key:         key,
		Fingerprint: sha256.Sum256(content),
		Status:      http.StatusCreated,
		Location:    location,
		Body:        answer,
		CreatedAt:   accepted.CreatedAt,
	}
	earlier, err := g.store.CreatePaymentOnce(r.Context(), accepted, keyed)
	switch {
	case err == store.ErrKeyInUse:
		return problem.New(problem.IdempotencyConflict, "Idempotency-Key: a request with this key is being carried out; try again")
	case err != nil:
		return err
	case earlier != nil && earlier.Fingerprint != keyed.Fingerprint:
		return problem.New(problem.IdempotencyKeyReused, "Idempotency-Key: expected the body that was first sent with this key, got another")
	case earlier != nil:
		w.Header().Set("Idempotency-Replayed", "true")
		keyed = earlier
	}
	if keyed.Location != "" {
		w.Header().Set("Location", keyed.Location)
	}
	writeContent(w, keyed.Status, "application/json", keyed.Body)
	return nil
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

var visibleASCII = regexp.MustCompile(`^[!-~]{1,255}$`)

func idempotencyKey(r *http.Request) (key string, is bool, err error) {
	keys := r.Header.Values("Idempotency-Key")
	if len(keys) == 0 {
		return "", false, nil
	}
	if len(keys) > 1 || !visibleASCII.MatchString(keys[0]) {
		return "", false, problem.Invalid("Idempotency-Key", "expected 1 to 255 visible ASCII characters, got %.60q", strings.Join(keys, ", "))
	}
	return keys[0], true, nil
}

func (g *server) readPayment(w http.ResponseWriter, r *http.Request) error {
	id, err := uuid.Parse(r.PathValue("id"))
	if err != nil {
		return problem.Invalid("id", "expected a UUID, got %.60q", r.PathValue("id"))
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
	if len(found) > limit {
		found = found[:limit]
		answer.Next = &found[limit-1].ID
	}
	answer.Payments = slices.Grow(answer.Payments, len(found))
	for i := range found {
		answer.Payments = append(answer.Payments, g.shown(&found[i]))
	}
	return writeJSON(w, http.StatusOK, answer)
}
