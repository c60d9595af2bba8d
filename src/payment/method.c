/*
 * method.c
 *		Payment methods: terms and cover, remembered by the backend.
 *
 * Memory: in a context of the memo (base/memo.h).  Locks: none.
 */
#include "postgres.h"

#include "payment/payment.h"

#include "base/memo.h"
#include "base/query.h"

static UsomQuery read_methods = {
	.text = "SELECT m.code, m.terms, m.cover, m.days_due, m.valid_for, m.late_capture = 'refuse' "
	"FROM usom.payment_method AS m WHERE m.org_id = $1",
	.nargs = 1,
	.argtypes = {"bigint"},
};

typedef struct Methods
{
	bool		asks_cover;
	int			count;
	UsomPaymentMethod *methods;
} Methods;

static UsomPaymentTerms
terms_of(const char *label)
{
	return strcmp(label, "cod") == 0 ? USOM_COD : strcmp(label, "on_account") == 0 ? USOM_ON_ACCOUNT : USOM_PREPAID;
}

static UsomPaymentCover
cover_of(const char *label)
{
	return strcmp(label, "release") == 0 ? USOM_COVER_RELEASE : strcmp(label, "ship") == 0 ? USOM_COVER_SHIP : USOM_COVER_NONE;
}

static const void *
read_all(int64 org_id)
{
	Methods    *all = palloc0_object(Methods);
	Datum		values[] = {Int64GetDatum(org_id)};

	all->count = (int) usom_memo_look(&read_methods, values);
	all->methods = palloc0_array(UsomPaymentMethod, Max(all->count, 1));
	for (int row = 0; row < all->count; row++)
	{
		UsomPaymentMethod *method = &all->methods[row];
		bool		isnull;
		Datum		valid_for = usom_query_get_or_null(row, 5, &isnull);

		method->code = usom_query_get_text(row, 1);
		method->terms = terms_of(usom_query_get_text(row, 2));
		method->cover = cover_of(usom_query_get_text(row, 3));
		method->days_due = DatumGetInt32(usom_query_get(row, 4));
		if (!isnull)
			method->valid_for = memcpy(palloc_object(Interval), DatumGetIntervalP(valid_for), sizeof(Interval));
		method->refuses_late = DatumGetBool(usom_query_get(row, 6));
		all->asks_cover |= method->cover != USOM_COVER_NONE;
	}
	SPI_freetuptable(SPI_tuptable);
	return all;
}

static UsomMemo memo = {
	.name = "usom payment methods",
	.tables = {"payment_method"},
	.read = read_all,
};

const UsomPaymentMethod *
usom_payment_method(int64 org_id, const char *code)
{
	static const UsomPaymentMethod plain = {.code = "", .terms = USOM_PREPAID, .cover = USOM_COVER_NONE, .days_due = 30};
	const Methods *all = usom_memo_get(&memo, org_id);

	for (int i = 0; i < all->count; i++)
		if (strcmp(all->methods[i].code, code) == 0)
			return &all->methods[i];
	return &plain;
}

bool
usom_payment_cover_is_asked(int64 org_id)
{
	return ((const Methods *) usom_memo_get(&memo, org_id))->asks_cover;
}

void
usom_payment_method_init(void)
{
	usom_memo_register(&memo);
}
