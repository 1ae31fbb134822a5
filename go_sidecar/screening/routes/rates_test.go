package routes

import (
	"testing"
)

func TestUsableAnswersAreDecoded(t *testing.T) {
	for text, want := range map[string]int{
		`{"base":"EUR","rates":{}}`:                                               0,
		`{"base":"EUR","rates":{"USD":"1.0832","JPY":"163"},"at":[null]}`:         2,
		`{"base":"USD","base":"EUR","rates":{"USD":"123456789012.000000000001"}}`: 1,
		" {\"rates\": {\"USD\": \"0\"}, \"base\": \"EUR\"}\n":                     1,
	} {
		if rates, err := decodeRates([]byte(text), "EUR"); err != nil || len(rates) != want {
			t.Errorf("%s: %v, %v", text, rates, err)
		}
	}
}

func TestOtherShapesAreInvalid(t *testing.T) {
	for _, text := range []string{
		"", "null", "[]", "{}", `{"base":"EUR"}`, `{"base":"EUR","rates":null}`, `{"base":"USD","rates":{}}`,
		`{"BASE":"EUR","rates":{}}`, `{"base":"EUR","rates":{"USD":1.08}}`, `{"base":"EUR","rates":{"USD":null}}`,
		`{"base":"EUR","rates":{"usd":"1"}}`, `{"base":"EUR","rates":{"USD":"NaN"}}`, `{"base":"EUR","rates":{"USD":"1."}}`,
		`{"base":"EUR","rates":{"USD":"-1"}}`, `{"base":"EUR","rates":{"USD":"1\n"}}`, `{"base":"EUR","rates":{"USD":"1e3"}}`,
		`{"base":"EUR","rates":{"USD":"1234567890123"}}`, `{"base":"EUR","rates":{"USD":"0.1234567890123"}}`,
		`{"base":"EUR","rates":{}} {}`, `{"base":"EUR","rates":{},"x":"` + "\xff" + `"}`, `{"base":"EUR","rates":{},"x":NaN}`,
	} {
		if rates, err := decodeRates([]byte(text), "EUR"); err == nil {
			t.Errorf("%s: %v, %v", text, rates, err)
		}
	}
}
