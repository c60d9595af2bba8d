/*
 * allocate_ruled.c
 *		Stock by rules, costs and capacities.
 *
 *		Stock is locked before it is planned, so nobody takes it meanwhile; the
 *		capacity of days is not.  So all that the plan takes of days, and what
 *		the set gives back, is changed by one guarded statement.  If a day has
 *		too little left, the statement is undone, the orders that counted on
 *		the day are planned again with what is left, and it is tried again for
 *		all of them.  Orders lose as a whole: their lines share shipments and
 *		limits.  After some attempts the days are locked before the plan, which
 *		cannot lose then, unless a limit is lowered: what is refused waits.
 *
 * Locks: supply of the products, by key, then rows of location_load in their
 * order, by one statement that is tried in a subtransaction: undone with it,
 * it holds no lock, so no attempt waits out of order.  The last attempt locks
 * in one statement all that it may touch.
 *
 * Memory: CurrentMemoryContext.
 *
 * Invariant: a piece has a day if and only if the day has counted its units.
 */
#include "postgres.h"

#include "api/allocate.h"
#include "api/peg.h"

#include "access/xact.h"
#include "base/call.h"
#include "base/errors.h"
#include "order/news.h"
#include "utils/resowner.h"

#define MOST_ATTEMPTS 4			/* the last with the days locked first */

/* A call's demands between plan and set. */
typedef struct Serving
{
	UsomOrderSet *set;
	const Gathered *gathered;
	UsomStockRow *rows;
	int			nrows;
	bool	   *open;			/* by demand: is to be planned */
	bool	   *exception;		/* by demand: its rule asks for an exception if it is short */
	int			nparts;
	int			parts_capacity;
	UsomRuledPart *parts;		/* of demands that are not open */
	int			nsupplies;
	UsomSupply *supplies;		/* that open units may count on */
	int			nuses;
	int			uses_capacity;
	UsomDayUse *uses;			/* what orders of the set take of days */
} Serving;

static int64
order_of(const Serving *serving, int demand)
{
	return serving->set->orders[serving->set->lines[serving->gathered->wanted[demand].line].order].sales_order_id;
}

/* ---- days ---- */

static void
add_use(Serving *serving, int64 order, UsomLocationDay at, UsomQuantity counted, UsomQuantity units)
{
	if (serving->nuses == serving->uses_capacity)
	{
		serving->uses_capacity *= 2;
		serving->uses = repalloc_array(serving->uses, UsomDayUse, serving->uses_capacity);
	}
	serving->uses[serving->nuses++] = (UsomDayUse) {order, at, counted, units};
}

/* What is written, what of it the set has given up, and what has been planned. */
static void
list_uses(Serving *serving)
{
	const UsomOrderSet *set = serving->set;

	serving->nuses = 0;
	for (int i = 0; i < set->npieces; i++)
	{
		const UsomPiece *piece = &set->pieces[i];

		if (piece->ships_on != USOM_NO_DAY && piece->quantity > 0)
			add_use(serving, set->orders[set->lines[piece->line].order].sales_order_id,
					(UsomLocationDay) {piece->location_id, piece->ships_on}, piece->quantity, piece->quantity);
	}
	for (int i = 0; i < set->nloads; i++)
		add_use(serving, set->loads[i].sales_order_id, set->loads[i].at, -set->loads[i].units, 0);
	for (int i = 0; i < serving->nparts; i++)
	{
		const UsomRuledPart *part = &serving->parts[i];

		if (part->ships_on != USOM_NO_DAY)
			add_use(serving, order_of(serving, part->want),
					(UsomLocationDay) {serving->rows[part->row].key.location_id, part->ships_on}, 0, part->quantity);
	}
	serving->nuses = usom_sourcing_merge_uses(serving->uses, serving->nuses);
}

/* From what is counted to what the orders take. */
static UsomCapacityChange *
changes_of(const Serving *serving, int *nchanges)
{
	UsomCapacityChange *changes = palloc_array(UsomCapacityChange, serving->nuses + 1);

	*nchanges = 0;
	for (int i = 0; i < serving->nuses; i++)
	{
		const UsomDayUse *use = &serving->uses[i];

		if (use->units != use->counted)
			changes[(*nchanges)++] = (UsomCapacityChange) {use->at, use->sales_order_id, use->units - use->counted};
	}
	return changes;
}

/* All or nothing: if a day refuses, no day has changed and none is locked. */
static UsomLocationDay *
try_changes(const UsomOrderSet *set, const UsomCapacityChange *changes, int nchanges, int *nrefused)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	UsomLocationDay *volatile refused = NULL;
	ErrorData  *volatile error = NULL;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		refused = usom_capacity_change(set->org_id, changes, nchanges, nrefused);
		if (*nrefused == 0)
			ReleaseCurrentSubTransaction();
		else
			RollbackAndReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	if (error != NULL)
		ReThrowError(error);
	return refused;
}

