package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net"
	"net/http"
	"time"
)

const trickle = 100 * time.Millisecond

// faults are the ways in which an upstream can fail a client, by name.
var faults = map[string]http.HandlerFunc{
	"status": func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "out of order", http.StatusInternalServerError)
	},
	"redirect": func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/rates/x?base="+r.FormValue("base"), http.StatusFound)
	},
	"reset": func(w http.ResponseWriter, _ *http.Request) {
		if connection := hijack(w); connection != nil {
			connection.SetLinger(0) // a close then sends RST
			connection.Close()
		}
	},
	"close": func(w http.ResponseWriter, _ *http.Request) {
		if connection := hijack(w); connection != nil {
			connection.Close()
		}
	},
	"hang": func(_ http.ResponseWriter, r *http.Request) {
		<-r.Context().Done()
	},
	"endless": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		spaces := bytes.Repeat([]byte(" "), 32<<10)
		for {
			if _, err := w.Write(spaces); err != nil {
				return
			}
		}
	},
	"trickle": func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		for _, letter := range rightRates(r) {
			if _, err := w.Write([]byte{letter}); err != nil {
				return
			}
			http.NewResponseController(w).Flush()
			select {
			case <-time.After(trickle):
			case <-r.Context().Done():
				return
			}
		}
	},
	"huge": func(w http.ResponseWriter, r *http.Request) {
		content := rightRates(r)
		padding := bytes.Repeat([]byte(" "), 64<<10)
		writeJSON(w, append(content[:len(content)-1:len(content)-1], append(padding, '}')...))
	},
	"html": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, "<!DOCTYPE html><title>Sign in</title>")
	},
	"encoded": func(w http.ResponseWriter, r *http.Request) {
		var packed bytes.Buffer
		zip := gzip.NewWriter(&packed)
		zip.Write(rightRates(r))
		zip.Close()
		w.Header().Set("Content-Encoding", "gzip")
		writeJSON(w, packed.Bytes())
	},
	"wrong_base": func(w http.ResponseWriter, r *http.Request) {
		other := "USD"
		if r.FormValue("base") == other {
			other = "EUR"
		}
		content, _ := ratesOf("wrong_base", other) // a base of the table
		writeJSON(w, content)
	},
	"not_json": func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, []byte(`{"base": "EUR", "rates": {`))
	},
	"nan": func(w http.ResponseWriter, r *http.Request) {
		writeJSON(w, fmt.Appendf(nil, `{"base": %q, "rates": {"XXX": "NaN"}}`, r.FormValue("base")))
	},
}

// rightRates are for the faults of delivery: all else about these answers is right.
func rightRates(r *http.Request) []byte {
	if content, err := ratesOf("faults", r.FormValue("base")); err == nil {
		return content
	}
	return []byte("{}")
}

func hijack(w http.ResponseWriter) *net.TCPConn {
	connection, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return nil
	}
	return connection.(*net.TCPConn) // the listener is TCP
}
