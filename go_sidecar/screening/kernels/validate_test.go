package kernels

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"hotpath/go_sidecar/packed"
)

// The SWIFT IBAN registry's example of each country; python-stdnum 2.2 and schwifty 2026.10
// accept all of them.
const registryExamples = `AD1200012030200359100100 AE070331234567890123456 AL47212110090000000235698741
AT611904300234573201 AZ21NABZ00000000137010001944 BA391290079401028494 BE68539007547034
BG80BNBG96611020345678 BH67BMAG00001299123456 BI4210000100010000332045181
BR1800360305000010009795493C1 BY13NBRB3600900000002Z00AB00 CH9300762011623852957
CR05015202001026284066 CY17002001280000001200527600 CZ6508000000192000145399
DE89370400440532013000 DJ2100010000000154000100186 DK5000400440116243
DO28BAGR00000001212453611324 EE382200221020145685 EG380019000500000000263180002
ES9121000418450200051332 FI2112345600000785 FK88SC123456789012 FO6264600001631634
FR1420041010050500013M02606 GB29NWBK60161331926819 GE29NB0000000101904917
GI75NWBK000000007099453 GL8964710001000206 GR1601101250000000012300695
GT82TRAJ01020000001210029690 HN88CABF00000000000250005469 HR1210010051863000160
HU42117730161111101800000000 IE29AIBK93115212345678 IL620108000000099999999
IQ98NBIQ850123456789012 IS140159260076545510730339 IT60X0542811101000000123456
JO94CBJO0010000000000131000302 KW81CBKU0000000000001234560101 KZ86125KZT5004100100
LB62099900000001001901229114 LC55HEMM000100010012001200023015 LI21088100002324013AA
LT121000011101001000 LU280019400644750000 LV80BANK0000435195001 LY83002048000020100120361
MC5811222000010123456789030 MD24AG000225100013104168 ME25505000012345678951
MK07250120000058984 MN121234123456789123 MR1300020001010000123456753
MT84MALT011000012345MTLCAST001S MU17BOMM0101101030300200000MUR
NI45BAPR00000013000003558124 NL91ABNA0417164300 NO9386011117947 OM810180000001299123456
PK36SCBL0000001123456702 PL61109010140000071219812874 PS92PALS000000000400123456702
PT50000201231234567890154 QA58DOHB00001234567890ABCDEFG RO49AAAA1B31007593840000
RS35260005601001611379 RU0304452522540817810538091310419 SA0380000000608010167519
SC18SSCB11010000000000001497USD SD2129010501234001 SE4550000000058398257466
SI56263300012039086 SK3112000000198742637541 SM86U0322509800000000270100
SO211000001001000100141 ST23000100010051845310146 SV62CENR00000000000000700025
TL380080012345678910157 TN5910006035183598478831 TR330006100519786457841326
UA213223130000026007233566001 VA59001123000012345678 VG96VPVG0000012345678901
XK051212012345678906 YE15CBYE0001018861234567891234`

type payment struct{ id, debtor, creditor, bic, currency, amount string }

// valid breaks no rule; the cases change it.
var valid = payment{"E2E-1", "GB29NWBK60161331926819", "DE89370400440532013000", "DEUTDEFF", "EUR", "10.00"}

func TestRegistryExamplesAreValid(t *testing.T) {
	r := loadRules(t)
	examples := strings.Fields(registryExamples)
	for _, iban := range examples {
		if violation, country := r.judgeIBAN([]byte(iban)); violation != 0 || country != lettersNumber([]byte(iban[:2])) {
			t.Errorf("%s: %b, country %d", iban, violation, country)
		}
	}
	countries := 0
	for _, structure := range r.ibans {
		if structure.length > 0 {
			countries++
		}
	}
	if countries != len(examples) {
		t.Errorf("%d countries in the table, %d examples", countries, len(examples))
	}
}

