/*
 * together.c
 *		Orders by rules, planned one by one and then improved together
 *		(batch.c): each through the whole chain of its rules.
 *
 *		Orders come as they first appear among the wants, and each is a class
 *		of its own: what one gets by its place is never taken from it for one
 *		that comes after.  What changes is where units come from.
 *
 * Memory: what orders hold, in CurrentMemoryContext; each problem in the
 * scratch context of the planning.
 *
 * Invariant: between two plans, the parts of the planning are none, and its
 * rows, days and supplies are less by what the orders hold.
 */
#include "postgres.h"

#include "sourcing/batch.h"
#include "sourcing/planning.h"

/* Plans beyond one for each order: so many for each, and for all. */
#define MORE_PLANS 4
#define MOST_PLANS 1000

typedef struct Held
{
	int			nparts;
	UsomRuledPart *parts;
	bool	   *exceptions;		/* by place in the wants of the order */
} Held;

typedef struct Together
{
	Planning   *planning;
	int			norders;
	Ordering   *orders;
	Held	   *held;			/* by order */
} Together;

static int64
order_of(const Together *together, int order)
{
	const Planning *planning = together->planning;

	return planning->wants[together->orders[order].wants[0]].sales_order_id;
}

static int64
location_of(const Together *together, const UsomRuledPart *part)
{
	return together->planning->rows[part->row].key.location_id;
}

static void
add_parts(Planning *planning, const Held *held, int sign)
{
	UsomRuledPlan *plan = planning->plan;

	while (plan->nparts + held->nparts > planning->parts_capacity)
	{
		planning->parts_capacity *= 2;
		plan->parts = repalloc_array(plan->parts, UsomRuledPart, planning->parts_capacity);
	}
	for (int i = 0; i < held->nparts; i++)
	{
		plan->parts[plan->nparts] = held->parts[i];
		plan->parts[plan->nparts++].quantity *= sign;
	}
}

/* ---- what the batch asks for ---- */

static UsomBatchOutcome
plan_order(void *state, int order)
{
	Together   *together = state;
	Planning   *planning = together->planning;
	UsomRuledPlan *plan = planning->plan;
	Ordering   *ordering = &together->orders[order];
	Held	   *held = &together->held[order];
	UsomBatchOutcome outcome = {0};

	usom_sourcing_plan_order(planning, ordering);
	held->nparts = plan->nparts;
	held->parts = palloc_array(UsomRuledPart, plan->nparts + 1);
	held->exceptions = palloc_array(bool, ordering->nwants);
	for (int place = 0; place < ordering->nwants; place++)
	{
		held->exceptions[place] = plan->exceptions[ordering->wants[place]];
		outcome.unserved += planning->wants[ordering->wants[place]].quantity;
	}
	for (int i = 0; i < plan->nparts; i++)
	{
		held->parts[i] = plan->parts[i];
		outcome.unserved -= plan->parts[i].quantity;
	}
	plan->nparts = 0;
	outcome.cost = ordering->cost;
	return outcome;
}

static void *
hold_order(void *state, int order)
{
	Together   *together = state;
	Planning   *planning = together->planning;
	Held	   *held = &together->held[order];
	Held	   *kept = palloc_object(Held);

	if (planning->agenda != NULL)
		usom_sourcing_turn_to(planning->agenda, order_of(together, order));
	for (int i = 0; i < held->nparts; i++)
		if (held->parts[i].ships_on != USOM_NO_DAY)
			usom_sourcing_recall_day(planning->agenda, (UsomLocationDay) {
				location_of(together, &held->parts[i]), held->parts[i].ships_on}, held->parts[i].quantity);
	add_parts(planning, held, 1);
	usom_sourcing_give_back(planning, 0);
	*kept = *held;
	held->nparts = 0;
	return kept;
}

/* To give back less than nothing is to take. */
static void
put_order(void *state, int order, void *kept)
{
	Together   *together = state;
	Planning   *planning = together->planning;
	const Ordering *ordering = &together->orders[order];
	Held	   *held = &together->held[order];

	*held = *(Held *) kept;
	if (planning->agenda != NULL)
		usom_sourcing_turn_to(planning->agenda, order_of(together, order));
	add_parts(planning, held, -1);
	usom_sourcing_give_back(planning, 0);
	for (int place = 0; place < ordering->nwants; place++)
		planning->plan->exceptions[ordering->wants[place]] = held->exceptions[place];
}

/* Is there anything of the product at another location, or does the order have some there? */
static bool
is_elsewhere(const Together *together, int order, int64 product_id, int64 location_id)
{
	const Planning *planning = together->planning;
	const Held *held = &together->held[order];

	for (int lane = 0; lane < planning->nlanes; lane++)
		if (planning->lanes[lane].location_id != location_id &&
			usom_sourcing_available_at(planning, product_id, planning->lanes[lane].location_id) > 0)
			return true;
	for (int i = 0; i < held->nparts; i++)
		if (planning->wants[held->parts[i].want].product_id == product_id && held->parts[i].row >= 0 &&
			location_of(together, &held->parts[i]) != location_id)
			return true;
	return false;
}

