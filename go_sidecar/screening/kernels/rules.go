package kernels

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
)

// The rules of a payment, one bit each; Violation in payment_rules.py states them.
const (
	debtorIBANCountry uint32 = 1 << iota
	debtorIBANLength
	debtorIBANStructure
	debtorIBANChecksum
	creditorIBANCountry
	creditorIBANLength
	creditorIBANStructure
	creditorIBANChecksum
	creditorBICStructure
	creditorBICCountry
	currencyUnknown
	amountFormat
	amountMinorUnits
	amountRange
	endToEndIDFormat
	endToEndIDDuplicate
)

// Warnings are the rules that a good payment may break: they are told, and refuse nothing.
const Warnings = creditorBICCountry

const (
	maxBBAN             = 30
	maxEndToEndID       = 35
	maxAmountDigits     = 18
	maxAmountDecimals   = 5
	maxAmountMinor      = 1e15 - 1
	endToEndIDSpecials  = "/-?:().,'+ "
	unknownMinorUnits   = 255
	countryCodes        = 26 * 26
	currencyCodes       = 26 * 26 * 26
	digit, letter, idOK = 1, 2, 4 // classes of characters, as bits
)

// rulesSource is a copy of the payment_rules.json in Python, which a Go package cannot
// embed from outside its module; a test of the gRPC calls compares the two.
//
//go:embed payment_rules.json
var rulesSource []byte

// Rules are the tables of validate. Codes are numbered as in lettersNumber.
type Rules struct {
	Version string // lower-case hex SHA-256 of payment_rules.json

	ibans      [countryCodes]ibanStructure
	home       [countryCodes]uint16 // a BIC country's home country
	minorUnits [currencyCodes]uint8
	characters [256]character
}

// ibanStructure tells what a country's IBANs look like; length 0 where it has none.
type ibanStructure struct {
	length  uint8          // of a whole IBAN
	classes [maxBBAN]uint8 // per place of the BBAN, of which the character must be in one
}

// character is what a byte is worth. In the checksum a letter stands for two digits.
type character struct {
	classes uint8
	value   uint8
	shift   uint8 // the factor that makes room for the value: 10 or 100
}

// LoadRules builds the tables; it takes about a millisecond.
func LoadRules() (*Rules, error) {
	var source struct {
		Countries      map[string]string
		BICTerritories map[string]string `json:"bic_territories"`
		Currencies     map[string]uint8
	}
	if err := json.Unmarshal(rulesSource, &source); err != nil {
		return nil, fmt.Errorf("payment_rules.json: %w", err)
	}
	version := sha256.Sum256(rulesSource)
	r := &Rules{Version: hex.EncodeToString(version[:]), characters: characters()}
	for code, structure := range source.Countries {
		number := lettersNumber([]byte(code))
		if len(code) != 2 || number < 0 {
			return nil, fmt.Errorf("payment_rules.json: countries: expected two capitals, got %q", code)
		}
		if err := r.ibans[number].parse(structure); err != nil {
			return nil, fmt.Errorf("payment_rules.json: countries: %s: %w", code, err)
		}
	}
	for number := range r.home {
		r.home[number] = uint16(number)
	}
	for territory, home := range source.BICTerritories {
		from, to := lettersNumber([]byte(territory)), lettersNumber([]byte(home))
		if len(territory) != 2 || len(home) != 2 || from < 0 || to < 0 {
			return nil, fmt.Errorf("payment_rules.json: bic_territories: expected two capitals, got %q and %q", territory, home)
		}
		r.home[from] = uint16(to)
	}
	for number := range r.minorUnits {
		r.minorUnits[number] = unknownMinorUnits
	}
	for code, minorUnits := range source.Currencies {
		number := lettersNumber([]byte(code))
		if len(code) != 3 || number < 0 || minorUnits > maxAmountDecimals {
			return nil, fmt.Errorf("payment_rules.json: currencies: expected three capitals and at most %d decimals, got %q and %d", maxAmountDecimals, code, minorUnits)
		}
		r.minorUnits[number] = minorUnits
	}
	return r, nil
}

var (
	bbanStructure = regexp.MustCompile(`^(\d+![nac])+$`)
	bbanPart      = regexp.MustCompile(`(\d+)!([nac])`)
)

// parse reads SWIFT's notation: 4!a6!n8!n is four letters and fourteen digits.
func (s *ibanStructure) parse(notation string) error {
	if !bbanStructure.MatchString(notation) {
		return fmt.Errorf("expected parts like 4!n, got %q", notation)
	}
	length := 0
	for _, part := range bbanPart.FindAllStringSubmatch(notation, -1) {
		count, err := strconv.Atoi(part[1])
		if err != nil || count > maxBBAN-length {
			return fmt.Errorf("expected at most %d characters, got %q", maxBBAN, notation)
		}
		for range count {
			s.classes[length] = map[string]uint8{"n": digit, "a": letter, "c": digit | letter}[part[2]]
			length++
		}
	}
	s.length = uint8(4 + length)
	return nil
}

func characters() (table [256]character) {
	for i := range byte(10) {
		table['0'+i] = character{digit | idOK, i, 10}
	}
	for i := range byte(26) {
		table['A'+i] = character{letter | idOK, 10 + i, 100}
		table['a'+i] = character{classes: idOK}
	}
	for _, c := range []byte(endToEndIDSpecials) {
		table[c] = character{classes: idOK}
	}
	return table
}

// lettersNumber reads capitals as a number to the base 26, A being 0; -1 for anything else.
func lettersNumber(code []byte) int {
	number := 0
	for _, c := range code {
		if c < 'A' || c > 'Z' {
			return -1
		}
		number = 26*number + int(c-'A')
	}
	return number
}
