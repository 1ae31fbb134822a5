package kernels

import (
	"encoding/json"
	"fmt"
	"math/big"
	"regexp"
	"strings"
	"testing"
)

// ruleDefinition is the rules as payment_rules.py words them: regular expressions and big numbers.
type ruleDefinition struct {
	bban       map[string]*regexp.Regexp
	length     map[string]int
	home       map[string]string
	minorUnits map[string]int
}

func ruleDefinitionOf(t testing.TB) (d ruleDefinition) {
	t.Helper()
	var source struct {
		Countries       map[string]string
		Bic_territories map[string]string
		Currencies      map[string]int
	}
	if err := json.Unmarshal(rulesSource, &source); err != nil {
		t.Fatal(err)
	}
	d = ruleDefinition{map[string]*regexp.Regexp{}, map[string]int{}, source.Bic_territories, source.Currencies}
	for country, notation := range source.Countries {
		expression, length := notation, 4
		for _, part := range regexp.MustCompile(`\d+`).FindAllString(notation, -1) {
			var count int
			fmt.Sscan(part, &count)
			length += count
			expression = strings.Replace(expression, part+"!", "<"+part+">", 1)
		}
		expression = regexp.MustCompile(`<(\d+)>(.)`).ReplaceAllString(expression, "[$2]{$1}")
		for kind, class := range map[string]string{"[n]": "[0-9]", "[a]": "[A-Z]", "[c]": "[A-Z0-9]"} {
			expression = strings.ReplaceAll(expression, kind, class)
		}
		d.bban[country] = regexp.MustCompile(`\A[0-9]{2}` + expression + `\z`)
		d.length[country] = length
	}
	return d
}

func (d ruleDefinition) validate(payments []payment) (violations []uint32) {
	bic := regexp.MustCompile(`\A[A-Z0-9]{4}([A-Z]{2})[A-Z0-9]{2}([A-Z0-9]{3})?\z`)
	amount := regexp.MustCompile(`\A([0-9]{1,18})(?:\.([0-9]{1,5}))?\z`)
	id := regexp.MustCompile(`\A[A-Za-z0-9/\-?:().,'+ ]{1,35}\z`)
	seen := map[string]bool{}
	for _, p := range payments {
		violation := d.iban(p.debtor) | d.iban(p.creditor)<<4
		if parts := bic.FindStringSubmatch(p.bic); parts == nil {
			violation |= creditorBICStructure
		} else if d.iban(p.creditor) != 1 {
			country := parts[1]
			if home, is := d.home[country]; is {
				country = home
			}
			if country != p.creditor[:2] {
				violation |= creditorBICCountry
			}
		}
		minorUnits, known := d.minorUnits[p.currency]
		if !known {
			violation |= currencyUnknown
		}
		parts := amount.FindStringSubmatch(p.amount)
		if parts == nil || len(parts[1]+parts[2]) > 18 {
			violation |= amountFormat
		} else if known && len(parts[2]) > minorUnits {
			violation |= amountMinorUnits
		} else if known {
			minor, _ := new(big.Int).SetString(parts[1]+parts[2]+strings.Repeat("0", minorUnits-len(parts[2])), 10)
			if minor.Cmp(big.NewInt(1)) < 0 || minor.Cmp(big.NewInt(999999999999999)) > 0 {
				violation |= amountRange
			}
		}
		if !id.MatchString(p.id) {
			violation |= endToEndIDFormat
		}
		if seen[p.id] {
			violation |= endToEndIDDuplicate
		}
		seen[p.id] = true
		violations = append(violations, violation)
	}
	return violations
}

func (d ruleDefinition) iban(iban string) uint32 {
	if len(iban) < 2 || d.length[iban[:2]] == 0 {
		return 1
	}
	if len(iban) != d.length[iban[:2]] {
		return 2
	}
	if check := iban[2:4]; !d.bban[iban[:2]].MatchString(iban[2:]) || check < "02" || check > "98" {
		return 4
	}
	digits := ""
	for _, c := range iban[4:] + iban[:4] {
		if c >= 'A' {
			digits += fmt.Sprint(c - 'A' + 10)
		} else {
			digits += string(c)
		}
	}
	number, _ := new(big.Int).SetString(digits, 10)
	if new(big.Int).Mod(number, big.NewInt(97)).Int64() != 1 {
		return 8
	}
	return 0
}
