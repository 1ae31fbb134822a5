package main

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"net/http"
	"strconv"
)

// perEUR is fixed: answers are the same at any time and in every run.
var perEUR = map[string]float64{
	"EUR": 1, "USD": 1.0832, "GBP": 0.8571, "JPY": 163.42, "CHF": 0.9713, "SEK": 11.2345, "PLN": 4.3021,
}

// ratesOf returns the rates to a base, which differ between sources by up to 0.1 %.
func ratesOf(source, base string) ([]byte, error) {
	one, is := perEUR[base]
	if !is {
		return nil, fmt.Errorf("base: expected a currency of the table, got %.20q", base)
	}
	hash := fnv.New32a()
	hash.Write([]byte(source))
	spread := 1 + float64(hash.Sum32()%1000)/1e6
	rates := make(map[string]string, len(perEUR)-1)
	for currency, rate := range perEUR {
		if currency != base {
			rates[currency] = strconv.FormatFloat(rate/one*spread, 'f', 6, 64)
		}
	}
	return json.Marshal(map[string]any{"base": base, "rates": rates})
}

func writeJSON(w http.ResponseWriter, content []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(content)))
	w.Write(content)
}
