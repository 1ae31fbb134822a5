package body

import (
	"bytes"
	"encoding/base64"
	"encoding/json/jsontext"
	"errors"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"hotpath/go_sidecar/gateway/problem"
)

// maxProblems bounds the list of an answer.
const maxProblems = 20

// Decode reads the body's one JSON value by the given function.
// Errors: malformed_json, or invalid_argument with every field at fault.
//
// Of equal keys the last one counts, as in most decoders.
func Decode(content []byte, read func(d *Decoder)) error {
	if !utf8.Valid(content) {
		return problem.New(problem.MalformedJSON, "body: expected JSON, got text that is not UTF-8")
	}
	d := &Decoder{tokens: jsontext.NewDecoder(
		bytes.NewBuffer(content),
		jsontext.AllowDuplicateNames(true),
		// An escaped lone surrogate is JSON. The fields refuse it, by name.
		jsontext.AllowInvalidUTF8(true),
	)}
	read(d)
	if d.malformed == nil {
		if _, err := d.tokens.ReadToken(); err == nil {
			d.malformed = errors.New("more text after the value")
		} else if err != io.EOF {
			d.malformed = err
		}
	}
	if d.malformed != nil {
		reason := strings.TrimPrefix(d.malformed.Error(), "jsontext: ")
		return problem.New(problem.MalformedJSON, "body: expected JSON, got text that is not: %s", reason)
	}
	return Refused(d.problems)
}

// Refused returns the error that lists the fields at fault, nil where there are none.
func Refused(fields []problem.Field) error {
	if len(fields) == 0 {
		return nil
	}
	fields = fields[:min(len(fields), maxProblems)]
	var messages []string
	for _, field := range fields[:min(len(fields), 3)] {
		messages = append(messages, field.Message)
	}
	return &problem.Error{Code: problem.InvalidArgument, Message: strings.Join(messages, "; "), Fields: fields}
}

// Decoder reads a JSON value by its expected shape. What is wrong with a field is kept, and
// reading goes on: a caller hears of all fields at once. Values are strict: nothing is
// converted, null is no value.
type Decoder struct {
	tokens    *jsontext.Decoder
	problems  []problem.Field
	malformed error
}

// Object reads an object whose first `required` fields must be there; read(i) reads the value
// of names[i]. Other fields are refused. names are 8 at most.
func (d *Decoder) Object(names []string, required int, read func(i int)) {
	if !d.begin('{', "an object") {
		return
	}
	var ofField [8][]problem.Field // only the last of equal keys counts
	var seen [8]bool
	var unknown []problem.Field
	isUnicode := true
	outer := d.problems
	for d.tokens.PeekKind() != '}' {
		key, isText, ok := d.key()
		if !ok {
			return
		}
		isUnicode = isUnicode && isText
		if i := slices.Index(names, key); i >= 0 {
			d.problems = nil
			read(i)
			seen[i], ofField[i] = true, d.problems
		} else {
			path := d.path()
			field := problem.Field{Field: path, Message: path + ": expected no such field"}
			if len(unknown) < maxProblems && !slices.Contains(unknown, field) {
				unknown = append(unknown, field)
			}
			d.skip()
		}
		if d.malformed != nil {
			return
		}
	}
	d.end()
	d.problems = outer
	if !isUnicode { // then no other field's name is to be trusted
		d.wrong("Unicode text", "a lone surrogate in a field's name")
		return
	}
	for i := range names {
		if i < required && !seen[i] {
			path := member(d.path(), names[i])
			d.add(problem.Field{Field: path, Message: path + ": required, but missing"})
		}
		d.add(ofField[i]...)
	}
	d.add(unknown...)
}

// List reads a list of `least` to `most` items, each by item(i).
func (d *Decoder) List(least, most int, item func(i int)) {
	if !d.begin('[', "a list") {
		return
	}
	outer := len(d.problems)
	count := 0
	for d.tokens.PeekKind() != ']' {
		if count < most {
			item(count)
		} else {
			d.skip()
		}
		if d.malformed != nil {
			return
		}
		count++
	}
	d.end()
	if count > most {
		d.problems = d.problems[:outer]
		d.wrong("at most "+strconv.Itoa(most)+" items", strconv.Itoa(count))
	} else if count < least {
		d.wrong("at least "+strconv.Itoa(least)+" items", strconv.Itoa(count))
	}
}

