/*
 * place_batch.c
 *		Many documents are placed in one piece, and each has its own outcome.
 *
 * All are read, what all of them name is looked up, each takes what was found,
 * what all of them are priced and checked by is read, each is priced and checked,
 * and all are written as one set: the statements are those of one order, and
 * stock is locked once, in lock order.
 *
 * What fails costs its document alone, and the others next to nothing.  Reading
 * and taking run in subtransactions that documents share: one that fails ends
 * the subtransaction, and what those before it keep is in memory.  One that has run a
 * statement ends it, too, as results of statements go with their subtransaction.
 * What the tables refuse when all is written undoes the writing: those at fault are
 * rejected and the rest begins anew; if nobody says whose fault it is, halves are
 * tried.
 *
 * Locks: as place.c.  Memory: the call's context, for the whole batch.
 */
#include "postgres.h"

#include "api/attempt.h"
#include "api/make_product.h"
#include "api/place_batch.h"

#include "base/card_guard.h"
#include "base/errors.h"
#include "base/query.h"
#include "miscadmin.h"

/* One document of a batch. */
typedef struct BatchItem
{
	Jsonb	   *document;
	Placing    *placing;		/* NULL: rejected */
	Placing    *read;			/* the same, rejected or not; NULL: not readable */
	UsomOutcome outcome;
} BatchItem;

typedef struct Batch
{
	BatchItem **items;
	int			count;
} Batch;

/* ---- what runs for one document after the other ---- */

typedef void (*Step) (BatchItem *item);

typedef struct Walk
{
	Step		step;
	const Batch *batch;
	int			next;			/* item; the one that failed, after an error */
} Walk;

static void
reject(BatchItem *item, const ErrorData *error)
{
	item->placing = NULL;
	item->outcome.outcome = "rejected";
	item->outcome.sqlstate = pstrdup(unpack_sql_state(error->sqlerrcode));
	item->outcome.message = error->detail
		? psprintf("%s (%s)", error->message, error->detail) : error->message;
}

static void
walk_on(void *arg)
{
	Walk	   *walk = arg;
	uint64		statements = usom_query_count();

	while (walk->next < walk->batch->count && usom_query_count() == statements)
	{
		CHECK_FOR_INTERRUPTS();
		walk->step(walk->batch->items[walk->next]);
		walk->next++;
	}
}

/* Those that fail are rejected. */
static void
for_each(const Batch *batch, Step step)
{
	Walk		walk = {step, batch, 0};

	while (walk.next < batch->count)
	{
		ErrorData  *error = usom_api_attempt(walk_on, &walk);

		if (error != NULL)
			reject(batch->items[walk.next++], error);
	}
}

/* Of the batch, those that go on: neither rejected nor repeating an order. */
static Batch
select_items(const Batch *batch, bool (*wanted) (const BatchItem *item))
{
	Batch		selected = {palloc_array(BatchItem *, Max(batch->count, 1)), 0};

	for (int i = 0; i < batch->count; i++)
		if (batch->items[i]->placing != NULL && wanted(batch->items[i]))
			selected.items[selected.count++] = batch->items[i];
	return selected;
}

static Placing **
placings_of(const Batch *batch)
{
	Placing   **placings = palloc_array(Placing *, Max(batch->count, 1));

	for (int i = 0; i < batch->count; i++)
		placings[i] = batch->items[i]->placing;
	return placings;
}

static bool
is_any(const BatchItem *item)
{
	return true;
}

static bool
is_new(const BatchItem *item)
{
	return item->placing->repeats == NULL;
}

/* ---- the steps ---- */

static void
parse_item(BatchItem *item)
{
	usom_card_check_jsonb("order document", item->document);
	item->placing = item->read = usom_api_parse(item->document);
}

static void
begin_item(BatchItem *item)
{
	usom_api_refer(item->placing);
	if (item->placing->repeats == NULL)
		usom_api_begin(item->placing);
}

static void
expand_item(BatchItem *item)
{
	usom_api_expand(item->placing);
}

static void
complete_item(BatchItem *item)
{
	usom_api_complete(item->placing);
}

/* What is read for all, or written. */
typedef struct Together
{
	void		(*run) (Placing **placings, int count);
	Placing   **placings;
	int			count;
} Together;

static void
run_together(void *arg)
{
	Together   *together = arg;

	together->run(together->placings, together->count);
}

static ErrorData *
try_together(const Batch *batch, void (*run) (Placing **placings, int count))
{
	Together	together = {run, placings_of(batch), batch->count};

	return batch->count > 0 ? usom_api_attempt(run_together, &together) : NULL;
}

static void
foresee_kits(Placing **placings, int count)
{
	usom_api_foresee_kits(placings, count);
}

static void
foresee(Placing **placings, int count)
{
	usom_api_foresee(placings, count);
}

static void
forget(const Batch *batch)
{
	for (int i = 0; i < batch->count; i++)
	{
		batch->items[i]->placing->price_request = NULL;
		batch->items[i]->placing->checking = (UsomChecking) {0};
	}
}

