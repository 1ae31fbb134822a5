package routes

import (
	"context"
	"strings"
	"testing"

	"hotpath/go_sidecar/screening/kernels"
)

func TestAmountsKeepTheirValue(t *testing.T) {
	for _, c := range []struct {
		amount   string
		decimals int
		minor    int64
		shown    string
	}{
		{"7", 2, 700, "7.00"}, {"7.5", 2, 750, "7.50"}, {"0.01", 2, 1, "0.01"}, {"007", 0, 7, "7"},
		{"1.5", 3, 1500, "1.500"}, {"99999999999.9999", 4, 999999999999999, "99999999999.9999"},
	} {
		if minor := minorUnits(c.amount, c.decimals); minor != c.minor {
			t.Errorf("%s: %d", c.amount, minor)
		}
		if shown := majorUnits(c.minor, c.decimals); shown != c.shown {
			t.Errorf("%d: %s", c.minor, shown)
		}
	}
}

// The names of the rules are written down twice; the kernel's bits and ours must agree.
func TestViolationsAreNamedByTheKernelsBits(t *testing.T) {
	rules, err := kernels.LoadRules()
	if err != nil {
		t.Fatal(err)
	}
	a := &api{rules: rules}
	good := payment{"A", "x", "DE89370400440532013000", "y", "GB29NWBK60161331926819", "NWBKGB2L", "EUR", "1.50"}
	change := func(do func(p *payment)) payment {
		p := good
		do(&p)
		return p
	}
	for want, p := range map[string]payment{
		"":                        good,
		"debtor_iban_country":     change(func(p *payment) { p.DebtorIBAN = "ZZ89370400440532013000" }),
		"debtor_iban_length":      change(func(p *payment) { p.DebtorIBAN = "DE8937040044053201300" }),
		"debtor_iban_structure":   change(func(p *payment) { p.DebtorIBAN = "DE8937040044053201300X" }),
		"debtor_iban_checksum":    change(func(p *payment) { p.DebtorIBAN = "DE88370400440532013000" }),
		"creditor_iban_length":    change(func(p *payment) { p.CreditorIBAN = "GB29NWBK6016133192681" }),
		"creditor_iban_structure": change(func(p *payment) { p.CreditorIBAN = "GB29NWBK6016133192681X" }),
		"creditor_iban_checksum":  change(func(p *payment) { p.CreditorIBAN = "GB28NWBK60161331926819" }),
		"creditor_iban_country":   change(func(p *payment) { p.CreditorIBAN = "ZZ29NWBK60161331926819" }),
		"creditor_bic_structure":  change(func(p *payment) { p.CreditorBIC = "NWBKGB2" }),
		"creditor_bic_country":    change(func(p *payment) { p.CreditorBIC = "DEUTDEFF" }),
		"currency_unknown":        change(func(p *payment) { p.Currency = "XYZ" }),
		"amount_format":           change(func(p *payment) { p.Amount = "1,5" }),
		"amount_minor_units":      change(func(p *payment) { p.Amount = "1.505" }),
		"amount_range":            change(func(p *payment) { p.Amount = "0" }),
		"end_to_end_id_format":    change(func(p *payment) { p.EndToEndID = "_" }),
	} {
		broken, err := a.validate(context.Background(), []payment{p})
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(violationNames(broken[0]), " "); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	broken, err := a.validate(context.Background(), []payment{good, good})
	if err != nil || strings.Join(violationNames(broken[1]), " ") != "end_to_end_id_duplicate" {
		t.Errorf("%v, %v", broken, err)
	}
	for _, violation := range violations {
		violatedField(violation) // panics where there is none
	}
}
