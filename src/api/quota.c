/*
 * quota.c
 *		Allocation under quotas.
 *
 * Locks: the orders and the stock are locked; quotas by key.
 *
 * Memory: CurrentMemoryContext.
 *
 * Invariant: what is charged to a line is what it has got since quotas were
 * told last.
 */
#include "postgres.h"

#include "api/quota.h"

#include "base/call.h"
#include "base/errors.h"
#include "base/query.h"
#include "utils/timestamp.h"

UsomCapping *
usom_api_capping_make(const UsomOrderSet *set, int capacity)
{
	UsomCapping *capping = palloc0_object(UsomCapping);

	capping->demands = palloc0_array(UsomQuotaDemand, capacity + 1);
	capping->lines = palloc_array(int, capacity + 1);
	return capping;
}

void
usom_api_capping_add(UsomCapping *capping, const UsomOrderSet *set, int line, bool is_new,
					 const UsomDemand *demand)
{
	capping->demands[capping->count] = (UsomQuotaDemand) {
		.sales_order_id = set->orders[set->lines[line].order].sales_order_id,
		.line_no = set->lines[line].line_no,
		.product_id = demand->product_id,
		.quantity = demand->quantity,
		.partial = demand->partial,
		.is_new = is_new,
		.is_free = usom_order_type_is_firm(set->orders[set->lines[line].order].order_type),
		.cap = demand->quantity,
		.capped_by = -1,
	};
	capping->lines[capping->count++] = line;
}

/* Offers keep units from nobody: they wait for the release, or let their lines go first. */
static void
note_release(const UsomCapping *capping, UsomOrderSet *set, int demand)
{
	const UsomQuota *offer = usom_quota_unreleased(capping->quotas, demand);

	if (capping->demands[demand].is_pre_order)
		set->lines[capping->lines[demand]].release_at = offer->release_at;
}

static void
refuse_pre_order(const UsomCapping *capping, const UsomOrderSet *set, int demand)
{
	const UsomQuota *offer = usom_quota_unreleased(capping->quotas, demand);

	ereport(ERROR, errcode(USOM_ERR(PRE_ORDER_FULL)),
			errmsg("line %d of order \"%s\" asks for more of \"%s\" than is sold before its release",
				   capping->demands[demand].line_no, set->orders[set->lines[capping->lines[demand]].order].order_no, offer->code),
			errdetail("%s units are asked for, %s are left.", usom_quantity_text(capping->demands[demand].quantity),
					  usom_quantity_text(Max(offer->offered, 0))),
			errhint("Look at usom.pre_orders; the release is on %s.", timestamptz_to_str(offer->release_at)));
}

static void
note_capped(const UsomCapping *capping, UsomOrderSet *set, int demand)
{
	const UsomQuotaDemand *of = &capping->demands[demand];
	UsomLine   *line = &set->lines[capping->lines[demand]];

	note_release(capping, set, demand);
	if (of->capped_by < 0 || capping->quotas->quotas[of->capped_by].release_at != 0)
		return;
	line->capped = usom_quantity_add(line->capped, of->quantity - of->cap);
	line->capped_by = capping->quotas->quotas[of->capped_by].code;
}

void
usom_api_cap(UsomCapping *capping, UsomOrderSet *set, const UsomStockRow *rows, int nrows)
{
	int			nlosses;
	int			refused;
	UsomQuotaLoss *losses = usom_order_losses(set, &nlosses);

	capping->quotas = usom_quota_lock(set->org_id, usom_call_time(), capping->demands, capping->count,
									  losses, nlosses, rows, nrows);
	usom_order_mark_counted(set);
	if (capping->quotas == NULL)
		return;
	refused = usom_quota_count_pre_orders(capping->quotas, capping->demands, capping->count);
	if (refused >= 0)
		refuse_pre_order(capping, set, refused);
	usom_quota_cap(capping->quotas, capping->demands, capping->count);
	for (int i = 0; i < capping->count; i++)
		note_capped(capping, set, i);
}

void
usom_api_promise_release(UsomOrderSet *set)
{
	for (int i = 0; i < set->npieces; i++)
	{
		UsomPiece  *piece = &set->pieces[i];
		TimestampTz release_at = set->lines[piece->line].release_at;

		if (release_at != 0 && piece->is_new && piece->status == USOM_PIECE_BACKORDERED)
			piece->promised_at = Max(release_at, set->lines[piece->line].requested_at);
	}
}

void
usom_api_charge(UsomCapping *capping, UsomOrderSet *set)
{
	if (capping == NULL)
		return;
	for (int i = 0; i < capping->count && capping->quotas != NULL; i++)
	{
		UsomLine   *line = &set->lines[capping->lines[i]];
		UsomQuantity got = usom_order_countable(line) - line->counted;

		if (got <= 0)
			continue;
		usom_quota_charge(capping->quotas, capping->demands, i, got);
		line->counted += got;
	}
	usom_quota_write(capping->quotas);
	usom_order_mark_counted(set);
}

static UsomQuery read_waiting = {
	.text = "SELECT l.product_id, (l.quantity_open + l.quantity_backordered)::pg_catalog.numeric, l.partial "
	"FROM usom.order_line AS l WHERE l.org_id = $1 AND l.sales_order_id = $2 AND l.line_no = $3",
	.nargs = 3,
	.argtypes = {"bigint", "bigint", "integer"},
};

UsomQuotaObstacle *
usom_api_quota_obstacle(int64 org_id, int64 sales_order_id, int32 line_no)
{
	Datum		values[] = {Int64GetDatum(org_id), Int64GetDatum(sales_order_id), Int32GetDatum(line_no)};
	UsomQuotaDemand demand = {.sales_order_id = sales_order_id, .line_no = line_no};
	UsomQuotaObstacle *obstacle;
	UsomQuotas *quotas;
	UsomStockRow *rows;
	int			nrows;

	if (!usom_quota_is_any(org_id) || usom_query_look(&read_waiting, values, NULL) == 0)
		return NULL;
	demand.product_id = DatumGetInt64(usom_query_get(0, 1));
	demand.quantity = usom_quantity_of(DatumGetNumeric(usom_query_get(0, 2)));
	demand.partial = DatumGetBool(usom_query_get(0, 3));
	rows = usom_stock_look_at_products(org_id, &demand.product_id, 1, usom_call_time(), &nrows);
	quotas = usom_quota_look(org_id, usom_call_time(), &demand, 1, rows, nrows);
	usom_quota_cap(quotas, &demand, 1);
	if (demand.capped_by < 0)
		return NULL;
	obstacle = palloc_object(UsomQuotaObstacle);
	*obstacle = (UsomQuotaObstacle) {
		quotas->quotas[demand.capped_by].code, quotas->quotas[demand.capped_by].is_offer, demand.cap
	};
	return obstacle;
}