// ISO 7064 MOD 97-10 finds every wrong digit or letter, and every swap of two neighbours of
// one kind. (A digit for a letter shifts the rest and may go unnoticed.)
func TestTypingErrorsInIBANsAreFound(t *testing.T) {
	r, definition := loadRules(t), ruleDefinitionOf(t)
	isDigit := func(c byte) bool { return c >= '0' && c <= '9' }
	isLetter := func(c byte) bool { return c >= 'A' && c <= 'Z' }
	sameKind := func(a, b byte) bool { return isDigit(a) && isDigit(b) || isLetter(a) && isLetter(b) }
	for _, iban := range strings.Fields(registryExamples) {
		check := func(wrong []byte, mustFind bool) {
			violation, _ := r.judgeIBAN(wrong)
			if want := definition.iban(string(wrong)); violation != want || mustFind && violation == 0 {
				t.Errorf("%s as %q: %b, want %b", iban, wrong, violation, want)
			}
		}
		for k := range iban {
			for c := range 256 {
				wrong := []byte(iban)
				wrong[k] = byte(c)
				check(wrong, iban[k] != byte(c) && sameKind(iban[k], byte(c)))
			}
			if k > 0 {
				wrong := []byte(iban)
				wrong[k-1], wrong[k] = wrong[k], wrong[k-1]
				check(wrong, iban[k-1] != iban[k] && sameKind(iban[k-1], iban[k]))
			}
		}
	}
}