/* What cannot be read for all is read by each for itself: the document at fault is found by that. */
static void
prepare(const Batch *batch)
{
	Batch		selected;

	for_each(batch, parse_item);
	selected = select_items(batch, is_any);
	usom_api_look_up(placings_of(&selected), selected.count);
	for_each(&selected, begin_item);
	selected = select_items(&selected, is_new);
	(void) try_together(&selected, foresee_kits);
	for_each(&selected, expand_item);
	selected = select_items(&selected, is_new);
	if (try_together(&selected, foresee) != NULL)
		forget(&selected);
	for_each(&selected, complete_item);
}

/* ---- writing ---- */

/* It wanted what others have. */
static bool
is_at_fault(const BatchItem *item)
{
	return item->placing->unmade != NULL || (item->placing->pricing != NULL && item->placing->pricing->loss != NULL);
}

static bool
is_not_at_fault(const BatchItem *item)
{
	return !is_at_fault(item);
}

static void
refuse_item(BatchItem *item)
{
	if (item->placing->unmade != NULL)
		usom_api_refuse_made(item->placing);
	usom_api_refuse_coupon(item->placing->pricing->loss);
}

/* The first of those that want the last of something has it. */
static Batch
drop_those_at_fault(const Batch *batch)
{
	Batch		losers = select_items(batch, is_at_fault);
	Batch		rest = select_items(batch, is_not_at_fault);

	for_each(&losers, refuse_item);
	return rest;
}

static void
write_items(const Batch *batch)
{
	Batch		fresh = select_items(batch, is_new);
	ErrorData  *error = try_together(&fresh, usom_api_write);
	Batch		rest;

	if (error == NULL)
		return;
	check_stack_depth();
	rest = drop_those_at_fault(&fresh);
	if (rest.count == fresh.count && fresh.count == 1)
	{
		reject(fresh.items[0], error);
		return;
	}
	prepare(&rest);
	if (rest.count < fresh.count)
		write_items(&rest);
	else
	{
		write_items(&(Batch) {rest.items, rest.count / 2});
		write_items(&(Batch) {rest.items + rest.count / 2, rest.count - rest.count / 2});
	}
}

/* ---- what became of them ---- */

static bool
is_refused(const BatchItem *item)
{
	return item->placing->refused;
}

static bool
is_lost(const BatchItem *item)
{
	return !item->placing->placed && item->placing->repeats == NULL && !item->placing->refused;
}

/* A check refuses it, now that the others are known. */
static void
refuse_found(BatchItem *item)
{
	usom_api_refuse_findings(&item->placing->checking);
}

/* Another call took the external id while this one waited. */
static void
compare_item(BatchItem *item)
{
	usom_api_compare_again(item->placing);
}

static void
settle(const Batch *batch)
{
	Batch		refused = select_items(batch, is_refused);
	Batch		lost = select_items(batch, is_lost);

	for_each(&refused, refuse_found);
	usom_api_look_up_headers(placings_of(&lost), lost.count);
	for_each(&lost, compare_item);
	for (int i = 0; i < batch->count; i++)
	{
		const Placing *placing = batch->items[i]->placing;

		if (placing == NULL)
			continue;
		batch->items[i]->outcome.outcome = placing->placed ? "placed" : "repeated";
		batch->items[i]->outcome.order_no = placing->placed ? placing->set->orders[0].order_no : placing->repeats;
	}
}

/* What has refused documents is counted, too. */
static void
write_refusals(const Batch *batch)
{
	UsomChecking **checkings = palloc_array(UsomChecking *, batch->count + 1);
	int			n = 0;

	for (int i = 0; i < batch->count; i++)
		if (batch->items[i]->placing == NULL && batch->items[i]->read != NULL && batch->items[i]->read->checking.findings != NIL)
			checkings[n++] = &batch->items[i]->read->checking;
	usom_api_write_hits(checkings, n, true);
}

/* As far as it can be read and repeated: the document may be anything. */
static const char *
external_id_of(Jsonb *document)
{
	JsonbValue	value;
	char	   *external_id;

	if (!JB_ROOT_IS_OBJECT(document) ||
		getKeyJsonValueFromContainer(&document->root, "external_id", strlen("external_id"), &value) == NULL ||
		value.type != jbvString)
		return NULL;
	external_id = pnstrdup(value.val.string.val, value.val.string.len);
	return usom_card_is_in(external_id) ? NULL : external_id;
}

UsomOutcome *
usom_api_place_batch(Jsonb *const *documents, int count)
{
	BatchItem  *items = palloc0_array(BatchItem, Max(count, 1));
	Batch		batch = {palloc_array(BatchItem *, Max(count, 1)), count};
	UsomOutcome *outcomes = palloc_array(UsomOutcome, Max(count, 1));

	for (int i = 0; i < count; i++)
	{
		items[i].document = documents[i];
		items[i].outcome.external_id = external_id_of(documents[i]);
		batch.items[i] = &items[i];
	}
	prepare(&batch);
	write_items(&batch);
	settle(&batch);
	write_refusals(&batch);
	for (int i = 0; i < count; i++)
		outcomes[i] = items[i].outcome;
	return outcomes;
}
