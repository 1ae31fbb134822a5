package settings

import (
	"errors"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"time"
)

// Reader reads variables with the prefix HOTPATH_. It collects what is missing or wrong, so that
// one start tells all of it.
type Reader struct {
	Lookup func(name string) (string, bool) // os.LookupEnv
	errors []error
}

// Err returns an error that names every setting that was missing or wrong.
func (r *Reader) Err() error { return errors.Join(r.errors...) }

// Wrong keeps an error of a setting. came is shown, so it is no secret.
func (r *Reader) Wrong(name, expected, came string) {
	r.errors = append(r.errors, fmt.Errorf("HOTPATH_%s: expected %s, got %q", name, expected, came))
}

// value looks for a variable, and then for the file that another one names.
func (r *Reader) value(name string) (string, bool) {
	value, is := r.Lookup("HOTPATH_" + name)
	if path, isFile := r.Lookup("HOTPATH_" + name + "_FILE"); isFile && !is {
		content, err := os.ReadFile(path)
		if err != nil {
			r.errors = append(r.errors, fmt.Errorf("HOTPATH_%s_FILE: expected a readable file, got %w", name, err))
			return "", false
		}
		return strings.TrimSpace(string(content)), true
	}
	if !is {
		r.errors = append(r.errors, fmt.Errorf("HOTPATH_%s: required, but missing", name))
	}
	return value, is
}

// Text reads a value that is not empty.
func (r *Reader) Text(name string) string {
	value, is := r.value(name)
	if is && value == "" {
		r.Wrong(name, "a value", value)
	}
	return value
}

// Optional reads a value that may be missing.
func (r *Reader) Optional(name string) string {
	value, _ := r.Lookup("HOTPATH_" + name)
	return value
}

// Integer reads a number of `least` at least.
func (r *Reader) Integer(name string, least int) int {
	value, is := r.value(name)
	number, err := strconv.Atoi(value)
	if is && (err != nil || number < least) {
		r.Wrong(name, fmt.Sprintf("an integer of at least %d", least), value)
	}
	return number
}

// Seconds reads a duration above 0, in seconds.
func (r *Reader) Seconds(name string) time.Duration {
	value, is := r.value(name)
	number, err := strconv.ParseFloat(value, 64)
	if is && (err != nil || !(number > 0) || number > math.MaxInt64/1e9) {
		r.Wrong(name, "a number of seconds above 0", value)
	}
	return time.Duration(number * float64(time.Second))
}

// Pause reads a duration that may be 0, in seconds.
func (r *Reader) Pause(name string) time.Duration {
	if value, _ := r.Lookup("HOTPATH_" + name); strings.Trim(value, "0.") == "" && value != "" {
		return 0
	}
	return r.Seconds(name)
}

// Boolean reads what pydantic takes for one.
func (r *Reader) Boolean(name string) bool {
	value, is := r.value(name)
	switch strings.ToLower(value) {
	case "true", "t", "yes", "y", "on", "1":
		return true
	case "false", "f", "no", "n", "off", "0":
		return false
	}
	if is {
		r.Wrong(name, "true or false", value)
	}
	return false
}

// List reads values with commas between them; it may be empty.
func (r *Reader) List(name string) (parts []string) {
	value, _ := r.value(name)
	for part := range strings.SplitSeq(value, ",") {
		if part = strings.TrimSpace(part); part != "" {
			parts = append(parts, part)
		}
	}
	return parts
}
