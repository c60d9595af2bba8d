/*
 * backorder_plan.c
 *		Plan a backorder run, product by product: which line is treated how,
 *		in which order, over which sources; what the core decides; and what is
 *		done where it cannot keep a promise.
 *
 * Memory: CurrentMemoryContext; arrays of products that do not change are
 * freed at once.  Locks: none.
 *
 * Invariant: each line has at most one change, of the variant that decided for
 * its product.
 */
#include "postgres.h"

#include "api/backorder.h"

#include "base/call.h"
#include "miscadmin.h"
#include "sourcing/ruled.h"

/* A line of the product that is planned: its units, and who it is for. */
typedef struct Entry
{
	int			first;			/* index into the units of the facts */
	int			count;
	const BackorderSegment *segment;
} Entry;

typedef struct Planning
{
	int64		org_id;
	const BackorderVariants *variants;
	const BackorderFacts *facts;
	BackorderPlan *plan;
	bool		ruled;

	/* Of the product. */
	int			product;
	int			nentries;		/* all its lines */
	Entry	   *entries;
	int			nsources;
	BackorderSource *sources;
	UsomRationSource *ration_sources;
	bool	   *eligible;		/* entries by sources; NULL: by the sources alone */

	/* Of the variant that is tried. */
	const BackorderVariant *variant;
	int			nclaims;
	int		   *claims;			/* entries, as they are served */
	UsomRationItem item;
	UsomRationClaim *ration_claims;
	UsomQuantity *held;
	bool	   *masks;
} Planning;

static inline const BackorderUnits *
units_of(const Planning *planning, const Entry *entry)
{
	return &planning->facts->units[entry->first];
}

/* ---- sources ---- */

static int
count_of_product(const BackorderSource *sources, int nsources, int64 product_id, int *next)
{
	int			first;

	while (*next < nsources && sources[*next].key.product_id < product_id)
		(*next)++;
	first = *next;
	while (*next < nsources && sources[*next].key.product_id == product_id)
		(*next)++;
	return *next - first;
}

/* Stock of a product, then its supply; what arrives at one time is of one level. */
static void
list_sources(Planning *planning, int *next_stock, int *next_supply)
{
	const BackorderFacts *facts = planning->facts;
	int64		product_id = facts->products[planning->product].product_id;
	int			nstock = count_of_product(facts->stock, facts->nstock, product_id, next_stock);
	int			nsupply = count_of_product(facts->supply, facts->nsupply, product_id, next_supply);
	int			level = 0;

	planning->nsources = nstock + nsupply;
	planning->sources = palloc_array(BackorderSource, Max(planning->nsources, 1));
	planning->ration_sources = palloc_array(UsomRationSource, Max(planning->nsources, 1));
	memcpy(planning->sources, facts->stock + *next_stock - nstock, sizeof(BackorderSource) * nstock);
	if (nsupply > 0)
		memcpy(planning->sources + nstock, facts->supply + *next_supply - nsupply, sizeof(BackorderSource) * nsupply);
	for (int i = 0; i < planning->nsources; i++)
	{
		if (i >= nstock && (i == nstock || planning->sources[i].expected_at != planning->sources[i - 1].expected_at))
			level++;
		planning->ration_sources[i] = (UsomRationSource) {planning->sources[i].free, level};
	}
}

/* Where units are; -1: they wait, or it is none that the run deals with. */
static int
source_of(const Planning *planning, const BackorderUnits *units)
{
	for (int i = 0; i < planning->nsources; i++)
	{
		const BackorderSource *source = &planning->sources[i];

		if (units->reserved ? source->supply_id == 0 && usom_stock_key_compare(&source->key, &units->key) == 0
			: units->supply_id != 0 && source->supply_id == units->supply_id)
			return i;
	}
	return -1;
}

/* Goods on a supply that is for one order's line alone are that line's. */
static bool
is_firm(const Planning *planning, const BackorderUnits *units)
{
	return (units->reserved || units->supply_id != 0) && source_of(planning, units) < 0;
}

/* ---- which location may serve which line, where there are rules ---- */

static int64 *
locations_of(const Planning *planning, int *nlocations)
{
	int64	   *locations = palloc_array(int64, Max(planning->nsources, 1));

	*nlocations = 0;
	for (int i = 0; i < planning->nsources; i++)
	{
		int			k = 0;

		while (k < *nlocations && locations[k] != planning->sources[i].key.location_id)
			k++;
		if (k == *nlocations)
			locations[(*nlocations)++] = planning->sources[i].key.location_id;
	}
	return locations;
}

