/*
 * credit.c
 *		What orders take of the credit of their customers.
 *
 * Locks: what credit_lock.c has locked.  Uses are changed under the lock of
 * their order and of their account.
 *
 * Memory: CurrentMemoryContext.
 */
#include "postgres.h"

#include "payment/credit.h"

#include "base/call.h"
#include "base/errors.h"
#include "base/query.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

static UsomCreditGoOn go_on = NULL;

void
usom_credit_go_on_by(UsomCreditGoOn callback)
{
	go_on = callback;
}

/* ---- decide and write ---- */

static bool
has_ended(const UsomCredit *credit, const UsomCreditDemand *demand)
{
	UsomOrderStatus status;

	if (demand->order < 0)
		return false;
	status = credit->set->orders[demand->order].status;
	return status == USOM_ORDER_CANCELLED || status == USOM_ORDER_REJECTED || status == USOM_ORDER_CLOSED;
}

/* Holds begin and end; answers the orders that go on. */
static int64 *
write_holds(UsomCredit *credit, int *count)
{
	int64	   *held = palloc_array(int64, credit->ndemands + 1);
	int64	   *gone = palloc_array(int64, credit->ndemands + 1);
	int64	   *ended = palloc_array(int64, credit->ndemands + 1);
	const char **reasons = palloc_array(const char *, credit->ndemands + 1);
	int			nheld = 0;
	int			nended = 0;

	*count = 0;
	for (int i = 0; i < credit->ndemands; i++)
	{
		const UsomCreditDemand *demand = &credit->demands[i];

		if (demand->outcome == USOM_CREDIT_SHORT)
		{
			reasons[nheld] = usom_credit_explain(&credit->accounts[demand->account], demand);
			held[nheld++] = demand->sales_order_id;
		}
		else if (demand->outcome == USOM_CREDIT_GOES_ON && has_ended(credit, demand))
			ended[nended++] = demand->sales_order_id;
		else if (demand->outcome == USOM_CREDIT_GOES_ON)
			gone[(*count)++] = demand->sales_order_id;
	}
	usom_credit_hold(credit->org_id, held, reasons, nheld);
	usom_credit_end_holds(credit->org_id, ended, nended, "the order has ended", false);
	return gone;
}

static int64 *
settle(UsomCredit *credit, int *ngone)
{
	UsomCreditDemand **demands = palloc_array(UsomCreditDemand *, credit->ndemands + 1);

	for (int i = 0; i < credit->ndemands; i++)
	{
		UsomCreditDemand *demand = demands[i] = &credit->demands[i];

		if (demand->outcome != USOM_CREDIT_SHORT || demand->held_at != USOM_NO_TIME)
			continue;
		demand->held_at = usom_call_time();
		demand->changed = true;
	}
	usom_credit_write(credit->org_id, credit->accounts, credit->naccounts, demands, credit->ndemands);
	return write_holds(credit, ngone);
}

static void
refuse_increase(const UsomCredit *credit, const UsomCreditDemand *demand)
{
	const UsomCreditAccount *account = &credit->accounts[demand->account];

	ereport(ERROR, errcode(USOM_ERR(CREDIT_EXCEEDED)),
			errmsg("order \"%s\" would take more than the credit of customer \"%s\"",
				   credit->set->orders[demand->order].order_no, account->customer),
			errdetail("%s.", usom_credit_explain(account, demand)),
			errhint("Ask for less, record a payment, or raise limit_amount of usom.credit_account."));
}

/* The orders of the set, in its order. */
static void
decide_set(UsomCredit *credit, UsomCreditEvent event)
{
	for (int i = 0; i < credit->ndemands && credit->demands[i].order >= 0; i++)
	{
		UsomCreditDemand *demand = &credit->demands[i];

		demand->owed = usom_credit_owed(credit->set, demand->order, demand->paid);
		demand->is_running = usom_order_is_running(credit->set->orders[demand->order].status);
		usom_credit_decide(credit->accounts, demand, event, USOM_CREDIT_NOWHERE);
		if (event == USOM_CREDIT_CHANGES && demand->outcome == USOM_CREDIT_SHORT && demand->held_at == USOM_NO_TIME &&
			credit->accounts[demand->account].refuses_increase)
			refuse_increase(credit, demand);
	}
}