// Text reads a string of at most `most` code points.
func (d *Decoder) Text(most int) string {
	raw, ok := d.value('"', "a string")
	if !ok {
		return ""
	}
	text, unicode := unquote(raw)
	if !unicode {
		d.wrong("Unicode text", "a lone surrogate in "+shown(raw))
		return ""
	}
	// A code point has one byte at least.
	if len(text) > most && utf8.RuneCount(text) > most {
		d.wrong("at most "+strconv.Itoa(most)+" characters", strconv.Itoa(utf8.RuneCount(text)))
		return ""
	}
	return string(text)
}

// AppendBase64 reads a base64 string (RFC 4648, padded) and appends its bytes.
func (d *Decoder) AppendBase64(content []byte) []byte {
	const expected = "base64 (RFC 4648, padded)"
	raw, ok := d.value('"', expected)
	if !ok {
		return content
	}
	text, _ := unquote(raw)
	decoded, err := base64.StdEncoding.AppendDecode(content, text)
	// The package skips line ends, RFC 4648 does not.
	if err != nil || bytes.ContainsAny(text, "\r\n") {
		d.wrong(expected, shown(raw))
		return content
	}
	return decoded
}

// Float reads a number of low to high.
func (d *Decoder) Float(low, high float64) float64 {
	raw, ok := d.value('0', "a number")
	if !ok {
		return 0
	}
	number, _ := strconv.ParseFloat(string(raw), 64) // infinite where it is too large
	if !(low <= number && number <= high) {
		d.wrong(strconv.FormatFloat(low, 'g', -1, 64)+" to "+strconv.FormatFloat(high, 'g', -1, 64), shown(raw))
	}
	return number
}

// Integer reads an integer of low to high, written without a point or an exponent.
func (d *Decoder) Integer(low, high int) int {
	raw, ok := d.value('0', "an integer")
	if !ok {
		return 0
	}
	if bytes.ContainsAny(raw, ".eE") {
		d.wrong("an integer", shown(raw))
		return 0
	}
	number, _ := strconv.Atoi(string(raw)) // the nearest one where it is out of range
	if number < low || number > high {
		d.wrong(strconv.Itoa(low)+" to "+strconv.Itoa(high), shown(raw))
	}
	return number
}

// AnyInteger reads an integer of whatever size; one that does not fit becomes the nearest that does.
func (d *Decoder) AnyInteger() int { return d.Integer(math.MinInt, math.MaxInt) }

// begin reads the first token of an object or a list, or all of another value.
func (d *Decoder) begin(kind jsontext.Kind, expected string) bool {
	if d.tokens.PeekKind() != kind {
		d.value(kind, expected)
		return false
	}
	d.end()
	return d.malformed == nil
}

// end reads one token that is known.
func (d *Decoder) end() {
	if _, err := d.tokens.ReadToken(); err != nil {
		d.malformed = err
	}
}

func (d *Decoder) key() (key string, unicode, ok bool) {
	raw, err := d.tokens.ReadValue()
	if err != nil {
		d.malformed = err
		return "", false, false
	}
	text, unicode := unquote(raw)
	return string(text), unicode, true
}

// value reads a whole value and tells whether it is of the expected kind.
func (d *Decoder) value(kind jsontext.Kind, expected string) (jsontext.Value, bool) {
	raw, err := d.tokens.ReadValue()
	if err != nil {
		d.malformed = err
		return nil, false
	}
	if raw.Kind() != kind {
		d.wrong(expected, shown(raw))
		return nil, false
	}
	return raw, true
}

func (d *Decoder) skip() {
	if err := d.tokens.SkipValue(); err != nil {
		d.malformed = err
	}
}

// wrong blames the value that was read last.
func (d *Decoder) wrong(expected, came string) {
	path := d.path()
	d.add(problem.Field{Field: path, Message: path + ": expected " + expected + ", got " + came})
}

func (d *Decoder) add(fields ...problem.Field) {
	d.problems = append(d.problems, fields...)
	d.problems = d.problems[:min(len(d.problems), maxProblems)]
}
