package kernels

import (
	"bytes"
	"context"
	"hash/maphash"
	"math/bits"

	"hotpath/go_sidecar/packed"
	"hotpath/go_sidecar/parallel"
)

// PaymentColumns is n payments by column.
type PaymentColumns struct {
	EndToEndID, DebtorIBAN, CreditorIBAN, CreditorBIC, Currency, Amount packed.Blobs
}

// Len returns the number of payments.
func (p *PaymentColumns) Len() int { return p.Amount.Len() }

// paymentsPerChunk is about half a millisecond of work.
const paymentsPerChunk = 4096

// Validate returns the broken rules of each payment. Runs of payments are shared out to at
// most `threads` goroutines; their number does not change the result.
// Errors: only the context's; it is looked at every 4096 payments.
func Validate(ctx context.Context, payments *PaymentColumns, rules *Rules, threads int) ([]uint32, error) {
	n := payments.Len()
	violations := make([]uint32, n)
	var duplicates []int32
	// One pass sees all identifiers, while the other goroutines judge payment by payment.
	err := parallel.Chunks(ctx, 1+parallel.Count(n, paymentsPerChunk), threads, func(chunk int) {
		if chunk == 0 {
			duplicates = findDuplicates(ctx, payments.EndToEndID)
			return
		}
		for i := (chunk - 1) * paymentsPerChunk; i < min(chunk*paymentsPerChunk, n); i++ {
			violations[i] = rules.judge(payments, i)
		}
	})
	for _, i := range duplicates {
		violations[i] |= endToEndIDDuplicate
	}
	return violations, err
}

// judge finds what is wrong with a payment by itself.
func (r *Rules) judge(p *PaymentColumns, i int) uint32 {
	debtor, _ := r.judgeIBAN(p.DebtorIBAN.At(i))
	creditor, country := r.judgeIBAN(p.CreditorIBAN.At(i))
	return debtor |
		creditor*(creditorIBANCountry/debtorIBANCountry) |
		r.judgeBIC(p.CreditorBIC.At(i), country) |
		r.judgeAmount(p.Amount.At(i), p.Currency.At(i)) |
		r.judgeID(p.EndToEndID.At(i))
}

// judgeIBAN returns a bit of the debtor's at most, and the country's number, -1 if unknown.
func (r *Rules) judgeIBAN(iban []byte) (violation uint32, country int) {
	if len(iban) < 2 {
		return debtorIBANCountry, -1
	}
	country = lettersNumber(iban[:2])
	if country < 0 || r.ibans[country].length == 0 {
		return debtorIBANCountry, -1
	}
	structure := &r.ibans[country]
	if len(iban) != int(structure.length) {
		return debtorIBANLength, country
	}
	tens, ones := iban[2]-'0', iban[3]-'0' // what is less than '0' wraps to a large number
	if check := 10*tens + ones; tens > 9 || ones > 9 || check < 2 || check > 98 {
		return debtorIBANStructure, country
	}
	// ISO 7064 reads the BBAN, the country and the check digits as one number. Eight
	// characters make it 10^16 times larger at most: it needs reducing no more often.
	const reduceEvery = 8
	number := uint64(0)
	for k, c := range iban[4:] {
		char := r.characters[c]
		if char.classes&structure.classes[k] == 0 {
			return debtorIBANStructure, country
		}
		number = number*uint64(char.shift) + uint64(char.value)
		if k%reduceEvery == reduceEvery-1 {
			number %= 97
		}
	}
	number %= 97
	for _, c := range iban[:4] {
		char := r.characters[c]
		number = number*uint64(char.shift) + uint64(char.value)
	}
	if number%97 != 1 {
		return debtorIBANChecksum, country
	}
	return 0, country
}

// judgeBIC compares with the country of the creditor's IBAN unless that is -1.
func (r *Rules) judgeBIC(bic []byte, ibanCountry int) uint32 {
	if len(bic) != 8 && len(bic) != 11 {
		return creditorBICStructure
	}
	for _, c := range bic {
		if r.characters[c].classes&(digit|letter) == 0 {
			return creditorBICStructure
		}
	}
	country := lettersNumber(bic[4:6])
	if country < 0 {
		return creditorBICStructure
	}
	if ibanCountry >= 0 && int(r.home[country]) != ibanCountry {
		return creditorBICCountry
	}
	return 0
}

func (r *Rules) judgeAmount(amount, currency []byte) uint32 {
	minorUnits := unknownMinorUnits
	if len(currency) == 3 {
		if number := lettersNumber(currency); number >= 0 {
			minorUnits = int(r.minorUnits[number])
		}
	}
	violation := uint32(0)
	if minorUnits == unknownMinorUnits {
		violation = currencyUnknown
	}
	value, decimals, ok := parseAmount(amount)
	switch {
	case !ok:
		return violation | amountFormat
	case minorUnits == unknownMinorUnits:
		return violation
	case decimals > minorUnits:
		return amountMinorUnits
	}
	most := uint64(maxAmountMinor)
	for range minorUnits - decimals {
		most /= 10
	}
	if value == 0 || value > most {
		return amountRange
	}
	return 0
}

// parseAmount returns the digits as one number, and how many of them are decimals.
func parseAmount(amount []byte) (value uint64, decimals int, ok bool) {
	digits := len(amount)
	if digits > maxAmountDigits+1 { // the number then fits 64 bits
		return 0, 0, false
	}
	point := -1
	for k, c := range amount {
		switch {
		case c >= '0' && c <= '9':
			value = 10*value + uint64(c-'0')
		case c == '.' && point < 0:
			point = k
		default:
			return 0, 0, false
		}
	}
	if point >= 0 {
		digits--
		decimals = digits - point
		if point == 0 || decimals < 1 || decimals > maxAmountDecimals {
			return 0, 0, false
		}
	}
	return value, decimals, digits >= 1 && digits <= maxAmountDigits
}

func (r *Rules) judgeID(id []byte) uint32 {
	if len(id) < 1 || len(id) > maxEndToEndID {
		return endToEndIDFormat
	}
	for _, c := range id {
		if r.characters[c].classes&idOK == 0 {
			return endToEndIDFormat
		}
	}
	return 0
}

// findDuplicates returns the items that equal an earlier one; too few if ctx ends meanwhile.
// An open hash table of places takes half the time of a Go map. Its seed is random, so that
// no caller can choose items that collide.
func findDuplicates(ctx context.Context, items packed.Blobs) (places []int32) {
	n := items.Len()
	if n < 2 {
		return nil
	}
	// An entry is the upper half of an item's hash above its place + 1; 0 is free. At most
	// half of the table is in use, so that every search ends.
	table := make([]uint64, 1<<bits.Len(uint(2*n-1)))
	seed := maphash.MakeSeed()
	for i := range n {
		if i%paymentsPerChunk == 0 && ctx.Err() != nil {
			return places
		}
		item := items.At(i)
		hash := maphash.Bytes(seed, item)
		upper := hash >> 32 << 32
		for at := hash; ; at++ {
			entry := &table[at&uint64(len(table)-1)]
			if *entry == 0 {
				*entry = upper | uint64(i+1)
				break
			}
			if *entry>>32<<32 == upper && bytes.Equal(items.At(int(uint32(*entry)-1)), item) {
				places = append(places, int32(i))
				break
			}
		}
	}
	return places
}