/* Held ones, the oldest first; one that does not fit lets others pass. */
static void
decide_held(UsomCredit *credit)
{
	UsomCreditDemand **held = palloc_array(UsomCreditDemand *, credit->ndemands + 1);
	int			nheld = 0;

	for (int i = 0; i < credit->ndemands; i++)
		if (credit->demands[i].held_at != USOM_NO_TIME)
			held[nheld++] = &credit->demands[i];
	qsort(held, nheld, sizeof(UsomCreditDemand *), usom_credit_compare_held);
	for (int i = 0; i < nheld; i++)
		usom_credit_decide(credit->accounts, held[i], USOM_CREDIT_WAITS, USOM_CREDIT_NOWHERE);
}

/* What is settled; the orders that go on are confirmed by those who know how. */
static int64 *
finish(UsomCredit *credit, int *ngone)
{
	int64	   *gone = settle(credit, ngone);

	if (*ngone == 0)
		return gone;
	usom_credit_end_holds(credit->org_id, gone, *ngone, "there is credit again", false);
	if (go_on != NULL)
		go_on(credit->set, credit->org_id, gone, *ngone);
	return gone;
}

/* Orders that are held from now on: a version of theirs says so.  Answers whether there are any. */
static bool
note_new_holds(UsomCredit *credit)
{
	bool		any = false;

	for (int i = 0; i < credit->ndemands; i++)
	{
		const UsomCreditDemand *demand = &credit->demands[i];
		UsomOrder  *order;

		if (demand->outcome != USOM_CREDIT_SHORT || demand->held_at != USOM_NO_TIME)
			continue;
		order = &credit->set->orders[demand->order];
		order->event = "hold";
		order->event_line = 0;
		order->event_quantity = 0;
		order->event_reference = "credit";
		order->changed = any = true;
	}
	return any;
}

void
usom_credit_close(UsomCredit *credit, UsomCreditEvent event)
{
	bool		any;
	int			ngone;

	if (likely(credit == NULL))
		return;
	decide_set(credit, event);
	decide_held(credit);
	any = note_new_holds(credit);
	finish(credit, &ngone);
	if (any)
		usom_order_save(credit->set);
}

void
usom_credit_follow_set(UsomOrderSet *set, UsomCreditEvent event)
{
	if (unlikely(usom_credit_concerns(set)))
		usom_credit_close(usom_credit_read(set->org_id, set, usom_credit_keys(set, 0), set->norders), event);
}

void
usom_credit_follow(int64 org_id, const int64 *sales_order_ids, int count)
{
	UsomOrderSet *set;

	if (likely(!usom_credit_is_any(org_id)))
		return;
	set = usom_order_load_many(org_id, sales_order_ids, count);
	usom_credit_close(usom_credit_open(set), USOM_CREDIT_FOLLOWS);
}

int
usom_credit_review(int64 org_id, const int64 *customers, int ncustomers, int64 **orders)
{
	UsomCredit *credit = usom_credit_open_held(org_id, customers, ncustomers);
	int			ngone;

	if (credit == NULL)
		return 0;
	decide_held(credit);
	*orders = finish(credit, &ngone);
	return ngone;
}

/* ---- points ---- */

