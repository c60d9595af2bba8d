/*
 * credit_plan.c
 *		What an order may take of the credit of its customer.
 *
 * Pure: no SPI, no locks, no clock.  Amounts are numeric, as all that is
 * below 1e15 with four decimals does not fit in 64 bits.
 *
 * Memory: CurrentMemoryContext.
 *
 * Invariant: 0 <= amount <= owed of every demand that was decided; the
 * exposure of its account moves by what it takes, and by nothing else.
 */
#include "postgres.h"

#include "payment/credit.h"

#include "base/decimal.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

static Numeric
smaller(Numeric a, Numeric b)
{
	return usom_decimal_compare(a, b) <= 0 ? a : b;
}

static Numeric
not_negative(Numeric a)
{
	Numeric		zero = usom_order_no_price();

	return usom_decimal_compare(a, zero) < 0 ? zero : a;
}

static bool
fits(const UsomCreditAccount *account, Numeric more)
{
	return account->checked_at == USOM_CREDIT_NOWHERE || usom_decimal_compare(usom_decimal_add(account->exposure, more), account->limit) <= 0;
}

/* From now on it takes so much. */
static void
take(UsomCreditAccount *account, UsomCreditDemand *demand, Numeric amount)
{
	account->exposure = usom_decimal_add(account->exposure, usom_decimal_subtract(amount, demand->amount));
	demand->changed |= !demand->is_known || usom_decimal_compare(amount, demand->amount) != 0 || usom_decimal_compare(demand->owed, demand->wanted) != 0;
	demand->amount = amount;
	demand->wanted = demand->owed;
}

static void
cover(UsomCreditAccount *account, UsomCreditDemand *demand)
{
	bool		was_held = demand->held_at != USOM_NO_TIME;

	take(account, demand, demand->owed);
	demand->outcome = was_held ? USOM_CREDIT_GOES_ON : USOM_CREDIT_COVERED;
	demand->held_at = USOM_NO_TIME;
	demand->changed |= was_held;
}

/* It keeps what it takes, but nothing that it does not owe. */
static void
fall_short(UsomCreditAccount *account, UsomCreditDemand *demand)
{
	demand->used = account->exposure;
	take(account, demand, smaller(demand->amount, demand->owed));
	demand->outcome = USOM_CREDIT_SHORT;
}

static void
arrive(UsomCreditAccount *account, UsomCreditDemand *demand, UsomCreditPoint point)
{
	UsomCreditPoint from = Max(account->checked_at, USOM_CREDIT_CONFIRM);

	if (point < from)
		return;
	if (usom_decimal_compare(demand->owed, demand->amount) <= 0 || fits(account, usom_decimal_subtract(demand->owed, demand->amount)))
		cover(account, demand);
	else
		fall_short(account, demand);
}

/* An order that was split off another one: what that has given up is its own. */
static void
inherit(UsomCreditAccount *account, UsomCreditDemand *demand)
{
	bool		is_given = usom_decimal_compare(demand->owed, account->given_up) <= 0;

	if (!demand->is_running || account->checked_at > USOM_CREDIT_CONFIRM)
		return;
	if (!is_given && !fits(account, demand->owed))
	{
		fall_short(account, demand);
		return;
	}
	account->is_forced |= is_given;
	account->given_up = not_negative(usom_decimal_subtract(account->given_up, demand->owed));
	cover(account, demand);
}

/* must: what it owes more is counted, whatever the limit says. */
static void
follow(UsomCreditAccount *account, UsomCreditDemand *demand, bool must)
{
	bool		was_covered = usom_decimal_compare(demand->amount, demand->wanted) == 0;

	if (!demand->is_known)
	{
		if (must)
			inherit(account, demand);
		return;
	}
	account->is_forced |= must;
	account->given_up = usom_decimal_add(account->given_up, not_negative(usom_decimal_subtract(demand->amount, demand->owed)));
	if (usom_decimal_compare(demand->owed, demand->amount) <= 0 ||
		(was_covered && (must || fits(account, usom_decimal_subtract(demand->owed, demand->amount)))))
		cover(account, demand);
	else if (was_covered || demand->held_at != USOM_NO_TIME)
		fall_short(account, demand);
	else
		take(account, demand, demand->amount);
}

static void
pass(UsomCreditAccount *account, UsomCreditDemand *demand)
{
	Numeric		more = usom_decimal_subtract(demand->owed, demand->amount);
	Numeric		over = not_negative(usom_decimal_subtract(usom_decimal_add(account->exposure, more), account->limit));

	demand->beyond = smaller(over, not_negative(more));
	demand->changed = true;
	account->is_forced = true;
	cover(account, demand);
}

/* What others hold as well is let go, to be checked again when they do: nothing is kept for it. */
static void
let_go(UsomCreditAccount *account, UsomCreditDemand *demand)
{
	if (demand->held_at == USOM_NO_TIME || !fits(account, usom_decimal_subtract(demand->owed, demand->amount)))
		return;
	if (!demand->is_blocked)
	{
		cover(account, demand);
		return;
	}
	demand->held_at = USOM_NO_TIME;
	demand->changed = true;
	demand->outcome = USOM_CREDIT_GOES_ON;
}

void
usom_credit_decide(UsomCreditAccount *accounts, UsomCreditDemand *demand, UsomCreditEvent event, UsomCreditPoint point)
{
	UsomCreditAccount *account = &accounts[demand->account];

	switch (event)
	{
		case USOM_CREDIT_ARRIVES:
			arrive(account, demand, point);
			break;
		case USOM_CREDIT_CHANGES:
			follow(account, demand, false);
			break;
		case USOM_CREDIT_FOLLOWS:
			follow(account, demand, true);
			break;
		case USOM_CREDIT_PASSES:
			pass(account, demand);
			break;
		case USOM_CREDIT_WAITS:
			let_go(account, demand);
			break;
	}
	Assert(usom_decimal_compare(demand->amount, demand->wanted) <= 0);
}

int
usom_credit_compare_held(const void *a, const void *b)
{
	const UsomCreditDemand *left = *(UsomCreditDemand *const *) a;
	const UsomCreditDemand *right = *(UsomCreditDemand *const *) b;

	if (left->held_at != right->held_at)
		return left->held_at < right->held_at ? -1 : 1;
	return (left->sales_order_id > right->sales_order_id) - (left->sales_order_id < right->sales_order_id);
}

static char *
amount_text(Numeric amount)
{
	return DatumGetCString(DirectFunctionCall1(numeric_out, DirectFunctionCall1(numeric_trim_scale, NumericGetDatum(amount))));
}

char *
usom_credit_explain(const UsomCreditAccount *account, const UsomCreditDemand *demand)
{
	return psprintf("%s %s more would make %s of %s", amount_text(usom_decimal_subtract(demand->owed, demand->amount)), account->currency,
					amount_text(usom_decimal_add(demand->used, usom_decimal_subtract(demand->owed, demand->amount))), amount_text(account->limit));
}

Numeric
usom_credit_owed(const UsomOrderSet *set, int order, Numeric paid)
{
	Numeric		owed = usom_order_no_price();

	for (int i = usom_order_first_line(set, order); i < set->nlines && set->lines[i].order == order; i++)
	{
		const UsomLine *line = &set->lines[i];
		const UsomQuantity *count = line->counters.by_state;

		if (!line->removed)
			owed = usom_decimal_add(owed, usom_order_line_part(line, line->quantity - count[USOM_PIECE_CANCELLED] - count[USOM_PIECE_RETURNED]));
	}
	return not_negative(usom_decimal_subtract(owed, paid));
}
