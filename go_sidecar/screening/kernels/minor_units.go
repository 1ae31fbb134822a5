package kernels

// MinorUnits returns the decimals of a currency of payment, and whether it is one.
func (r *Rules) MinorUnits(currency string) (decimals int, known bool) {
	if len(currency) != 3 {
		return 0, false
	}
	number := lettersNumber([]byte(currency))
	if number < 0 || r.minorUnits[number] == unknownMinorUnits {
		return 0, false
	}
	return int(r.minorUnits[number]), true
}