func TestEachRule(t *testing.T) {
	cases := []struct {
		want   uint32
		change func(p *payment, text string)
		texts  []string
	}{
		{debtorIBANCountry, func(p *payment, s string) { p.debtor = s }, []string{"", "G", "gb29NWBK60161331926819", "ZZ29NWBK60161331926819", "US29NWBK60161331926819", "1B29", " GB29NWBK60161331926819", "\xff\xff"}},
		{debtorIBANLength, func(p *payment, s string) { p.debtor = s }, []string{"GB", "GB2", "GB29NWBK6016133192681", "GB29NWBK601613319268190", "GB29 NWBK 6016 1331 9268 19", "GBé"}},
		{debtorIBANStructure, func(p *payment, s string) { p.debtor = s }, []string{
			"GBx9NWBK60161331926819", "GB2 NWBK60161331926819", "GB00NWBK60161331926819", "GB01NWBK60161331926819", "GB99NWBK60161331926819",
			"GB29nwbk60161331926819", "GB29NWB160161331926819", "GB29NWBK6016133192681A", "GB29NWBK6016133192681/", "GB29NWBK6016133192681:"}},
		{debtorIBANChecksum, func(p *payment, s string) { p.debtor = s }, []string{"GB28NWBK60161331926819", "GB02NWBK60161331926819", "GB98NWBK60161331926819", "GB29NWBK60161331926891"}},
		{creditorIBANCountry, func(p *payment, s string) { p.creditor = s }, []string{"", "de89370400440532013000", "ZZ89370400440532013000"}},
		{creditorIBANLength, func(p *payment, s string) { p.creditor = s }, []string{"DE", "DE8937040044053201300", "DE893704004405320130000"}},
		{creditorIBANStructure, func(p *payment, s string) { p.creditor = s }, []string{"DE8937040044053201300O", "DEO9370400440532013000"}},
		{creditorIBANChecksum, func(p *payment, s string) { p.creditor = s }, []string{"DE88370400440532013000", "DE89370400440532013001"}},
		{creditorBICStructure, func(p *payment, s string) { p.bic = s }, []string{"", "DEUTDEF", "DEUTDEFF5", "DEUTDEFF50", "DEUTDEFF5000", "deutdeff", "DEUTdeFF", "DEUTDEF ", "DEUT1EFF", "DEUTD1FF", "DEUT-EFF", "DEU\xc4DEFF"}},
		{creditorBICCountry, func(p *payment, s string) { p.bic = s }, []string{"DEUTGBFF", "DEUTUSFF", "DEUTZZFF", "DEUTGFFF", "1234FR00"}},
		{currencyUnknown, func(p *payment, s string) { p.currency = s }, []string{"", "EU", "EURO", "eur", "XXX", "XAU", "ZZZ", "978", "E\xffR"}},
		{amountFormat, func(p *payment, s string) { p.amount = s }, []string{
			"", ".", "1.", ".5", "1.2.3", "+1", "-1", "1e3", "1,00", " 1", "1 ", "1.123456", "NaN", "0x1", "١",
			"1234567890123456789", "123456789012345678.9", "12345678901234567.12", strings.Repeat("0", 19), strings.Repeat("1", 500)}},
		{amountMinorUnits, func(p *payment, s string) { p.amount = s }, []string{"1.000", "0.001", "0.00000", "123456789012345.678"}},
		{amountMinorUnits, func(p *payment, s string) { p.currency, p.amount = "JPY", s }, []string{"1.0", "0.0", "100.00"}},
		{amountMinorUnits, func(p *payment, s string) { p.currency, p.amount = "KWD", s }, []string{"1.0000", "1.00000"}},
		{amountRange, func(p *payment, s string) { p.amount = s }, []string{"0", "0.0", "0.00", "000000000000000000", "10000000000000", "10000000000000.0", "10000000000000.00", "9999999999999999.99", "999999999999999999"}},
		{amountRange, func(p *payment, s string) { p.currency, p.amount = "JPY", s }, []string{"0", "1000000000000000", "999999999999999999"}},
		{amountRange, func(p *payment, s string) { p.currency, p.amount = "CLF", s }, []string{"100000000000", "100000000000.0000", "99999999999999.9999"}},
		{endToEndIDFormat, func(p *payment, s string) { p.id = s }, []string{"", strings.Repeat("x", 36), "a_b", "a\n", "a\x00", "é", "a*b", "a#b"}},
		{0, func(p *payment, s string) { p.debtor, p.creditor = s, s }, []string{"DE89370400440532013000"}},
		{0, func(p *payment, s string) { p.bic = s }, []string{"DEUTDEFF500", "1234DE00", "DEUTDEFFXXX", "DEUTDE1AB2C"}},
		{0, func(p *payment, s string) { p.creditor, p.bic = "FR1420041010050500013M02606", s }, []string{"BNPAFRPP", "BNPAGFPP", "BNPAREPPXXX", "BNPAYTPP"}},
		{0, func(p *payment, s string) { p.creditor, p.bic = "GB29NWBK60161331926819", s }, []string{"NWBKGB2L", "NWBKJESX", "NWBKGGSX", "NWBKIMDX"}},
		{0, func(p *payment, s string) { p.amount = s }, []string{"0.01", "00.01", "1", "1.2", "9999999999999.99", "9999999999999", "000000000000000001", "0000000000000001.23"}},
		{0, func(p *payment, s string) { p.currency, p.amount = "JPY", s }, []string{"1", "999999999999999"}},
		{0, func(p *payment, s string) { p.currency, p.amount = "KWD", s }, []string{"0.001", "999999999999.999"}},
		{0, func(p *payment, s string) { p.currency, p.amount = "CLF", s }, []string{"0.0001", "99999999999.9999"}},
		{0, func(p *payment, s string) { p.id = s }, []string{"a", strings.Repeat("x", 35), "AZaz09/-?:().,'+ "}},
		// Rules that rest on another one wait for it.
		{creditorIBANCountry, func(p *payment, s string) { p.creditor, p.bic = s, "NWBKGB2L" }, []string{"ZZ89370400440532013000"}},
		{creditorIBANLength | creditorBICCountry, func(p *payment, s string) { p.creditor, p.bic = s, "NWBKGB2L" }, []string{"DE"}},
		{creditorBICStructure, func(p *payment, s string) { p.bic = s }, []string{"nwbkGB2L"}},
		{currencyUnknown, func(p *payment, s string) { p.currency, p.amount = "ZZZ", s }, []string{"0", "1.23456", "999999999999999999"}},
		{currencyUnknown | amountFormat, func(p *payment, s string) { p.currency, p.amount = "ZZZ", s }, []string{"-1"}},
		{debtorIBANChecksum | creditorIBANChecksum | creditorBICStructure | currencyUnknown | amountFormat | endToEndIDFormat,
			func(p *payment, s string) {
				*p = payment{s, "GB28NWBK60161331926819", "DE88370400440532013000", s, s, s}
			}, []string{""}},
	}
	for _, c := range cases {
		for _, text := range c.texts {
			p := valid
			c.change(&p, text)
			if got := validate(t, []payment{p}, 1)[0]; got != c.want {
				t.Errorf("%q: %016b, want %016b", p, got, c.want)
			}
		}
	}
}

