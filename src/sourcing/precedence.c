/*
 * precedence.c
 *		Who comes first.
 *
 * Memory and locks: none.
 *
 * Invariant: a total order of lines, whatever the keys: the order's own key
 * and the line number decide in the end.
 */
#include "postgres.h"

#include "sourcing/precedence.h"


static const char *const expressions[] = {
	"priority", "placed_at", "requested_at", "value", "channel", "segment", "service_level",
};

UsomSortExpression
usom_sourcing_expression_of(const char *name)
{
	for (int i = 0; i < (int) lengthof(expressions); i++)
		if (strcmp(name, expressions[i]) == 0)
			return (UsomSortExpression) i;
	elog(ERROR, "nothing is compared by \"%s\"", name);
}

const char *
usom_sourcing_expression_name(UsomSortExpression expression)
{
	return expressions[expression];
}

bool
usom_sourcing_lists(const UsomCodes *codes, const char *code)
{
	if (codes->any)
		return true;
	for (int i = 0; i < codes->count && code != NULL; i++)
		if (strcmp(codes->codes[i], code) == 0)
			return true;
	return false;
}

/* Who is not listed comes after all who are. */
static int
place_in(const UsomCodes *codes, const char *code)
{
	int			place = 0;

	while (place < codes->count && (code == NULL || strcmp(codes->codes[place], code) != 0))
		place++;
	return place;
}

static int
compare_times(TimestampTz a, TimestampTz b)
{
	return (a > b) - (a < b);
}

/* Who does not say when comes last, in either direction. */
static int
compare_requests(const UsomSortKey *key, TimestampTz a, TimestampTz b)
{
	int			compared;

	if (a == PG_INT64_MIN || b == PG_INT64_MIN)
		return (a == PG_INT64_MIN) - (b == PG_INT64_MIN);
	compared = compare_times(a, b);
	return key->descending ? -compared : compared;
}

static int
compare_by(const UsomSortKey *key, const UsomContender *a, const UsomContender *b)
{
	switch (key->expression)
	{
		case USOM_BY_PRIORITY:
			return (a->priority > b->priority) - (a->priority < b->priority);
		case USOM_BY_PLACED_AT:
			return compare_times(a->placed_at, b->placed_at);
		case USOM_BY_VALUE:
			return (a->value > b->value) - (a->value < b->value);
		case USOM_BY_CHANNEL:
			return place_in(&key->listed, a->channel) - place_in(&key->listed, b->channel);
		case USOM_BY_SEGMENT:
			return place_in(&key->listed, a->segment) - place_in(&key->listed, b->segment);
		case USOM_BY_SERVICE_LEVEL:
			return place_in(&key->listed, a->service_level) - place_in(&key->listed, b->service_level);
		default:
			return 0;
	}
}

int
usom_sourcing_compare(const UsomPrecedence *precedence, const UsomContender *a, const UsomContender *b)
{
	int			compared = 0;

	if (precedence->nkeys == 0)
		compared = (a->priority > b->priority) - (a->priority < b->priority);
	for (int i = 0; i < precedence->nkeys && compared == 0; i++)
	{
		const UsomSortKey *key = &precedence->keys[i];

		if (key->expression == USOM_BY_REQUESTED_AT)
			compared = compare_requests(key, a->requested_at, b->requested_at);
		else
			compared = key->descending ? -compare_by(key, a, b) : compare_by(key, a, b);
	}
	if (compared == 0)
		compared = compare_times(a->placed_at, b->placed_at);
	if (compared == 0)
		compared = (a->sales_order_id > b->sales_order_id) - (a->sales_order_id < b->sales_order_id);
	return compared != 0 ? compared : (a->line_no > b->line_no) - (a->line_no < b->line_no);
}