static UsomWant *
wants_of(const Planning *planning)
{
	UsomWant   *wants = palloc_array(UsomWant, Max(planning->nentries, 1));

	for (int i = 0; i < planning->nentries; i++)
	{
		const BackorderLine *line = &units_of(planning, &planning->entries[i])->line;

		wants[i] = (UsomWant) {
			.sales_order_id = line->contender.sales_order_id,
			.product_id = planning->facts->products[planning->product].product_id,
			.location_id = line->location_id,
			.quantity = USOM_UNIT,
			.partial = true,
			.requested_at = line->contender.requested_at,
		};
	}
	return wants;
}

/* Reasons of the rules themselves; what there is, and what it costs, is not asked here. */
static bool
is_barred(UsomReason reason)
{
	return reason >= USOM_REASON_EXCLUDED && reason != USOM_REASON_LATER && reason != USOM_REASON_NOW;
}

static void
ask_rules(Planning *planning)
{
	int			nlocations;
	int64	   *locations;
	UsomRuledPlan *ruled;

	planning->eligible = NULL;
	if (!planning->ruled || planning->nentries == 0 || planning->nsources == 0)
		return;
	locations = locations_of(planning, &nlocations);
	ruled = usom_sourcing_plan_by_rules(planning->org_id, usom_call_time(), wants_of(planning), planning->nentries,
										NULL, NULL, 0, locations, nlocations, true);
	planning->eligible = palloc0_array(bool, (Size) planning->nentries * planning->nsources);
	for (int i = 0; i < planning->nentries; i++)
		for (int k = 0; k < ruled->nlocations; k++)
		{
			const UsomRuledReason *reason = &ruled->reasons[(Size) i * ruled->nlocations + k];

			for (int source = 0; source < planning->nsources; source++)
				if (planning->sources[source].key.location_id == reason->lane->location_id)
					planning->eligible[(Size) i * planning->nsources + source] = !is_barred(reason->lane->verdict);
		}
}

static bool
may_serve(const Planning *planning, int entry, int source)
{
	const BackorderLine *line = &units_of(planning, &planning->entries[entry])->line;
	const BackorderSource *of = &planning->sources[source];

	return of->serves && (line->location_id == 0 || line->location_id == of->key.location_id) &&
		(planning->eligible == NULL || planning->eligible[(Size) entry * planning->nsources + source]);
}

/* ---- claims ---- */

static int
compare_claims(const void *a, const void *b, void *arg)
{
	const Planning *planning = arg;
	const Entry *left = &planning->entries[*(const int *) a];
	const Entry *right = &planning->entries[*(const int *) b];

	if (left->segment->rank != right->segment->rank)
		return left->segment->rank < right->segment->rank ? -1 : 1;
	return usom_sourcing_compare(&left->segment->precedence, &units_of(planning, left)->line.contender,
								 &units_of(planning, right)->line.contender);
}

/* Lines of the variant's segments that are not skipped, in the order in which they are served. */
static void
list_claims(Planning *planning)
{
	planning->nclaims = 0;
	planning->claims = palloc_array(int, Max(planning->nentries, 1));
	for (int i = 0; i < planning->nentries; i++)
	{
		Entry	   *entry = &planning->entries[i];

		entry->segment = usom_api_segment_of(planning->variant, &planning->facts->products[planning->product],
											 &units_of(planning, entry)->line);
		if (entry->segment != NULL && entry->segment->strategy != USOM_SKIP)
			planning->claims[planning->nclaims++] = i;
	}
	qsort_arg(planning->claims, planning->nclaims, sizeof(int), compare_claims, planning);
}

/* The last level that comes when the line is wanted, or now. */
static int
level_on_time(const Planning *planning, const BackorderLine *line)
{
	TimestampTz wanted = Max(line->contender.requested_at, usom_call_time());
	int			level = 0;

	for (int i = 0; i < planning->nsources; i++)
		if (planning->sources[i].expected_at <= wanted)
			level = planning->ration_sources[i].level;
	return level;
}

/* The mask of a claim among those there are, or a new one. */
static int
mask_of(Planning *planning, int entry, const UsomQuantity *held)
{
	bool	   *mask = &planning->masks[(Size) planning->item.nmasks * planning->nsources];
	int			found = 0;

	for (int source = 0; source < planning->nsources; source++)
		mask[source] = held[source] > 0 || may_serve(planning, entry, source);
	while (found < planning->item.nmasks &&
		   memcmp(&planning->masks[(Size) found * planning->nsources], mask, sizeof(bool) * planning->nsources) != 0)
		found++;
	if (found == planning->item.nmasks)
		planning->item.nmasks++;
	return found;
}

