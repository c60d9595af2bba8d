/*
 * history_read.c
 *		The history document: jsonb in, a checked struct out.
 *
 * Pure: no SPI, no catalog, no locks.  Memory: CurrentMemoryContext.
 */
#include "postgres.h"

#include "intake/history.h"

#include "api/document.h"
#include "base/compat.h"
#include "base/errors.h"
#include "pricing/currency.h"

static const UsomKey history_keys[] = {
	USOM_KEY_AS("order_no", USOM_KEY_TEXT, UsomHistory, order_no),
	USOM_KEY_AS("channel", USOM_KEY_TEXT, UsomHistory, channel),
	USOM_KEY_AS("external_id", USOM_KEY_TEXT, UsomHistory, external_id),
	USOM_KEY_AS("customer", USOM_KEY_TEXT, UsomHistory, customer),
	USOM_KEY_AS("currency", USOM_KEY_TEXT, UsomHistory, currency),
	USOM_KEY_AS("order_type", USOM_KEY_TEXT, UsomHistory, order_type),
	USOM_KEY_AS("priority", USOM_KEY_INTEGER, UsomHistory, priority),
	USOM_KEY_AS("placed_at", USOM_KEY_TIME, UsomHistory, placed_at),
	USOM_KEY_AS("requested_at", USOM_KEY_TIME, UsomHistory, requested_at),
	USOM_KEY_AS("ship_to", USOM_KEY_ADDRESS, UsomHistory, ship_to),
	USOM_KEY_AS("instructions", USOM_KEY_FREE_TEXT, UsomHistory, instructions),
	USOM_KEY_AS("status", USOM_KEY_TEXT, UsomHistory, status),
	USOM_KEY_AS("total", USOM_KEY_AMOUNT, UsomHistory, total),
};

static const UsomKey line_keys[] = {
	USOM_KEY_AS("sku", USOM_KEY_TEXT, UsomHistoryLine, sku),
	USOM_KEY_AS("quantity", USOM_KEY_QUANTITY, UsomHistoryLine, quantity),
	USOM_KEY_AS("unit_price", USOM_KEY_AMOUNT, UsomHistoryLine, unit_price),
	USOM_KEY_AS("location", USOM_KEY_TEXT, UsomHistoryLine, location),
	USOM_KEY_AS("cancelled", USOM_KEY_AMOUNT, UsomHistoryLine, told_cancelled),
	USOM_KEY_AS("discount", USOM_KEY_AMOUNT, UsomHistoryLine, discount),
	USOM_KEY_AS("freight", USOM_KEY_AMOUNT, UsomHistoryLine, freight),
	USOM_KEY_AS("tax", USOM_KEY_AMOUNT, UsomHistoryLine, tax),
	USOM_KEY_AS("tax_included", USOM_KEY_BOOLEAN, UsomHistoryLine, tax_included),
};

static const UsomKey shipment_keys[] = {
	USOM_KEY_AS("shipment_no", USOM_KEY_TEXT, UsomHistoryParcel, number),
	USOM_KEY_AS("location", USOM_KEY_TEXT, UsomHistoryParcel, location),
	USOM_KEY_AS("carrier", USOM_KEY_TEXT, UsomHistoryParcel, carrier),
	USOM_KEY_AS("tracking", USOM_KEY_TEXT, UsomHistoryParcel, tracking),
	USOM_KEY_AS("service", USOM_KEY_TEXT, UsomHistoryParcel, service),
	USOM_KEY_AS("shipped_at", USOM_KEY_TIME, UsomHistoryParcel, at),
	USOM_KEY_AS("delivered_at", USOM_KEY_TIME, UsomHistoryParcel, delivered_at),
};

static const UsomKey return_keys[] = {
	USOM_KEY_AS("return_no", USOM_KEY_TEXT, UsomHistoryParcel, number),
	USOM_KEY_AS("reason", USOM_KEY_TEXT, UsomHistoryParcel, reason),
	USOM_KEY_AS("received_at", USOM_KEY_TIME, UsomHistoryParcel, at),
};

