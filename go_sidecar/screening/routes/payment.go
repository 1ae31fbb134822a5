package routes

import (
	"context"
	"encoding/json/jsontext"
	"fmt"
	"strings"

	"hotpath/go_sidecar/gateway/body"
	"hotpath/go_sidecar/packed"
	"hotpath/go_sidecar/screening/kernels"
	"hotpath/go_sidecar/screening/names"
)

const (
	// maxFieldChars is generous: what is wrong inside is a violation, not a refused request.
	maxFieldChars = 128
	maxPayments   = 1000 // of a batch
)

// payment is a payment as it comes in.
type payment struct {
	EndToEndID   string `json:"end_to_end_id"`
	DebtorName   string `json:"debtor_name"`
	DebtorIBAN   string `json:"debtor_iban"`
	CreditorName string `json:"creditor_name"`
	CreditorIBAN string `json:"creditor_iban"`
	CreditorBIC  string `json:"creditor_bic"`
	Currency     string `json:"currency"`
	Amount       string `json:"amount"`
}

var paymentFields = []string{
	"end_to_end_id", "debtor_name", "debtor_iban", "creditor_name", "creditor_iban", "creditor_bic", "currency", "amount",
}

// fields returns the fields in the order of paymentFields.
func (p *payment) fields() [8]*string {
	return [...]*string{&p.EndToEndID, &p.DebtorName, &p.DebtorIBAN, &p.CreditorName, &p.CreditorIBAN, &p.CreditorBIC, &p.Currency, &p.Amount}
}

func (p *payment) read(d *body.Decoder) {
	fields := p.fields()
	d.Object(paymentFields, len(paymentFields), func(i int) {
		most := maxFieldChars
		if fields[i] == &p.DebtorName || fields[i] == &p.CreditorName {
			most = names.MaxChars
		}
		*fields[i] = d.Text(most)
	})
}

// readPayments reads a batch. Of equal keys the last one counts, so it starts anew.
func readPayments(d *body.Decoder) (payments []payment) {
	d.List(1, maxPayments, func(int) {
		payments = append(payments, payment{})
		payments[len(payments)-1].read(d)
	})
	return payments
}

// appendCanonical appends the payment as canonical JSON (RFC 8785): the fields by name, and
// the text with the escapes that JSON cannot do without.
func (p *payment) appendCanonical(record []byte) []byte {
	for _, field := range [...]struct{ opening, text string }{
		{`{"amount":`, p.Amount},
		{`,"creditor_bic":`, p.CreditorBIC},
		{`,"creditor_iban":`, p.CreditorIBAN},
		{`,"creditor_name":`, p.CreditorName},
		{`,"currency":`, p.Currency},
		{`,"debtor_iban":`, p.DebtorIBAN},
		{`,"debtor_name":`, p.DebtorName},
		{`,"end_to_end_id":`, p.EndToEndID},
	} {
		record = append(record, field.opening...)
		record, _ = jsontext.AppendQuote(record, field.text) // fails on invalid UTF-8 alone, which the decoder lets nobody send
	}
	return append(record, '}')
}

// validate returns the broken rules of each payment, as bits.
func (a *api) validate(ctx context.Context, payments []payment) ([]uint32, error) {
	column := func(field func(p *payment) string) packed.Blobs {
		size := 0
		for i := range payments {
			size += len(field(&payments[i]))
		}
		blobs := packed.Blobs{Offsets: make([]int32, 1, len(payments)+1), Data: make([]byte, 0, size)}
		for i := range payments {
			blobs.Data = append(blobs.Data, field(&payments[i])...)
			blobs.Offsets = append(blobs.Offsets, int32(len(blobs.Data)))
		}
		return blobs
	}
	return kernels.Validate(ctx, &kernels.PaymentColumns{
		EndToEndID:   column(func(p *payment) string { return p.EndToEndID }),
		DebtorIBAN:   column(func(p *payment) string { return p.DebtorIBAN }),
		CreditorIBAN: column(func(p *payment) string { return p.CreditorIBAN }),
		CreditorBIC:  column(func(p *payment) string { return p.CreditorBIC }),
		Currency:     column(func(p *payment) string { return p.Currency }),
		Amount:       column(func(p *payment) string { return p.Amount }),
	}, a.rules, 1)
}

// violations are the rules by bit: Violation in payment_rules.py.
var violations = [...]string{
	"debtor_iban_country", "debtor_iban_length", "debtor_iban_structure", "debtor_iban_checksum",
	"creditor_iban_country", "creditor_iban_length", "creditor_iban_structure", "creditor_iban_checksum",
	"creditor_bic_structure", "creditor_bic_country",
	"currency_unknown", "amount_format", "amount_minor_units", "amount_range",
	"end_to_end_id_format", "end_to_end_id_duplicate",
}

// judgement is what is told of a payment's broken rules.
type judgement struct {
	Violations []string `json:"violations"`
	Warnings   []string `json:"warnings"`
}

func judge(bits uint32) judgement {
	return judgement{violationNames(bits &^ kernels.Warnings), violationNames(bits & kernels.Warnings)}
}

func violationNames(bits uint32) []string {
	var broken []string
	for bit, name := range violations {
		if bits>>bit&1 == 1 {
			broken = append(broken, name)
		}
	}
	return broken
}

// violatedField returns the payment's field that a violation is about: its name begins with it.
func violatedField(violation string) string {
	for _, field := range paymentFields {
		if strings.HasPrefix(violation, field+"_") {
			return field
		}
	}
	panic("no field for the violation " + violation)
}

// minorUnits returns a valid amount as a number of the currency's smallest units.
func minorUnits(amount string, decimals int) int64 {
	whole, fraction, _ := strings.Cut(amount, ".")
	number := int64(0)
	for _, digit := range whole + fraction + strings.Repeat("0", decimals-len(fraction)) {
		number = 10*number + int64(digit-'0')
	}
	return number
}

// majorUnits writes an amount with all of the currency's decimals.
func majorUnits(minor int64, decimals int) string {
	digits := fmt.Sprintf("%0*d", decimals+1, minor)
	if decimals == 0 {
		return digits
	}
	point := len(digits) - decimals
	return digits[:point] + "." + digits[point:]
}
