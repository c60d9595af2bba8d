/*
 * backorder_run.c
 *		usom.backorder_run(): scarce stock dealt out again.
 *
 * Locks: the orders that change (or have an exception), by key, then the stock
 * of their products, then the supply.  They are found by a plan over what is
 * read without a lock; under the locks the same products are read and planned
 * again.  If that concerns an order that is not locked, all locks are let go
 * by rolling back the subtransaction that took them, and it begins again with
 * those orders too; the last time with all orders of these products, and what
 * comes after that waits for the next run.  Products that do not change, and
 * orders that do not, are free for everybody.
 *
 * Memory: the context of the call.
 */
#include "postgres.h"

#include "api/backorder.h"

#include "access/xact.h"
#include "base/call.h"
#include "base/card_guard.h"
#include "base/ident.h"
#include "funcapi.h"
#include "order/answer.h"
#include "party/party.h"
#include "utils/builtins.h"
#include "utils/resowner.h"

PG_FUNCTION_INFO_V1(usom_backorder_run);

#define MOST_ATTEMPTS 4
#define RESULT_COLUMNS 7

typedef struct Run
{
	int64		org_id;
	char	   *variant;
	char	   *run_no;
	BackorderVariants *variants;
	BackorderPlan *plan;
	int			nproducts;
	BackorderProduct *products; /* that the plan changes */
	int			nids;
	int64	   *ids;			/* orders to lock */
} Run;

static int
compare_keys(const void *a, const void *b)
{
	int64		left = *(const int64 *) a;
	int64		right = *(const int64 *) b;

	return (left > right) - (left < right);
}

static void
add_orders(Run *run, const int64 *more, int nmore)
{
	int			count = 0;

	run->ids = repalloc_huge(run->ids, sizeof(int64) * (run->nids + nmore + 1));
	memcpy(run->ids + run->nids, more, sizeof(int64) * nmore);
	run->nids += nmore;
	qsort(run->ids, run->nids, sizeof(int64), compare_keys);
	for (int i = 0; i < run->nids; i++)
		if (i == 0 || run->ids[i] != run->ids[count - 1])
			run->ids[count++] = run->ids[i];
	run->nids = count;
}

/* Orders that a plan changes, or has a case of. */
static int64 *
orders_of_plan(const BackorderPlan *plan, int *count)
{
	int64	   *orders = palloc_extended(sizeof(int64) * (plan->nchanges + plan->nexceptions + 1), MCXT_ALLOC_HUGE);

	*count = 0;
	for (int i = 0; i < plan->nchanges; i++)
		orders[(*count)++] = plan->changes[i].line->contender.sales_order_id;
	for (int i = 0; i < plan->nexceptions; i++)
		orders[(*count)++] = plan->exceptions[i].line->contender.sales_order_id;
	return orders;
}

static int64 *
orders_of_facts(const BackorderFacts *facts, int *count)
{
	int64	   *orders = palloc_extended(sizeof(int64) * (facts->nunits + 1), MCXT_ALLOC_HUGE);

	for (int i = 0; i < facts->nunits; i++)
		orders[i] = facts->units[i].line.contender.sales_order_id;
	*count = facts->nunits;
	return orders;
}

static void
take_products(Run *run, const BackorderPlan *plan)
{
	const BackorderFacts *facts = plan->facts;
	bool	   *taken = palloc0_array(bool, Max(facts->nproducts, 1));

	for (int i = 0; i < plan->nchanges; i++)
		taken[plan->changes[i].line->product] = true;
	for (int i = 0; i < plan->nexceptions; i++)
		taken[plan->exceptions[i].line->product] = true;
	run->products = palloc_array(BackorderProduct, Max(facts->nproducts, 1));
	run->nproducts = 0;
	for (int i = 0; i < facts->nproducts; i++)
		if (taken[i])
			run->products[run->nproducts++] = facts->products[i];
}

static bool
are_locked(const Run *run, const int64 *orders, int count)
{
	for (int i = 0; i < count; i++)
		if (bsearch(&orders[i], run->ids, run->nids, sizeof(int64), compare_keys) == NULL)
			return false;
	return true;
}