/* ---- plans ---- */

static TimestampTz
requested_at(const UsomOrderSet *set, const UsomLine *line)
{
	return line->requested_at != USOM_NO_TIME ? line->requested_at : set->orders[line->order].requested_at;
}

/* Open units may, and who waits for a supply may go on; parts of whole kits may not. */
static bool
may_wait(const UsomOrderSet *set, const Wanted *wanted)
{
	return (wanted->piece < 0 || set->pieces[wanted->piece].supply_id != 0) &&
		!usom_line_is_component(&set->lines[wanted->line]);
}

/* What is open is wanted; demands: where it stands among the gathered. */
static UsomWant *
wants_of(const Serving *serving, int *demands, int *nwants)
{
	const UsomOrderSet *set = serving->set;
	UsomWant   *wants = palloc_array(UsomWant, serving->gathered->count + 1);

	*nwants = 0;
	for (int i = 0; i < serving->gathered->count; i++)
	{
		const UsomLine *line = &set->lines[serving->gathered->wanted[i].line];

		if (!serving->open[i])
			continue;
		demands[*nwants] = i;
		wants[(*nwants)++] = (UsomWant) {
			.sales_order_id = set->orders[line->order].sales_order_id,
			.product_id = line->product_id,
			.location_id = serving->gathered->demands[i].location_id,
			.quantity = serving->gathered->demands[i].quantity,
			.partial = line->partial,
			.requested_at = requested_at(set, line),
			.may_wait = may_wait(set, &serving->gathered->wanted[i]),
			.fetched = set->orders[line->order].order_type == USOM_TYPE_PICK_UP,
		};
	}
	return wants;
}

static void
add_location(int64 *locations, int *nlocations, int64 location_id)
{
	int			i = 0;

	while (i < *nlocations && locations[i] != location_id)
		i++;
	if (i == *nlocations)
		locations[(*nlocations)++] = location_id;
}

/* Where something is available, or will be, in no order. */
static int64 *
locations_of(const Serving *serving, int *nlocations)
{
	int64	   *locations = palloc_array(int64, serving->nrows + serving->nsupplies + 1);

	*nlocations = 0;
	for (int i = 0; i < serving->nrows; i++)
		if (serving->rows[i].available > 0)
			add_location(locations, nlocations, serving->rows[i].key.location_id);
	for (int i = 0; i < serving->nsupplies; i++)
		if (serving->supplies[i].free > 0)
			add_location(locations, nlocations, serving->supplies[i].location_id);
	return locations;
}

static UsomRuledPlan *
plan(Serving *serving, int *demands, bool lock)
{
	int			nlocations;
	int64	   *locations = locations_of(serving, &nlocations);
	int			nwants;
	UsomWant   *wants = wants_of(serving, demands, &nwants);

	if (usom_sourcing_has_limits(serving->set->org_id))
		list_uses(serving);
	return usom_sourcing_plan_by_rules(serving->set->org_id, usom_call_time(), wants, nwants,
									   &(UsomOutlook) {serving->uses, serving->nuses, lock, serving->supplies, serving->nsupplies},
									   serving->rows, serving->nrows, locations, nlocations, false);
}

/* Parts of a demand beyond what it may get; the rest waits. */
static void
cut_parts(Serving *serving, UsomQuantity *left)
{
	int			kept = 0;

	for (int i = 0; i < serving->nparts; i++)
	{
		UsomRuledPart part = serving->parts[i];
		UsomQuantity quantity = Min(part.quantity, left[part.want]);

		left[part.want] -= quantity;
		if (part.row >= 0)
			serving->rows[part.row].available += part.quantity - quantity;
		part.quantity = quantity;
		if (quantity > 0)
			serving->parts[kept++] = part;
	}
	serving->nparts = kept;
}

/* Orders that lost a day were planned anew: of their kits, too, only whole ones are served. */
static void
cut_to_whole_kits(Serving *serving)
{
	int			count = serving->gathered->count;
	UsomQuantity *wanted = palloc_array(UsomQuantity, count + 1);
	UsomQuantity *served = palloc0_array(UsomQuantity, count + 1);

	for (int i = 0; i < count; i++)
		wanted[i] = serving->gathered->demands[i].quantity;
	for (int i = 0; i < serving->nparts; i++)
		served[serving->parts[i].want] += serving->parts[i].quantity;
	if (usom_api_lower_to_whole_kits(serving->set, serving->gathered, wanted, served, false))
		cut_parts(serving, wanted);
}