/* Does the order want units that the part has, of which there is too little left, while there are others? */
static bool
wants_part(const Together *together, int order, const UsomRuledPart *part)
{
	const Planning *planning = together->planning;
	const Ordering *ordering = &together->orders[order];
	int64		product_id = planning->wants[part->want].product_id;
	UsomQuantity wanted = 0;

	for (int place = 0; place < ordering->nwants; place++)
		if (planning->wants[ordering->wants[place]].product_id == product_id)
			wanted += planning->wants[ordering->wants[place]].quantity;
	return wanted > 0 && wanted > usom_sourcing_available_at(planning, product_id, location_of(together, part)) &&
		is_elsewhere(together, order, product_id, location_of(together, part));
}

/* Is the day that the part ships on too full for the order? */
static bool
wants_day(const Together *together, int order, const UsomRuledPart *part)
{
	const Planning *planning = together->planning;
	const Ordering *ordering = &together->orders[order];
	UsomQuantity room;

	if (part->ships_on == USOM_NO_DAY)
		return false;
	usom_sourcing_turn_to(planning->agenda, order_of(together, order));
	room = usom_sourcing_room(planning->agenda, (UsomLocationDay) {location_of(together, part), part->ships_on});
	for (int place = 0; place < ordering->nwants; place++)
		if (planning->wants[ordering->wants[place]].quantity > room)
			return true;
	return false;
}

static bool
is_missed(void *state, int first, int second)
{
	const Together *together = state;

	for (int i = 0; i < together->held[first].nparts; i++)
	{
		const UsomRuledPart *part = &together->held[first].parts[i];

		if (part->row >= 0 && (wants_part(together, second, part) || wants_day(together, second, part)))
			return true;
	}
	return false;
}

/* ---- orders ---- */

typedef struct Turn
{
	int64		sales_order_id;
	int			want;
} Turn;

static int
compare_turns(const void *a, const void *b)
{
	const Turn *left = a;
	const Turn *right = b;

	if (left->sales_order_id != right->sales_order_id)
		return left->sales_order_id < right->sales_order_id ? -1 : 1;
	return (left->want > right->want) - (left->want < right->want);
}

static int
compare_orders(const void *a, const void *b)
{
	const Ordering *left = a;
	const Ordering *right = b;

	return (left->wants[0] > right->wants[0]) - (left->wants[0] < right->wants[0]);
}

/* Wants by order, orders as they first appear. */
static void
gather_orders(Together *together)
{
	const Planning *planning = together->planning;
	int			count = planning->nwants;
	Turn	   *turns = palloc_array(Turn, count);
	int		   *wants = palloc_array(int, count);

	for (int i = 0; i < count; i++)
		turns[i] = (Turn) {planning->wants[i].sales_order_id, i};
	qsort(turns, count, sizeof(Turn), compare_turns);
	together->orders = palloc0_array(Ordering, count);
	for (int i = 0; i < count; i++)
	{
		wants[i] = turns[i].want;
		if (i == 0 || turns[i].sales_order_id != turns[i - 1].sales_order_id)
			together->orders[together->norders++].wants = &wants[i];
		together->orders[together->norders - 1].nwants++;
	}
	qsort(together->orders, together->norders, sizeof(Ordering), compare_orders);
	for (int order = 0; order < together->norders; order++)
	{
		Ordering   *ordering = &together->orders[order];

		ordering->left = palloc_array(UsomQuantity, ordering->nwants);
		ordering->rule = palloc_array(int, ordering->nwants);
		ordering->shipments_capacity = planning->nlanes + 1;
		ordering->shipments = palloc_array(UsomLocationDay, ordering->shipments_capacity);
	}
}

/* Reasons are those of the first plans, so nothing is changed where they are asked for. */
void
usom_sourcing_plan_together(Planning *planning)
{
	Together	together = {.planning = planning};
	UsomBatch	batch = {
		.state = &together, .plan = plan_order, .hold = hold_order, .put = put_order, .is_missed = is_missed,
	};
	int		   *classes;

	if (planning->nwants == 0)
		return;
	gather_orders(&together);
	together.held = palloc0_array(Held, together.norders);
	classes = palloc_array(int, together.norders);
	for (int order = 0; order < together.norders; order++)
		classes[order] = order;
	batch.norders = together.norders;
	batch.classes = classes;
	batch.most_plans = planning->plan->reasons == NULL && together.norders > 1 ? Min(MORE_PLANS * together.norders, MOST_PLANS) : 0;
	usom_sourcing_plan_batch(&batch);
	for (int order = 0; order < together.norders; order++)
		add_parts(planning, &together.held[order], 1);
}