/*
 * Under locks: read and plan again, and write it unless that asks for more
 * orders than are locked: then those are noted, and nothing is written.
 */
static bool
try_locked(Run *run, bool is_last)
{
	UsomOrderSet *set = usom_order_load_many(run->org_id, run->ids, run->nids);
	BackorderFacts *facts = usom_api_backorder_facts(run->org_id, run->variants, run->products, run->nproducts, set,
													 is_last);
	BackorderPlan *plan = usom_api_backorder_plan(run->org_id, run->variants, facts);
	int			norders;
	int64	   *orders = orders_of_plan(plan, &norders);

	if (!is_last && !are_locked(run, orders, norders))
	{
		add_orders(run, orders, norders);
		return false;
	}
	plan->nitems = run->plan->nitems;
	run->plan = plan;
	usom_api_backorder_carry_out(set, plan, run->run_no);
	return true;
}

static bool
attempt(Run *run, bool is_last)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	bool		done;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	done = try_locked(run, is_last);
	if (done)
		ReleaseCurrentSubTransaction();
	else
		RollbackAndReleaseCurrentSubTransaction();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	return done;
}

static void
change(Run *run)
{
	int			norders;
	int64	   *orders = orders_of_plan(run->plan, &norders);

	if (norders == 0)
		return;
	take_products(run, run->plan);
	run->ids = palloc(sizeof(int64));
	add_orders(run, orders, norders);
	for (int i = 1; i < MOST_ATTEMPTS; i++)
		if (attempt(run, false))
			return;
	orders = orders_of_facts(usom_api_backorder_facts(run->org_id, run->variants, run->products, run->nproducts, NULL, false), &norders);
	add_orders(run, orders, norders);
	attempt(run, true);
}

static void
put_result(ReturnSetInfo *result, const Run *run, int norders)
{
	bool		nulls[RESULT_COLUMNS] = {false};
	Datum		values[RESULT_COLUMNS] = {
		CStringGetTextDatum(run->run_no),
		CStringGetTextDatum(run->plan->stopped ? "stopped" : "done"),
		Int32GetDatum(run->plan->nitems),
		Int32GetDatum(run->plan->nitems_changed),
		Int32GetDatum(run->plan->nchanges),
		Int32GetDatum(norders),
		Int32GetDatum(run->plan->nexceptions),
	};

	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/* Returns how many orders it changed. */
static int
deal_out(Run *run, const char *code, bool simulate)
{
	int			nproducts;
	BackorderProduct *products = usom_api_backorder_products(run->org_id, run->variants, &nproducts);

	run->run_no = usom_ident_document_no(run->org_id, "run");
	run->plan = usom_api_backorder_plan(run->org_id, run->variants,
										usom_api_backorder_facts(run->org_id, run->variants, products, nproducts, NULL, false));
	if (!simulate)
		change(run);
	return usom_api_backorder_record(run->org_id, run->plan, run->run_no, code, simulate);
}

BackorderPlan *
usom_api_backorder_run(int64 org_id, BackorderVariants *variants, const char *code, bool simulate, char **run_no, int *norders)
{
	Run			run = {.org_id = org_id, .variants = variants};

	*norders = deal_out(&run, code, simulate);
	*run_no = run.run_no;
	return run.plan;
}

Datum
usom_backorder_run(PG_FUNCTION_ARGS)
{
	Run			run = {0};
	bool		simulate;
	int			norders;

	usom_card_check_call(fcinfo);
	InitMaterializedSRF(fcinfo, 0);
	run.variant = usom_order_arg_text(fcinfo, 0, "variant");
	simulate = !PG_ARGISNULL(1) && PG_GETARG_BOOL(1);
	usom_call_begin("backorder_run", NULL);
	run.org_id = usom_party_org();
	run.variants = usom_api_read_variants(run.org_id, run.variant);
	norders = deal_out(&run, run.variant, simulate);
	put_result((ReturnSetInfo *) fcinfo->resultinfo, &run, norders);
	usom_call_end();
	return (Datum) 0;
}
