/*
 * address_verdict.c
 *		usom.set_address_verdict(): what the verification of an address said.
 *
 * Addresses are snapshots that do not change: the order gets another one that
 * says so.  What is sealed in it stays as it is, under the same person's key.
 *
 * Locks: the order.  Memory: CurrentMemoryContext.
 */
#include "postgres.h"

#include "api/api.h"
#include "api/finding.h"

#include "base/call.h"
#include "base/errors.h"
#include "base/ident.h"
#include "base/query.h"
#include "order/answer.h"
#include "party/party.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(usom_set_address_verdict);

static UsomQuery copy_address = {
	.text = "WITH copied AS (INSERT INTO usom.address (org_id, address_id, person_id, name, line1, line2, postcode, city, region, "
	"country, latitude, longitude, verdict) "
	"SELECT a.org_id, $3, a.person_id, a.name, a.line1, a.line2, a.postcode, a.city, a.region, a.country, a.latitude, a.longitude, $4 "
	"FROM usom.sales_order AS o JOIN usom.address AS a ON a.org_id = $1 AND a.address_id = o.address_id "
	"WHERE o.org_id = $1 AND o.sales_order_id = $2 RETURNING address_id) "
	"UPDATE usom.sales_order AS o SET address_id = c.address_id FROM copied AS c WHERE o.org_id = $1 AND o.sales_order_id = $2",
	.nargs = 4,
	.argtypes = {"bigint", "bigint", "bigint", "text"},
};

static void
check_verdict(const char *verdict)
{
	static const char *const verdicts[] = {"deliverable", "corrected", "undeliverable", "unknown"};

	for (int i = 0; i < (int) lengthof(verdicts); i++)
		if (strcmp(verdict, verdicts[i]) == 0)
			return;
	ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			errmsg("verdict of an address is not known"),
			errhint("Known verdicts: deliverable, corrected, undeliverable, unknown."));
}

static void
write_verdict(const UsomOrderSet *set, const char *verdict)
{
	Datum		values[4] = {
		Int64GetDatum(set->org_id), Int64GetDatum(set->orders[0].sales_order_id),
		Int64GetDatum(usom_ident_next()), CStringGetTextDatum(verdict)
	};

	if (usom_query_write(&copy_address, values, NULL) == 0)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("order \"%s\" has no address", set->orders[0].order_no),
				errhint("Give it one by usom.change_order('%s', '{\"ship_to\": {}}').", set->orders[0].order_no));
}

/* usom.set_address_verdict(order_no text, verdict text, reason text) */
Datum
usom_set_address_verdict(PG_FUNCTION_ARGS)
{
	UsomAnswer *answer = usom_order_answer_begin(fcinfo, "set_address_verdict", 2);
	const char *verdict = usom_order_arg_text(fcinfo, 1, "verdict");
	UsomOrderSet *set = usom_order_load(usom_party_org(), usom_order_arg_text(fcinfo, 0, "order_no"));
	UsomOrder  *order = &set->orders[0];
	UsomChecking **checkings = NULL;

	check_verdict(verdict);
	if (order->status >= USOM_ORDER_CLOSED)
		usom_order_refuse(order->order_no, "change", order->status);
	write_verdict(set, verdict);
	order->event = "change";
	order->event_reference = verdict;
	order->changed = true;
	if (order->status != USOM_ORDER_DRAFT)
		checkings = usom_api_check_orders(set, USOM_AT_CHANGE, NULL);
	usom_order_save(set);
	if (checkings != NULL)
		usom_api_go_on(set, checkings[0]);
	return usom_order_answer_status(answer, set);
}
