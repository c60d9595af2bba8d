/*
 * process.c
 *		A message that was read becomes an order, a change of one, or its end.
 *
 * What it does is done in a subtransaction: if it fails, the message stays and
 * says why, and nothing else has changed.
 *
 * Locks: the message (by the caller), the order, and what its verb locks.
 */
#include "postgres.h"

#include "intake/circuit.h"

#include "api/api.h"
#include "base/errors.h"
#include "base/query.h"
#include "api/attempt.h"
#include "utils/builtins.h"

static UsomQuery find_order = {
	.text = "SELECT o.sales_order_id, o.order_no, o.revision::pg_catalog.int4 FROM usom.sales_order AS o WHERE o.org_id = $1 "
	"AND CASE WHEN $4 IS NULL THEN o.channel_id = $2 AND o.external_id = $3 ELSE o.channel_id = $2 AND o.order_no = $4 END FOR NO KEY UPDATE OF o",
	.nargs = 4,
	.argtypes = {"bigint", "bigint", "text", "text"},
};

static UsomQuery change_order = {
	.text = "SELECT c.status FROM usom.change_order($1, $2, NULL, $3) AS c",
	.nargs = 3,
	.argtypes = {"text", "jsonb", "text"},
};

static UsomQuery cancel_order = {
	.text = "SELECT c.status FROM usom.cancel_order($1, $2) AS c",
	.nargs = 2,
	.argtypes = {"text", "text"},
};

static UsomQuery note_revision = {
	.text = "UPDATE usom.sales_order AS o SET revision = $3 WHERE o.org_id = $1 AND o.sales_order_id = $2 AND o.revision < $3",
	.nargs = 3,
	.argtypes = {"bigint", "bigint", "usom.ordinal"},
};

/* An order that is there, locked. */
typedef struct There
{
	int64		sales_order_id;
	const char *order_no;
	int32		revision;
} There;

static bool
find_there(const UsomMessage *message, There *there)
{
	bool		nulls[4] = {false, false, message->external_id == NULL, message->order_named == NULL};
	Datum		values[4] = {
		Int64GetDatum(message->org_id), Int64GetDatum(message->channel_id),
		message->external_id != NULL ? CStringGetTextDatum(message->external_id) : (Datum) 0,
		message->order_named != NULL ? CStringGetTextDatum(message->order_named) : (Datum) 0
	};

	if (usom_query_run(&find_order, values, nulls) == 0)
		return false;
	there->sales_order_id = DatumGetInt64(usom_query_get(0, 1));
	there->order_no = usom_query_get_text(0, 2);
	there->revision = DatumGetInt32(usom_query_get(0, 3));
	return true;
}

static void
refuse_stale(const UsomMessage *message, const There *there)
{
	ereport(ERROR, errcode(USOM_ERR(STALE_REVISION)),
			errmsg("\"%s\" of channel \"%s\" is stale", message->external_id, message->channel),
			errdetail("It has revision %d; order \"%s\" is of revision %d.", message->revision, there->order_no, there->revision),
			errhint("Send the newest revision."));
}

static void
change(UsomMessage *message, const There *there, Jsonb *changes)
{
	const char *reason = psprintf("revision %d of %s", message->revision, message->external_id != NULL ? message->external_id : there->order_no);
	Datum		values[] = {CStringGetTextDatum(there->order_no), JsonbPGetDatum(changes), CStringGetTextDatum(reason)};
	Datum		revision[] = {Int64GetDatum(message->org_id), Int64GetDatum(there->sales_order_id), Int32GetDatum(message->revision)};

	if (JB_ROOT_COUNT(changes) > 0)
		usom_query_run(&change_order, values, NULL);
	if (message->has_revision)
		usom_query_write(&note_revision, revision, NULL);
	message->outcome = "changed";
	message->order_no = there->order_no;
}