/* Add the plan of what is open to the parts. */
static void
plan_open(Serving *serving, bool lock)
{
	int		   *demands = palloc_array(int, serving->gathered->count + 1);
	UsomRuledPlan *planned = plan(serving, demands, lock);

	if (serving->nparts + planned->nparts > serving->parts_capacity)
	{
		serving->parts_capacity = serving->nparts + planned->nparts;
		serving->parts = repalloc_array(serving->parts, UsomRuledPart, serving->parts_capacity);
	}
	for (int i = 0; i < planned->nparts; i++)
	{
		serving->parts[serving->nparts] = planned->parts[i];
		serving->parts[serving->nparts++].want = demands[planned->parts[i].want];
	}
	for (int i = 0, want = 0; i < serving->gathered->count; i++)
		if (serving->open[i])
		{
			serving->exception[i] = planned->exceptions[want++];
			serving->open[i] = false;
		}
	if (unlikely(serving->gathered->whole_kits))
		cut_to_whole_kits(serving);
}

/* ---- losing a day ---- */

static bool
is_refused(const Serving *serving, const UsomRuledPart *part, const UsomLocationDay *refused, int nrefused)
{
	for (int i = 0; i < nrefused && part->row >= 0; i++)
		if (refused[i].day == part->ships_on && refused[i].location_id == serving->rows[part->row].key.location_id)
			return true;
	return false;
}

/* All demands of orders that counted on the days are open again, and their parts free. */
static void
reopen(Serving *serving, const UsomLocationDay *refused, int nrefused)
{
	int			kept = 0;

	for (int i = 0; i < serving->nparts; i++)
		if (is_refused(serving, &serving->parts[i], refused, nrefused))
			for (int k = 0; k < serving->gathered->count; k++)
				serving->open[k] |= order_of(serving, k) == order_of(serving, serving->parts[i].want);
	for (int i = 0; i < serving->nparts; i++)
	{
		const UsomRuledPart *part = &serving->parts[i];

		if (!serving->open[part->want])
			serving->parts[kept++] = *part;
		else if (part->supply >= 0)
			serving->supplies[part->supply].free += part->quantity;
		else
			serving->rows[part->row].available += part->quantity;
	}
	serving->nparts = kept;
}

/* The last attempt: what days refuse is not served.  Then the days are as the rest of the plan wants them. */
static void
take_what_is_left(Serving *serving, const UsomCapacityChange *changes, int nchanges)
{
	UsomOrderSet *set = serving->set;
	int			nrefused;
	UsomLocationDay *refused = usom_capacity_change(set->org_id, changes, nchanges, &nrefused);

	if (nrefused == 0)
		return;
	reopen(serving, refused, nrefused);
	list_uses(serving);
	for (int i = 0; i < nchanges; i++)
	{
		bool		done = true;

		for (int k = 0; k < nrefused && done; k++)
			done = refused[k].location_id != changes[i].at.location_id || refused[k].day != changes[i].at.day;
		if (done)
			add_use(serving, changes[i].sales_order_id, changes[i].at, changes[i].units, 0);
	}
	serving->nuses = usom_sourcing_merge_uses(serving->uses, serving->nuses);
	changes = changes_of(serving, &nchanges);
	usom_capacity_change(set->org_id, changes, nchanges, &nrefused);
	Ensure(nrefused == 0, "a day refuses what is given back");
}

/* False: orders have lost a day, and are open again. */
static bool
take_days(Serving *serving, bool last)
{
	UsomCapacityChange *changes;
	UsomLocationDay *refused;
	int			nchanges;
	int			nrefused;

	list_uses(serving);
	changes = changes_of(serving, &nchanges);
	if (nchanges == 0)
		return true;
	if (last)
	{
		take_what_is_left(serving, changes, nchanges);
		return true;
	}
	refused = try_changes(serving->set, changes, nchanges, &nrefused);
	reopen(serving, refused, nrefused);
	return nrefused == 0;
}

/* ---- into the set ---- */

/* A line that its rule could not place is a case for people, until it waits no more. */
static void
make_known(Serving *serving, int demand)
{
	UsomOrderSet *set = serving->set;
	const Wanted *wanted = &serving->gathered->wanted[demand];
	const UsomLine *line = &set->lines[wanted->line];
	UsomQuantity waiting = line->counters.by_state[USOM_PIECE_BACKORDERED];

	if (!serving->exception[demand])
		return;
	if (waiting > 0)
		usom_order_raise(set, line->order, line->line_no, "unsourced", NULL,
						 psprintf("no location can serve %s units of line %d", usom_quantity_text(waiting), line->line_no),
						 NULL, requested_at(set, line));
	else if (wanted->piece >= 0)
		usom_order_settle_case(set, line->order, line->line_no, "unsourced");
}