static const UsomKey share_keys[] = {
	USOM_KEY_AS("line_no", USOM_KEY_INTEGER, UsomHistoryShare, line_no),
	USOM_KEY_AS("quantity", USOM_KEY_QUANTITY, UsomHistoryShare, quantity),
	USOM_KEY_AS("lot", USOM_KEY_TEXT, UsomHistoryShare, lot),
};

#define SCHEMA(keys) {"history document", 0, keys, lengthof(keys), NULL}

static UsomSchema history_schema = SCHEMA(history_keys);
static UsomSchema line_schema = SCHEMA(line_keys);
static UsomSchema shipment_schema = SCHEMA(shipment_keys);
static UsomSchema return_schema = SCHEMA(return_keys);
static UsomSchema share_schema = SCHEMA(share_keys);

static bool
is_one_of(const char *const *names, const JsonbValue *key)
{
	for (; *names != NULL; names++)
		if (strlen(*names) == (size_t) key->val.string.len && memcmp(*names, key->val.string.val, key->val.string.len) == 0)
			return true;
	return false;
}

/* The object without some of its keys. */
static JsonbContainer *
without(JsonbContainer *object, const char *const *names)
{
	JsonbParseState *state = NULL;
	JsonbIterator *it = JsonbIteratorInit(object);
	JsonbIteratorToken token;
	JsonbValue	key;
	JsonbValue	value;

	(void) JsonbIteratorNext(&it, &key, true);
	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	while ((token = JsonbIteratorNext(&it, &key, true)) == WJB_KEY)
	{
		(void) JsonbIteratorNext(&it, &value, true);
		if (is_one_of(names, &key))
			continue;
		pushJsonbValue(&state, WJB_KEY, &key);
		pushJsonbValue(&state, WJB_VALUE, &value);
	}
	return &JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL))->root;
}

/* An array of the object, or false: it is left out, or null. */
static bool
find_array(const UsomSchema *schema, JsonbContainer *object, const char *path, const char *key, JsonbValue *array)
{
	if (getKeyJsonValueFromContainer(object, key, (int) strlen(key), array) == NULL || array->type == jbvNull)
		return false;
	if (array->type != jbvBinary || !JsonContainerIsArray(array->val.binary.data))
		usom_document_refuse(schema, path, key, "must be an array of objects");
	return true;
}

static int
array_size(const JsonbValue *array)
{
	return (int) JsonContainerSize(array->val.binary.data);
}

/* ---- shares ---- */

typedef struct ShareTarget
{
	const char *path;
	UsomHistoryShare *shares;
} ShareTarget;

static void
read_share(JsonbContainer *object, int index, void *target)
{
	ShareTarget *shares = target;
	UsomHistoryShare *share = &shares->shares[index];
	char	   *path = psprintf("%slines[%d].", shares->path, index);

	*share = (UsomHistoryShare) {0};
	usom_document_read(&share_schema, object, path, share);
	if (share->line_no == 0)
		usom_document_refuse(&share_schema, path, "line_no", "is missing");
	if (share->quantity == 0)
		usom_document_refuse(&share_schema, path, "quantity", "is missing");
}

static void
read_shares(UsomHistoryParcel *parcel, JsonbContainer *object, const char *path)
{
	JsonbValue	array;
	ShareTarget target = {.path = path};

	parcel->nshares = -1;
	if (!find_array(&share_schema, object, path, "lines", &array))
		return;
	parcel->shares = target.shares = palloc_array(UsomHistoryShare, Max(array_size(&array), 1));
	parcel->nshares = usom_document_each(&share_schema, &array, "lines", read_share, &target);
}

/* ---- parcels ---- */