static void
make_claim(Planning *planning, int place)
{
	int			index = planning->claims[place];
	const Entry *entry = &planning->entries[index];
	const BackorderUnits *units = units_of(planning, entry);
	UsomQuantity *held = &planning->held[(Size) place * planning->nsources];
	UsomRationClaim *claim = &planning->ration_claims[place];

	*claim = (UsomRationClaim) {
		.strategy = entry->segment->strategy,
		.on_time = level_on_time(planning, &units->line),
		.whole = !units->line.partial,
	};
	for (int i = 0; i < entry->count; i++)
	{
		int			source = source_of(planning, &units[i]);

		if (is_firm(planning, &units[i]))
			continue;
		claim->wanted += units[i].quantity;
		if (source < 0)
			continue;
		held[source] += units[i].quantity;
		planning->ration_sources[source].quantity += units[i].quantity;
	}
	claim->mask = mask_of(planning, index, held);
}

static void
make_item(Planning *planning)
{
	Size		size;

	list_claims(planning);
	size = Max((Size) planning->nclaims * planning->nsources, 1);
	planning->ration_claims = palloc_array(UsomRationClaim, Max(planning->nclaims, 1));
	planning->held = palloc_extended(sizeof(UsomQuantity) * size, MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	planning->masks = palloc_extended(sizeof(bool) * (size + planning->nsources), MCXT_ALLOC_HUGE);
	planning->item = (UsomRationItem) {
		.claims = planning->ration_claims,
		.nsources = planning->nsources,
		.sources = planning->ration_sources,
		.masks = planning->masks,
		.held = planning->held,
		.nclaims = planning->nclaims,
	};
	for (int i = 0; i < planning->nsources; i++)
		planning->ration_sources[i].quantity = planning->sources[i].free;
	for (int i = 0; i < planning->nclaims; i++)
		make_claim(planning, i);
}

/* ---- what comes of it ---- */

static TimestampTz
promise_of(const Planning *planning, const BackorderLine *line, int source)
{
	TimestampTz arrives_at = planning->sources[source].expected_at;

	return Max(Max(line->contender.requested_at, usom_call_time()), arrives_at);
}

/* The last promise of what the line had, or of what it has now: units that stay keep theirs. */
static void
set_promises(const Planning *planning, const Entry *entry, BackorderChange *change)
{
	const BackorderUnits *units = units_of(planning, entry);

	change->promised_before = change->promised_after = USOM_NO_TIME;
	for (int i = 0; i < entry->count; i++)
	{
		int			source = source_of(planning, &units[i]);

		if (source < 0)
			continue;
		change->promised_before = Max(change->promised_before, units[i].promised_at);
		if (change->given[source] > 0)
			change->promised_after = Max(change->promised_after, units[i].promised_at);
	}
	for (int source = 0; source < planning->nsources; source++)
		if (change->given[source] > change->held[source])
			change->promised_after = Max(change->promised_after, promise_of(planning, change->line, source));
}

static void
add_change(Planning *planning, int place)
{
	BackorderPlan *plan = planning->plan;
	const Entry *entry = &planning->entries[planning->claims[place]];
	BackorderChange *change;

	if (plan->nchanges == plan->changes_capacity)
	{
		plan->changes_capacity = Max(2 * plan->changes_capacity, 64);
		plan->changes = repalloc_huge(plan->changes, sizeof(BackorderChange) * plan->changes_capacity);
	}
	change = &plan->changes[plan->nchanges++];
	*change = (BackorderChange) {
		.line = &units_of(planning, entry)->line,
		.variant = planning->variant,
		.segment = entry->segment,
		.wanted = planning->ration_claims[place].wanted,
		.nsources = planning->nsources,
		.sources = planning->sources,
		.held = &planning->held[(Size) place * planning->nsources],
		.given = &planning->item.given[(Size) place * planning->nsources],
	};
	for (int source = 0; source < planning->nsources; source++)
	{
		change->before += change->held[source];
		change->after += change->given[source];
	}
	set_promises(planning, entry, change);
}

/* Returns whether anything changes. */
static bool
take_result(Planning *planning)
{
	Size		size = sizeof(UsomQuantity) * planning->nsources;
	int			before = planning->plan->nchanges;

	for (int i = 0; i < planning->nclaims; i++)
		if (memcmp(&planning->item.given[(Size) i * planning->nsources], &planning->held[(Size) i * planning->nsources], size) != 0)
			add_change(planning, i);
	return planning->plan->nchanges > before;
}

static void
add_exception(Planning *planning)
{
	BackorderPlan *plan = planning->plan;
	int			place = planning->item.exception;
	const Entry *entry = &planning->entries[planning->claims[place]];

	if (plan->nexceptions == plan->exceptions_capacity)
	{
		plan->exceptions_capacity = Max(2 * plan->exceptions_capacity, 8);
		plan->exceptions = repalloc_huge(plan->exceptions, sizeof(BackorderException) * plan->exceptions_capacity);
	}
	plan->exceptions[plan->nexceptions++] = (BackorderException) {
		.line = &units_of(planning, entry)->line,
		.variant = planning->variant,
		.segment = entry->segment,
		.wanted = planning->ration_claims[place].wanted,
		.possible = planning->item.possible,
	};
	plan->stopped = planning->variant->stops_run;
}

static void
free_item(Planning *planning)
{
	pfree(planning->item.given);
	pfree(planning->held);
	pfree(planning->masks);
	pfree(planning->ration_claims);
	pfree(planning->claims);
}

/* By the variant, or the first of its fallbacks that makes no exception. */
static void
plan_product(Planning *planning)
{
	const BackorderProduct *product = &planning->facts->products[planning->product];

	for (int i = 0; i < planning->variants->count && !planning->plan->stopped; i++)
	{
		bool		decided;

		planning->variant = &planning->variants->variants[i];
		if (!usom_sourcing_lists(&planning->variant->skus, product->sku) ||
			!usom_sourcing_lists(&planning->variant->categories, product->category))
			break;
		make_item(planning);
		decided = usom_sourcing_ration_item(&planning->item);
		if (!decided)
			add_exception(planning);
		else if (take_result(planning))
		{
			planning->plan->nitems_changed++;
			return;
		}
		free_item(planning);
		if (decided)
			break;
	}
	pfree(planning->sources);
}

/* Units of one line stand together. */
static int
list_entries(Planning *planning, int unit)
{
	const BackorderFacts *facts = planning->facts;
	int			first = unit;

	while (unit < facts->nunits && facts->units[unit].line.product == planning->product)
		unit++;
	planning->nentries = 0;
	planning->entries = palloc_array(Entry, Max(unit - first, 1));
	for (int i = first; i < unit; i++)
	{
		const UsomContender *contender = &facts->units[i].line.contender;
		const UsomContender *previous = &facts->units[i - (i > first)].line.contender;

		if (i == first || contender->sales_order_id != previous->sales_order_id || contender->line_no != previous->line_no)
			planning->entries[planning->nentries++] = (Entry) {.first = i};
		planning->entries[planning->nentries - 1].count++;
	}
	return unit;
}

/* By order and line: rows of one order that are written together are one entry of the audit. */
static int
compare_changes(const void *a, const void *b)
{
	const UsomContender *left = &((const BackorderChange *) a)->line->contender;
	const UsomContender *right = &((const BackorderChange *) b)->line->contender;

	if (left->sales_order_id != right->sales_order_id)
		return left->sales_order_id < right->sales_order_id ? -1 : 1;
	return left->line_no - right->line_no;
}

BackorderPlan *
usom_api_backorder_plan(int64 org_id, const BackorderVariants *variants, const BackorderFacts *facts)
{
	BackorderPlan *plan = palloc0_object(BackorderPlan);
	Planning	planning = {.org_id = org_id, .variants = variants, .facts = facts, .plan = plan};
	int			unit = 0;
	int			next_stock = 0;
	int			next_supply = 0;

	plan->facts = facts;
	plan->changes = palloc(sizeof(BackorderChange));
	plan->exceptions = palloc(sizeof(BackorderException));
	planning.ruled = usom_sourcing_is_ruled(org_id);
	for (int i = 0; i < facts->nproducts && !plan->stopped; i++)
	{
		CHECK_FOR_INTERRUPTS();
		planning.product = i;
		unit = list_entries(&planning, unit);
		list_sources(&planning, &next_stock, &next_supply);
		ask_rules(&planning);
		plan_product(&planning);
		plan->nitems++;
		pfree(planning.entries);
		pfree(planning.ration_sources);
	}
	if (plan->stopped)
		plan->nchanges = plan->nitems_changed = 0;
	qsort(plan->changes, plan->nchanges, sizeof(BackorderChange), compare_changes);
	return plan;
}
