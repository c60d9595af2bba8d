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
#include "pricing/currency.h"

static void read_lines(JsonbValue *array, void *target);

static const UsomKey line_keys[] = {
	USOM_KEY_AS("sku", USOM_KEY_TEXT, UsomDocumentLine, sku),
	USOM_KEY_AS("quantity", USOM_KEY_QUANTITY, UsomDocumentLine, quantity),
	USOM_KEY_AS("unit", USOM_KEY_TEXT, UsomDocumentLine, unit),
	USOM_KEY_GIVEN("unit_price", USOM_KEY_AMOUNT, UsomDocumentLine, unit_price, has_price),
	USOM_KEY_AS("location", USOM_KEY_TEXT, UsomDocumentLine, location),
	USOM_KEY_AS("requested_at", USOM_KEY_TIME, UsomDocumentLine, requested_at),
	USOM_KEY_AS("substitution", USOM_KEY_TEXT, UsomDocumentLine, substitution),
	USOM_KEY_AS("partial", USOM_KEY_BOOLEAN, UsomDocumentLine, partial),
	USOM_KEY_AS("make", USOM_KEY_MAKE, UsomDocumentLine, make),
	USOM_KEY_AS("tax", USOM_KEY_OBJECT, UsomDocumentLine, tax_object),
	USOM_KEY_AS("override", USOM_KEY_OBJECT, UsomDocumentLine, override_object),
};

static const UsomKey tax_keys[] = {
	USOM_KEY_AS("amount", USOM_KEY_AMOUNT, UsomToldTax, amount),
	USOM_KEY_AS("included", USOM_KEY_BOOLEAN, UsomToldTax, included),
	USOM_KEY_AS("jurisdiction", USOM_KEY_TEXT, UsomToldTax, jurisdiction),
};

static const UsomKey override_keys[] = {
	USOM_KEY_AS("unit_price", USOM_KEY_AMOUNT, UsomDocumentLine, override_price),
	USOM_KEY_AS("reason", USOM_KEY_TEXT, UsomDocumentLine, override_reason),
};

static const UsomKey document_keys[] = {
	USOM_KEY_AS("channel", USOM_KEY_TEXT, UsomDocument, channel),
	USOM_KEY_AS("external_id", USOM_KEY_TEXT, UsomDocument, external_id),
	USOM_KEY_AS("revision", USOM_KEY_INTEGER, UsomDocument, revision),
	USOM_KEY_AS("order_type", USOM_KEY_TEXT, UsomDocument, order_type),
	USOM_KEY_AS("customer", USOM_KEY_TEXT, UsomDocument, customer),
	USOM_KEY_AS("currency", USOM_KEY_TEXT, UsomDocument, currency),
	USOM_KEY_AS("priority", USOM_KEY_INTEGER, UsomDocument, priority),
	USOM_KEY_AS("placed_at", USOM_KEY_TIME, UsomDocument, placed_at),
	USOM_KEY_AS("requested_at", USOM_KEY_TIME, UsomDocument, requested_at),
	USOM_KEY_AS("ship_complete", USOM_KEY_BOOLEAN, UsomDocument, ship_complete),
	USOM_KEY_AS("draft", USOM_KEY_BOOLEAN, UsomDocument, draft),
	USOM_KEY_AS("coupons", USOM_KEY_TEXTS, UsomDocument, coupons),
	USOM_KEY_AS("ship_to", USOM_KEY_ADDRESS, UsomDocument, ship_to),
	USOM_KEY_AS("payment", USOM_KEY_PAYMENT, UsomDocument, payment),
	USOM_KEY_AS("instructions", USOM_KEY_FREE_TEXT, UsomDocument, instructions),
	USOM_KEY_AS("reservation_owner", USOM_KEY_TEXT, UsomDocument, reservation_owner),
	USOM_KEY_GIVEN("risk_score", USOM_KEY_INTEGER, UsomDocument, risk_score, has_risk_score),
	USOM_KEY_AS("override", USOM_KEY_OBJECT, UsomDocument, override),
	{"lines", USOM_KEY_LINES, 0, 0},
};

static UsomSchema line_schema = {"order document", 0, line_keys, lengthof(line_keys), NULL};
static UsomSchema document_schema = {"order document", 0, document_keys, lengthof(document_keys), read_lines};

UsomToldTax
usom_document_read_tax(const UsomSchema *schema, JsonbContainer *object, const char *path)
{
	UsomSchema	nested = {schema->what, schema->sqlerrcode, tax_keys, lengthof(tax_keys), NULL};
	UsomToldTax tax = {.jurisdiction = "outside"};

	usom_document_read(&nested, object, path, &tax);
	if (tax.amount == NULL)
		usom_document_refuse(schema, path, "amount", "is missing");
	return tax;
}

/* A price without a reason is US430 like that of override_price(). */
static void
read_override(UsomDocumentLine *line, const char *path)
{
	UsomSchema	nested = {line_schema.what, line_schema.sqlerrcode, override_keys, lengthof(override_keys), NULL};

	usom_document_read(&nested, &line->override_object->root, path, line);
	if (line->override_price == NULL)
		usom_document_refuse(&line_schema, path, "unit_price", "is missing");
	if (line->override_reason == NULL)
		ereport(ERROR, errcode(USOM_ERR(NO_OVERRIDE_REASON)),
				errmsg("order document: %sreason is missing", path),
				errhint("Say why the price is another one."));
}

static void
read_line(JsonbContainer *object, int index, void *target)
{
	UsomDocument *document = target;
	UsomDocumentLine *line = &document->lines[index];
	char		path[32];

	snprintf(path, sizeof(path), "lines[%d].", index);
	*line = (UsomDocumentLine) {.requested_at = USOM_NO_TIME, .partial = true};
	usom_document_read(&line_schema, object, path, line);
	if (line->sku == NULL)
		usom_document_refuse(&line_schema, path, "sku", "is missing");
	if (line->quantity == 0)
		usom_document_refuse(&line_schema, path, "quantity", "is missing");
	if (line->substitution != NULL && strcmp(line->substitution, "none") != 0 && strcmp(line->substitution, "allowed") != 0)
		usom_document_refuse(&line_schema, path, "substitution", "must be \"none\" or \"allowed\"");
	if (line->tax_object != NULL)
		line->tax = usom_document_read_tax(&line_schema, &line->tax_object->root, psprintf("%stax.", path));
	if (line->override_object != NULL)
		read_override(line, psprintf("%soverride.", path));
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
read_type(UsomDocument *document)
{
	if (usom_order_type_find(document->order_type, &document->type))
		return;
	ereport(ERROR, errcode(USOM_ERR(INVALID_DOCUMENT)),
			errmsg("order document: order_type \"%s\" is not known", document->order_type),
			errdetail("The type says which flow the order takes."),
			errhint("Known types: %s.", usom_order_type_list()));
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
	if (document->currency != NULL)
		usom_currency_require(document->currency);
	if (document->has_risk_score && (document->risk_score < 0 || document->risk_score > 100))
		usom_document_refuse(&document_schema, "", "risk_score", "must be from 0 to 100");
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
	read_type(document);
	check_document(document);
	return document;
}
