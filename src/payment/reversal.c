/*
 * reversal.c
 *		A bank gives back what it has charged back: whose money it was.
 *
 * Reads the ledger; no locks: the order is locked.  Memory:
 * CurrentMemoryContext.
 */
#include "postgres.h"

#include "payment/payment.h"

#include "base/query.h"

static UsomQuery read_charged_back = {
	.text = "SELECT x.line_no, sum(x.sign * x.amount), sum(x.sign * x.tax), sum(x.sign * x.units), sum(x.sign * x.freight) FROM ("
	"SELECT CASE t.kind WHEN 'chargeback' THEN 1 ELSE -1 END AS sign, s.line_no, s.amount, coalesce(s.tax, 0) AS tax, "
	"coalesce(s.units, 0) AS units, coalesce(s.freight, 0) AS freight "
	"FROM usom.payment_transaction AS t CROSS JOIN LATERAL jsonb_to_recordset(t.lines) "
	"AS s (line_no integer, amount numeric, tax numeric, units numeric, freight numeric) "
	"WHERE t.org_id = $1 AND t.sales_order_id = $2 AND t.payment_id = $3 AND t.kind IN ('chargeback', 'reversal') AND t.outcome = 'ok') AS x "
	"GROUP BY x.line_no ORDER BY x.line_no",
	.nargs = 3,
	.argtypes = {"bigint", "bigint", "bigint"},
};

static UsomMoney
get_money(uint64 row, int column)
{
	return usom_money_of(DatumGetNumeric(usom_query_get(row, column)), USOM_AMOUNT_DECIMALS);
}

UsomShare *
usom_payment_cut_reversal(UsomPayments *payments, int payment, UsomMoney amount, int *nshares)
{
	Datum		values[] = {
		Int64GetDatum(payments->set->org_id), Int64GetDatum(payments->set->orders[payments->order].sales_order_id),
		Int64GetDatum(payments->payments[payment].payment_id)
	};
	int			n = (int) usom_query_run(&read_charged_back, values, NULL);
	UsomShare  *shares = palloc0_array(UsomShare, n + 1);

	*nshares = 0;
	for (int row = 0; row < n && amount > 0; row++)
	{
		UsomShare	taken = {
			.line_no = DatumGetInt32(usom_query_get(row, 1)), .amount = get_money(row, 2), .tax = get_money(row, 3),
			.units = get_money(row, 4), .freight = get_money(row, 5)
		};

		taken = usom_payment_take(payments, &taken, Min(taken.amount, amount));
		amount -= taken.amount;
		if (taken.amount > 0)
			shares[(*nshares)++] = taken;
	}
	return shares;
}