static void
read_parcel(const UsomSchema *schema, const char *date, UsomHistoryParcel *parcel, JsonbContainer *object, const char *path)
{
	static const char *const arrays[] = {"lines", NULL};

	*parcel = (UsomHistoryParcel) {.at = USOM_NO_TIME, .delivered_at = USOM_NO_TIME};
	usom_document_read(schema, without(object, arrays), path, parcel);
	read_shares(parcel, object, path);
	if (parcel->at == USOM_NO_TIME)
		usom_document_refuse(schema, path, date, "is missing");
}

static void
read_shipment(JsonbContainer *object, int index, void *target)
{
	read_parcel(&shipment_schema, "shipped_at", &((UsomHistory *) target)->shipments[index], object, psprintf("shipments[%d].", index));
}

static void
read_return(JsonbContainer *object, int index, void *target)
{
	UsomHistoryParcel *parcel = &((UsomHistory *) target)->returns[index];
	char	   *path = psprintf("returns[%d].", index);

	read_parcel(&return_schema, "received_at", parcel, object, path);
	if (parcel->nshares <= 0)
		usom_document_refuse(&return_schema, path, "lines", "must have at least one line");
}

/* ---- lines and the whole ---- */

static void
read_line(JsonbContainer *object, int index, void *target)
{
	UsomHistoryLine *line = &((UsomHistory *) target)->lines[index];
	char	   *path = psprintf("lines[%d].", index);

	*line = (UsomHistoryLine) {0};
	usom_document_read(&line_schema, object, path, line);
	if (line->sku == NULL)
		usom_document_refuse(&line_schema, path, "sku", "is missing");
	if (line->quantity == 0)
		usom_document_refuse(&line_schema, path, "quantity", "is missing");
	if (line->told_cancelled != NULL)
		line->cancelled = usom_quantity_of(line->told_cancelled);
}

static void
read_arrays(UsomHistory *history, JsonbContainer *object)
{
	JsonbValue	array;

	if (find_array(&history_schema, object, "", "lines", &array))
	{
		history->lines = palloc_array(UsomHistoryLine, Max(array_size(&array), 1));
		history->nlines = usom_document_each(&history_schema, &array, "lines", read_line, history);
	}
	if (find_array(&history_schema, object, "", "shipments", &array))
	{
		history->shipments = palloc_array(UsomHistoryParcel, Max(array_size(&array), 1));
		history->nshipments = usom_document_each(&history_schema, &array, "shipments", read_shipment, history);
	}
	if (find_array(&history_schema, object, "", "returns", &array))
	{
		history->returns = palloc_array(UsomHistoryParcel, Max(array_size(&array), 1));
		history->nreturns = usom_document_each(&history_schema, &array, "returns", read_return, history);
	}
}

static void
check_history(UsomHistory *history)
{
	if (history->order_no == NULL)
		usom_document_refuse(&history_schema, "", "order_no", "is missing");
	if (history->placed_at == USOM_NO_TIME)
		usom_document_refuse(&history_schema, "", "placed_at", "is missing");
	if (history->nlines == 0)
		usom_document_refuse(&history_schema, "", "lines", "must have at least one line");
	if (history->currency != NULL)
		usom_currency_require(history->currency);
	if (!usom_order_type_find(history->order_type, &history->type))
		usom_document_refuse(&history_schema, "", "order_type", "is not known");
}

UsomHistory *
usom_history_read(Jsonb *document)
{
	static const char *const arrays[] = {"lines", "shipments", "returns", NULL};
	UsomHistory *history = palloc0_object(UsomHistory);

	history_schema.sqlerrcode = line_schema.sqlerrcode = shipment_schema.sqlerrcode = return_schema.sqlerrcode =
		share_schema.sqlerrcode = USOM_ERR(INVALID_DOCUMENT);
	history->channel = "manual";
	history->order_type = "standard";
	history->priority = 5;
	history->placed_at = history->requested_at = USOM_NO_TIME;
	history->order = -1;
	if (!JB_ROOT_IS_OBJECT(document))
		usom_document_refuse(&history_schema, "", "the document", "must be an object");
	usom_document_read(&history_schema, without(&document->root, arrays), "", history);
	read_arrays(history, &document->root);
	check_history(history);
	return history;
}
