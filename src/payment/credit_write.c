/*
 * credit_write.c
 *		Uses, exposures and holds of type credit, written.
 *
 * Locks: the orders and the accounts are locked by the caller.
 *
 * Invariant: the exposure of an account is written only together with the uses
 * that it sums up; beyond the limit only where the call may.
 *
 * Memory: CurrentMemoryContext.
 */
#include "postgres.h"

#include "payment/credit.h"

#include "base/call.h"
#include "base/errors.h"
#include "base/query.h"
#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

/* The guard: what is decided under the lock of the account cannot fail it. */
static UsomQuery write_uses = {
	.text = "WITH written AS (INSERT INTO usom.credit_use (org_id, sales_order_id, credit_account_id, amount, wanted, held_at, beyond) "
	"SELECT $1, r.* FROM unnest($2) AS r ON CONFLICT (org_id, sales_order_id) DO UPDATE "
	"SET amount = EXCLUDED.amount, wanted = EXCLUDED.wanted, held_at = EXCLUDED.held_at, beyond = EXCLUDED.beyond) "
	"UPDATE usom.credit_account AS a SET exposure = a.exposure + m.more FROM unnest($3) AS m "
	"WHERE a.org_id = $1 AND a.credit_account_id = m.credit_account_id "
	"AND (m.forced OR m.more <= 0 OR a.exposure + m.more <= a.limit_amount)",
	.nargs = 3,
	.argtypes = {"bigint", "usom._credit_use_row[]", "usom._credit_row[]"},
};

static UsomQuery place_holds = {
	.text = "WITH renewed AS (UPDATE usom.hold AS h SET reason = r.reason FROM unnest($2, $3) AS r (sales_order_id, reason) "
	"WHERE h.org_id = $1 AND h.sales_order_id = r.sales_order_id AND h.check_code = 'credit' "
	"AND h.released_at IS NULL AND (h.expires_at IS NULL OR h.expires_at > $4) RETURNING h.sales_order_id) "
	"INSERT INTO usom.hold (org_id, sales_order_id, placed_at, hold_type, check_code, reason, blocks) "
	"SELECT $1, r.sales_order_id, $4, 'credit', 'credit', r.reason, "
	"coalesce((SELECT t.blocks FROM usom.hold_type AS t WHERE t.org_id = $1 AND t.code = 'credit'), ARRAY['confirm', 'release', 'ship']) "
	"FROM unnest($2, $3) AS r (sales_order_id, reason) "
	"WHERE NOT EXISTS (SELECT 1 FROM renewed AS n WHERE n.sales_order_id = r.sales_order_id)",
	.nargs = 4,
	.argtypes = {"bigint", "bigint[]", "text[]", "timestamptz"},
};

static UsomQuery end_holds = {
	.text = "UPDATE usom.hold AS h SET released_at = $3, released_by = session_user, release_reason = $4 "
	"WHERE h.org_id = $1 AND h.sales_order_id = ANY ($2) AND h.hold_type = 'credit' AND h.released_at IS NULL "
	"AND (h.expires_at IS NULL OR h.expires_at > $3) AND ($5 OR h.check_code = 'credit')",
	.nargs = 5,
	.argtypes = {"bigint", "bigint[]", "timestamptz", "text", "boolean"},
};

static UsomRows *
use_rows(const UsomCreditAccount *accounts, UsomCreditDemand *const *demands, int ndemands)
{
	UsomRows   *rows = usom_rows_make("_credit_use_row", ndemands + 1);

	for (int i = 0; i < ndemands; i++)
	{
		const UsomCreditDemand *demand = demands[i];
		Datum		values[6] = {
			Int64GetDatum(demand->sales_order_id), Int64GetDatum(accounts[demand->account].credit_account_id),
			NumericGetDatum(demand->amount), NumericGetDatum(demand->wanted),
			TimestampTzGetDatum(demand->held_at), NumericGetDatum(demand->beyond)
		};
		bool		nulls[6] = {false};

		nulls[4] = demand->held_at == USOM_NO_TIME;
		if (demand->changed)
			usom_rows_add(rows, values, nulls);
	}
	return rows;
}

/* Accounts whose exposure moved. */
static UsomRows *
account_rows(const UsomCreditAccount *accounts, int naccounts)
{
	UsomRows   *rows = usom_rows_make("_credit_row", naccounts + 1);

	for (int i = 0; i < naccounts; i++)
	{
		const UsomCreditAccount *account = &accounts[i];
		Datum		more = DirectFunctionCall2(numeric_sub, NumericGetDatum(account->exposure), NumericGetDatum(account->exposure_before));
		Datum		values[3] = {
			Int64GetDatum(account->credit_account_id), more,
			BoolGetDatum(account->is_forced || account->checked_at == USOM_CREDIT_NOWHERE)
		};
		bool		nulls[3] = {false};

		if (DatumGetInt32(DirectFunctionCall2(numeric_cmp, more, NumericGetDatum(usom_order_no_price()))) != 0)
			usom_rows_add(rows, values, nulls);
	}
	return rows;
}

void
usom_credit_write(int64 org_id, const UsomCreditAccount *accounts, int naccounts, UsomCreditDemand *const *demands, int ndemands)
{
	UsomRows   *uses = use_rows(accounts, demands, ndemands);
	UsomRows   *moved = account_rows(accounts, naccounts);
	Datum		values[3] = {Int64GetDatum(org_id), usom_rows_datum(uses), usom_rows_datum(moved)};
	uint64		written;

	if (usom_rows_count(uses) == 0)
	{
		Ensure(usom_rows_count(moved) == 0, "an exposure moved without a use");
		return;
	}
	written = usom_query_write(&write_uses, values, NULL);
	Ensure(written == (uint64) usom_rows_count(moved), "usom wrote " UINT64_FORMAT " of %d exposures", written, usom_rows_count(moved));
}

void
usom_credit_hold(int64 org_id, const int64 *sales_order_ids, const char *const *reasons, int count)
{
	Datum	   *texts = palloc_array(Datum, count + 1);
	Datum		values[4] = {Int64GetDatum(org_id), usom_query_keys(sales_order_ids, count)};

	if (count == 0)
		return;
	for (int i = 0; i < count; i++)
		texts[i] = CStringGetTextDatum(reasons[i]);
	values[2] = PointerGetDatum(construct_array_builtin(texts, count, TEXTOID));
	values[3] = TimestampTzGetDatum(usom_call_time());
	usom_query_write(&place_holds, values, NULL);
}

int
usom_credit_end_holds(int64 org_id, const int64 *sales_order_ids, int count, const char *reason, bool by_hand)
{
	bool		nulls[5] = {false, false, false, reason == NULL, false};
	Datum		values[5] = {
		Int64GetDatum(org_id), usom_query_keys(sales_order_ids, count), TimestampTzGetDatum(usom_call_time()),
		reason ? CStringGetTextDatum(reason) : (Datum) 0, BoolGetDatum(by_hand)
	};

	return count == 0 ? 0 : (int) usom_query_write(&end_holds, values, nulls);
}