/* The customer may owe, but not in this currency. */
static UsomQuery find_foreign = {
	.text = "SELECT k.ordinal, u.code, o.currency FROM unnest($2) WITH ORDINALITY AS k (sales_order_id, ordinal) "
	"JOIN usom.sales_order AS o ON o.org_id = $1 AND o.sales_order_id = k.sales_order_id "
	"JOIN usom.customer AS u ON u.org_id = $1 AND u.customer_id = o.customer_id "
	"WHERE " USOM_IS_ON_ACCOUNT " AND EXISTS (SELECT 1 FROM usom.credit_account AS a "
	"WHERE a.org_id = $1 AND a.customer_id = o.customer_id AND a.active AND a.check_at <> 'none') "
	"AND NOT EXISTS (SELECT 1 FROM usom.credit_account AS a WHERE a.org_id = $1 AND a.customer_id = o.customer_id "
	"AND a.currency = o.currency) ORDER BY k.ordinal",
	.nargs = 2,
	.argtypes = {"bigint", "bigint[]"},
};

static bool
is_known(const UsomCredit *credit, int order)
{
	for (int i = 0; i < credit->ndemands; i++)
		if (credit->demands[i].order == order)
			return true;
	return false;
}

/* Orders that are in no account although their customer has one are held, too. */
static void
hold_foreign(const UsomCredit *credit, const bool *marked, const char **why)
{
	const UsomOrderSet *set = credit->set;
	Datum		values[2] = {Int64GetDatum(set->org_id)};
	int64	   *ids = palloc_array(int64, set->norders + 1);
	int		   *places = palloc_array(int, set->norders + 1);
	const char **reasons = palloc_array(const char *, set->norders + 1);
	int			n = 0;
	int			nheld;

	for (int i = 0; i < set->norders; i++)
		if (marked[i] && set->orders[i].customer_id != 0 && !is_known(credit, i))
		{
			places[n] = i;
			ids[n++] = set->orders[i].sales_order_id;
		}
	if (n == 0)
		return;
	values[1] = usom_query_keys(ids, n);
	nheld = (int) usom_query_run(&find_foreign, values, NULL);
	for (int row = 0; row < nheld; row++)
	{
		int			place = places[DatumGetInt64(usom_query_get(row, 1)) - 1];

		ids[row] = set->orders[place].sales_order_id;
		reasons[row] = why[place] = psprintf("customer \"%s\" has no credit in %s",
											 usom_query_get_text(row, 2), usom_query_get_text(row, 3));
	}
	usom_credit_hold(set->org_id, ids, reasons, nheld);
}

const char **
usom_credit_take(UsomOrderSet *set, const bool *marked, UsomCreditPoint point)
{
	UsomCredit *credit;
	const char **why;
	int			ngone;

	if (likely(!usom_credit_concerns(set)))
		return NULL;
	credit = usom_credit_read(set->org_id, set, usom_credit_keys(set, 0), set->norders);
	why = palloc0_array(const char *, set->norders + 1);
	for (int i = 0; i < credit->ndemands; i++)
	{
		UsomCreditDemand *demand = &credit->demands[i];

		if (!marked[demand->order])
			continue;
		demand->owed = usom_credit_owed(set, demand->order, demand->paid);
		usom_credit_decide(credit->accounts, demand, USOM_CREDIT_ARRIVES, point);
		if (demand->outcome == USOM_CREDIT_SHORT)
			why[demand->order] = usom_credit_explain(&credit->accounts[demand->account], demand);
	}
	settle(credit, &ngone);
	if (point == USOM_CREDIT_CONFIRM)
		hold_foreign(credit, marked, why);
	return why;
}

bool
usom_credit_pass(UsomOrderSet *set)
{
	UsomCredit *credit = usom_credit_read(set->org_id, set, usom_credit_keys(set, 0), 1);
	bool		was_held = false;
	int			ngone;
	int			nended;

	for (int i = 0; i < credit->ndemands; i++)
	{
		was_held |= credit->demands[i].held_at != USOM_NO_TIME;
		credit->demands[i].owed = usom_credit_owed(set, 0, credit->demands[i].paid);
		usom_credit_decide(credit->accounts, &credit->demands[i], USOM_CREDIT_PASSES, USOM_CREDIT_NOWHERE);
	}
	settle(credit, &ngone);
	nended = usom_credit_end_holds(set->org_id, &set->orders[0].sales_order_id, 1, usom_call_reason(), true);
	return was_held || nended > 0;
}
