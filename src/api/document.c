/*
 * document.c
 *		The order document.
 *
 * Pure: no SPI, no catalog, no locks.  Memory: CurrentMemoryContext.
 */
#include "postgres.h"

#include "api/document.h"

#include "base/errors.h"
#include "order/order.h"

static void read_lines(JsonbValue *array, void *target);

static const UsomKey line_keys[] = {
	{"sku", USOM_KEY_TEXT, offsetof(UsomDocumentLine, sku)},
	{"quantity", USOM_KEY_QUANTITY, offsetof(UsomDocumentLine, quantity)},
	{"unit_price", USOM_KEY_AMOUNT, offsetof(UsomDocumentLine, unit_price), offsetof(UsomDocumentLine, has_price)},
	{"location", USOM_KEY_TEXT, offsetof(UsomDocumentLine, location)},
	{"requested_at", USOM_KEY_TIME, offsetof(UsomDocumentLine, requested_at)},
	{"substitution", USOM_KEY_TEXT, offsetof(UsomDocumentLine, substitution)},
	{"partial", USOM_KEY_BOOLEAN, offsetof(UsomDocumentLine, partial)},
};

static const UsomKey document_keys[] = {
	{"channel", USOM_KEY_TEXT, offsetof(UsomDocument, channel)},
	{"external_id", USOM_KEY_TEXT, offsetof(UsomDocument, external_id)},
	{"revision", USOM_KEY_INTEGER, offsetof(UsomDocument, revision)},
	{"order_type", USOM_KEY_TEXT, offsetof(UsomDocument, order_type)},
	{"customer", USOM_KEY_TEXT, offsetof(UsomDocument, customer)},
	{"currency", USOM_KEY_TEXT, offsetof(UsomDocument, currency)},
	{"priority", USOM_KEY_INTEGER, offsetof(UsomDocument, priority)},
	{"placed_at", USOM_KEY_TIME, offsetof(UsomDocument, placed_at)},
	{"requested_at", USOM_KEY_TIME, offsetof(UsomDocument, requested_at)},
	{"ship_complete", USOM_KEY_BOOLEAN, offsetof(UsomDocument, ship_complete)},
	{"draft", USOM_KEY_BOOLEAN, offsetof(UsomDocument, draft)},
	{"coupons", USOM_KEY_TEXTS, offsetof(UsomDocument, coupons)},
	{"ship_to", USOM_KEY_ADDRESS, offsetof(UsomDocument, ship_to)},
	{"payment", USOM_KEY_PAYMENT, offsetof(UsomDocument, payment)},
	{"instructions", USOM_KEY_FREE_TEXT, offsetof(UsomDocument, instructions)},
	{"reservation_owner", USOM_KEY_TEXT, offsetof(UsomDocument, reservation_owner)},
	{"lines", USOM_KEY_LINES, 0},
};

static UsomSchema line_schema = {"order document", 0, line_keys, lengthof(line_keys)};
static UsomSchema document_schema = {"order document", 0, document_keys, lengthof(document_keys), read_lines};

static void
read_line(JsonbContainer *object, int index, void *target)
{
	UsomDocument *document = target;
	UsomDocumentLine *line = &document->lines[index];
	char		path[32];

	snprintf(path, sizeof(path), "lines[%d].", index);
	*line = (UsomDocumentLine) {.requested_at = USOM_NO_TIME, .substitution = "none", .partial = true};
	usom_document_read(&line_schema, object, path, line);
	if (line->sku == NULL)
		usom_document_refuse(&line_schema, path, "sku", "is missing");
	if (line->quantity == 0)
		usom_document_refuse(&line_schema, path, "quantity", "is missing");
	if (strcmp(line->substitution, "none") != 0 && strcmp(line->substitution, "allowed") != 0)
		usom_document_refuse(&line_schema, path, "substitution", "must be \"none\" or \"allowed\"");
}

static void
read_lines(JsonbValue *array, void *target)
{
	UsomDocument *document = target;

	if (array->type != jbvBinary || !JsonContainerIsArray(array->val.binary.data))
		usom_document_refuse(&document_schema, "", "lines", "must be an array of objects");
	document->lines = palloc_array(UsomDocumentLine, Max(JsonContainerSize(array->val.binary.data), 1));
	document->nlines = usom_document_each(&document_schema, array, "lines", read_line, document);
}

static void
check_document(const UsomDocument *document)
{
	if (document->nlines == 0)
		usom_document_refuse(&document_schema, "", "lines", "must have at least one line");
	if (document->revision < 1)
		usom_document_refuse(&document_schema, "", "revision", "must be 1 or more");
	if (document->currency != NULL &&
		(strlen(document->currency) != 3 || strspn(document->currency, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != 3))
		usom_document_refuse(&document_schema, "", "currency", "must be a code of three capital letters such as \"EUR\"");
}

UsomDocument *
usom_document_parse(Jsonb *jsonb)
{
	UsomDocument *document = palloc0_object(UsomDocument);

	line_schema.sqlerrcode = document_schema.sqlerrcode = USOM_ERR(INVALID_DOCUMENT);
	document->channel = "manual";
	document->revision = 1;
	document->order_type = "standard";
	document->priority = 5;
	document->placed_at = document->requested_at = USOM_NO_TIME;
	if (!JB_ROOT_IS_OBJECT(jsonb))
		usom_document_refuse(&document_schema, "", "the document", "must be an object");
	usom_document_read(&document_schema, &jsonb->root, "", document);
	check_document(document);
	return document;
}