func TestOnlyTheLaterOfEqualIDsAreDuplicates(t *testing.T) {
	var payments []payment
	for _, id := range []string{"a", "b", "a", "A", "", "", "a", "\xff", "\xff"} {
		p := valid
		p.id = id
		payments = append(payments, p)
	}
	const format, duplicate = endToEndIDFormat, endToEndIDDuplicate
	want := []uint32{0, 0, duplicate, 0, format, format | duplicate, duplicate, format, format | duplicate}
	if got := validate(t, payments, 1); !slices.Equal(got, want) {
		t.Errorf("%b, want %b", got, want)
	}
}

func TestDuplicatesInLargeBatches(t *testing.T) {
	items := make([]string, 30000)
	for i := range items {
		items[i] = fmt.Sprint(i * i % 20011)
	}
	seen := map[string]bool{}
	var want []int32
	for i, item := range items {
		if seen[item] {
			want = append(want, int32(i))
		}
		seen[item] = true
	}
	if got := findDuplicates(context.Background(), blobs(items)); !slices.Equal(got, want) {
		t.Errorf("%d duplicates, want %d", len(got), len(want))
	}
}

func TestRandomPaymentsEqualTheDefinition(t *testing.T) {
	payments := randomPayments(rand.New(rand.NewPCG(1, 2)), 30000)
	want := ruleDefinitionOf(t).validate(payments)
	for _, threads := range []int{1, 2, 7} {
		for i, got := range validate(t, payments, threads) {
			if got != want[i] {
				t.Fatalf("%d threads: %q: %016b, want %016b", threads, payments[i], got, want[i])
			}
		}
	}
	all := uint32(0)
	for _, violation := range want {
		all |= violation
	}
	if all != 1<<16-1 || !slices.Contains(want, 0) {
		t.Errorf("the payments break only the rules %016b", all)
	}
}

func TestNoPaymentsGiveNoViolations(t *testing.T) {
	if got := validate(t, nil, 4); len(got) != 0 {
		t.Errorf("%b", got)
	}
}

func TestValidateEndsWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	columns := columnsOf(randomPayments(rand.New(rand.NewPCG(1, 2)), 10000))
	for _, threads := range []int{1, 3} {
		if _, err := Validate(ctx, columns, loadRules(t), threads); !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
	}
}

func TestBrokenRuleTablesAreRefused(t *testing.T) {
	genuine := rulesSource
	defer func() { rulesSource = genuine }()
	for source, want := range map[string]string{
		`{`:                                  "unexpected end",
		`{"countries": {"de": "8!n"}}`:       "countries: expected two capitals",
		`{"countries": {"DE": "8n"}}`:        "countries: DE: expected parts like 4!n",
		`{"countries": {"DE": "30!n1!n"}}`:   "countries: DE: expected at most 30",
		`{"bic_territories": {"GF": "FRA"}}`: "bic_territories: expected two capitals",
		`{"currencies": {"EURO": 2}}`:        "currencies: expected three capitals",
		`{"currencies": {"EUR": 6}}`:         "currencies: expected three capitals and at most 5 decimals",
		`{"currencies": {"EUR": -1}}`:        "cannot unmarshal",
	} {
		rulesSource = []byte(source)
		if _, err := LoadRules(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", source, err, want)
		}
	}
}