static int
compare_parts(const void *a, const void *b)
{
	const UsomRuledPart *left = a;
	const UsomRuledPart *right = b;

	if (left->want != right->want)
		return left->want < right->want ? -1 : 1;
	if (left->row != right->row)
		return left->row < right->row ? -1 : 1;
	if (left->supply != right->supply)
		return left->supply < right->supply ? -1 : 1;
	return (left->ships_on > right->ships_on) - (left->ships_on < right->ships_on);
}

/* Open units wait for a supply.  Pieces that do already stay as they are. */
static void
count_on(UsomOrderSet *set, const Wanted *wanted, const UsomRuledPart *part, const UsomSupply *supply)
{
	TimestampTz promised_at = Max(Max(supply->expected_at, usom_call_time()), requested_at(set, &set->lines[wanted->line]));
	int			piece = usom_order_add_piece(set, wanted->line, USOM_PIECE_BACKORDERED, part->quantity, NULL);

	usom_order_peg_piece(set, piece, part->quantity, supply->supply_id, promised_at);
}

/* What a demand does not get stays backordered. */
static void
carry_out(Serving *serving)
{
	int			next = 0;

	qsort(serving->parts, serving->nparts, sizeof(UsomRuledPart), compare_parts);
	for (int i = 0; i < serving->gathered->count; i++)
	{
		const Wanted *wanted = &serving->gathered->wanted[i];
		UsomQuantity left = serving->gathered->demands[i].quantity;

		for (; next < serving->nparts && serving->parts[next].want == i; next++)
		{
			const UsomRuledPart *part = &serving->parts[next];

			if (part->supply >= 0 && wanted->piece < 0)
				count_on(serving->set, wanted, part, &serving->supplies[part->supply]);
			else if (part->supply < 0)
				usom_api_carry_out(serving->set, wanted, (Served) {&serving->rows[part->row].key, part->quantity,
								   part->arrives_at, part->ships_on});
			left -= part->quantity;
		}
		if (left > 0)
			usom_api_carry_out(serving->set, wanted, (Served) {NULL, left, 0, USOM_NO_DAY});
	}
	for (int i = 0; i < serving->gathered->count; i++)
		make_known(serving, i);
}

/* What waiting pieces count on is free for them. */
static void
add_own_pegs(Serving *serving)
{
	for (int i = 0; i < serving->gathered->count && serving->nsupplies > 0; i++)
	{
		int			piece = serving->gathered->wanted[i].piece;
		int64		supply_id = piece >= 0 ? serving->set->pieces[piece].supply_id : 0;

		for (int k = 0; k < serving->nsupplies && supply_id != 0; k++)
			if (serving->supplies[k].supply_id == supply_id)
				serving->supplies[k].free += serving->gathered->demands[i].quantity;
	}
}

/* Supply is locked before capacity: what the set lets go of, and what it may come to count on. */
static Serving
begin(const UsomOrderSet *set, const Gathered *gathered, UsomStockRow *rows, int nrows)
{
	Serving		serving = {
		.set = unconstify(UsomOrderSet *, set), .gathered = gathered, .rows = rows, .nrows = nrows,
		.open = palloc_array(bool, gathered->count + 1),
		.exception = palloc0_array(bool, gathered->count + 1),
		.parts = palloc_array(UsomRuledPart, gathered->count + 1),
		.parts_capacity = gathered->count + 1,
		.uses = palloc_array(UsomDayUse, 8),
		.uses_capacity = 8,
	};

	memset(serving.open, true, gathered->count);
	serving.supplies = usom_api_lock_supply(set, &serving.nsupplies);
	add_own_pegs(&serving);
	return serving;
}

UsomRuledPlan *
usom_api_plan_by_rules(const UsomOrderSet *set, const Gathered *gathered, UsomStockRow *rows, int nrows)
{
	Serving		serving = begin(set, gathered, rows, nrows);

	return plan(&serving, palloc_array(int, gathered->count + 1), false);
}

static int
count_served(const Serving *serving)
{
	int			count = 0;

	for (int i = 0; i < serving->nparts; i++)
		count += serving->parts[i].row >= 0;
	return count;
}

int
usom_api_serve_by_rules(UsomOrderSet *set, const Gathered *gathered, UsomStockRow *rows, int nrows)
{
	Serving		serving = begin(set, gathered, rows, nrows);
	bool		limits = usom_sourcing_has_limits(set->org_id);
	int			attempt = 1;

	do
		plan_open(&serving, attempt == MOST_ATTEMPTS);
	while (limits && !take_days(&serving, attempt++ == MOST_ATTEMPTS));
	if (limits)
		set->nloads = 0;
	carry_out(&serving);
	return count_served(&serving);
}