/* The order of a message: placed, or brought to a newer revision. */
static void
take_order(UsomMessage *message)
{
	There		there;
	UsomPlaced *placed;

	if (message->external_id != NULL && find_there(message, &there) && message->revision != there.revision)
	{
		if (message->revision < there.revision)
			refuse_stale(message, &there);
		change(message, &there, usom_intake_difference(message->org_id, there.sales_order_id, message->document));
		return;
	}
	placed = usom_api_place(message->document);
	message->outcome = placed->repeated ? "repeated" : "placed";
	message->order_no = placed->order_no;
}

static There
require_there(const UsomMessage *message)
{
	There		there;

	if (!find_there(message, &there))
		ereport(ERROR, errcode(USOM_ERR(UNKNOWN_ORDER)),
				errmsg("channel \"%s\" has no order \"%s\" to be changed", message->channel,
					   message->order_named != NULL ? message->order_named : message->external_id),
				errhint("Send the order first; the message is tried again."));
	if (message->has_revision && message->revision <= there.revision)
		refuse_stale(message, &there);
	return there;
}

static void
take_cancellation(UsomMessage *message)
{
	There		there = require_there(message);
	JsonbValue	reason;
	bool		given = getKeyJsonValueFromContainer(&message->document->root, "reason", (int) strlen("reason"), &reason) != NULL && reason.type == jbvString;
	Datum		values[] = {
		CStringGetTextDatum(there.order_no),
		given ? PointerGetDatum(cstring_to_text_with_len(reason.val.string.val, reason.val.string.len))
		: CStringGetTextDatum(psprintf("cancelled by channel %s", message->channel))
	};

	usom_query_run(&cancel_order, values, NULL);
	message->outcome = "cancelled";
	message->order_no = there.order_no;
}

static void
work(void *arg)
{
	UsomMessage *message = arg;

	if (strcmp(message->kind, "order") == 0)
		take_order(message);
	else if (strcmp(message->kind, "change") == 0)
	{
		There		there = require_there(message);

		change(message, &there, usom_intake_resolve(message->org_id, there.sales_order_id, message->document));
	}
	else
		take_cancellation(message);
}

/* lines[2].sku, as far as the words of an error name such a place. */
static const char *
place_in(const char *words)
{
	const char *start = words != NULL ? strstr(words, "lines[") : NULL;
	size_t		length = start != NULL ? strspn(start, "abcdefghijklmnopqrstuvwxyz0123456789_.[]") : 0;

	while (length > 0 && start[length - 1] == '.')
		length--;
	return length > 0 ? pnstrdup(start, length) : NULL;
}

static const char *
source_of(const UsomMessage *message, const char *path)
{
	const UsomMapping *mapping = path != NULL && message->mapping != NULL
		? usom_mapping_find(message->org_id, message->channel, message->payload) : NULL;

	return mapping != NULL ? usom_mapping_source(mapping, path) : NULL;
}

static void
find_error(UsomMessage *message, const ErrorData *error)
{
	UsomMapFinding *finding = palloc0_object(UsomMapFinding);

	finding->path = place_in(error->message);
	if (finding->path == NULL)
		finding->path = place_in(error->detail);
	finding->source = source_of(message, finding->path);
	finding->code = pstrdup(unpack_sql_state(error->sqlerrcode));
	finding->message = error->message;
	finding->detail = error->detail;
	finding->remedy = error->hint;
	message->findings = lappend(message->findings, finding);
	message->outcome = NULL;
}

/* Another call may have placed the order while this one waited: then it is there to be compared with. */
static ErrorData *
try_work(UsomMessage *message)
{
	ErrorData  *error = usom_api_attempt_kept(work, message);

	if (error != NULL && error->sqlerrcode == USOM_ERR(KEY_REUSED) && message->revision > 1)
		error = usom_api_attempt_kept(work, message);
	return error;
}

void
usom_intake_process(UsomMessage *message)
{
	ErrorData  *error;

	message->attempts++;
	message->outcome = NULL;
	if (message->findings == NIL)
	{
		error = try_work(message);
		if (error != NULL)
			find_error(message, error);
	}
	usom_inbox_settle(message);
	usom_circuit_learn(message);
}