func FuzzPaymentEqualsTheDefinition(f *testing.F) {
	f.Add(valid.id, valid.debtor, valid.creditor, valid.bic, valid.currency, valid.amount)
	f.Add("", "FR1420041010050500013M02606", "MT84MALT011000012345MTLCAST001S", "BNPAGFPP", "JPY", "0.5")
	f.Add("\n", "GB00", "GB", "NWBKJESXXXX", "CLF", "99999999999.9999")
	definition := ruleDefinitionOf(f)
	f.Fuzz(func(t *testing.T, id, debtor, creditor, bic, currency, amount string) {
		payments := []payment{{id, debtor, creditor, bic, currency, amount}}
		if got, want := validate(t, payments, 1)[0], definition.validate(payments)[0]; got != want {
			t.Errorf("%q: %016b, want %016b", payments[0], got, want)
		}
	})
}

func BenchmarkValidate(b *testing.B) {
	rules := loadRules(b)
	ibans := strings.Fields(registryExamples)
	for _, n := range []int{100, 10000, 100000} {
		payments := make([]payment, n)
		for i := range payments {
			payments[i] = payment{fmt.Sprintf("E2E-2026-%012d", i*7919), ibans[i%len(ibans)], valid.creditor, valid.bic, "EUR", fmt.Sprintf("%d.%02d", i%100000, i%100)}
		}
		columns := columnsOf(payments)
		for _, threads := range []int{1, 2} {
			b.Run(fmt.Sprintf("payments=%d/threads=%d", n, threads), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if _, err := Validate(context.Background(), columns, rules, threads); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/payment")
			})
		}
	}
}

var loadedOnce = sync.OnceValues(LoadRules)

func loadRules(t testing.TB) *Rules {
	t.Helper()
	rules, err := loadedOnce()
	if err != nil {
		t.Fatal(err)
	}
	return rules
}

func validate(t *testing.T, payments []payment, threads int) []uint32 {
	t.Helper()
	violations, err := Validate(context.Background(), columnsOf(payments), loadRules(t), threads)
	if err != nil {
		t.Fatal(err)
	}
	return violations
}

func columnsOf(payments []payment) *PaymentColumns {
	column := func(field func(p payment) string) packed.Blobs {
		var items []string
		for _, p := range payments {
			items = append(items, field(p))
		}
		return blobs(items)
	}
	return &PaymentColumns{
		column(func(p payment) string { return p.id }),
		column(func(p payment) string { return p.debtor }),
		column(func(p payment) string { return p.creditor }),
		column(func(p payment) string { return p.bic }),
		column(func(p payment) string { return p.currency }),
		column(func(p payment) string { return p.amount }),
	}
}

// randomPayments has fields that are right, nearly right and wrong, in all combinations.
func randomPayments(random *rand.Rand, n int) []payment {
	pick := func(texts ...string) string { return texts[random.IntN(len(texts))] }
	ibans := strings.Fields(registryExamples)
	near := func(text string) string {
		letters := []byte(text)
		if random.IntN(3) > 0 || len(letters) == 0 {
			return text
		}
		k := random.IntN(len(letters))
		switch random.IntN(4) {
		case 0:
			letters[k] = pick("0", "9", "A", "z", ".", " ", "\xff")[0]
		case 1:
			letters = slices.Delete(letters, k, k+1)
		case 2:
			letters = slices.Insert(letters, k, pick("1", "B", ".")[0])
		case 3:
			letters[k] = byte(random.Uint32())
		}
		return string(letters)
	}
	payments := make([]payment, n)
	for i := range payments {
		creditor := pick(ibans...)
		amount := fmt.Sprintf("%d", random.Uint64N(1e18)>>random.IntN(60))
		if decimals := random.IntN(6); random.IntN(2) > 0 {
			amount = fmt.Sprintf("%.*s.%.*s", 1+random.IntN(13), amount, decimals, "12345")
		}
		payments[i] = payment{
			near(fmt.Sprintf("ID %d", random.IntN(2*n))),
			near(pick(ibans...)),
			near(creditor),
			near(pick("BANK", "B4NK") + pick(creditor[:2], creditor[:2], "FR", "GF", "JE") + pick("22", "22XXX")),
			near(pick("EUR", "JPY", "KWD", "CLF", "XAU")),
			near(amount),
		}
	}
	return payments
}
