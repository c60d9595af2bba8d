/*
 * read.c
 *		From a payload to what is asked for, and of which order.
 *
 * A payload that no mapping reads is a document itself.  What the caller says
 * about identity counts more than what the payload says.
 *
 * Memory: CurrentMemoryContext.  Locks: none; nothing is written.
 */
#include "postgres.h"

#include "intake/inbox.h"

#include "base/compat.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

static bool
get(const Jsonb *document, const char *key, JsonbValue *value)
{
	return getKeyJsonValueFromContainer(unconstify(JsonbContainer *, &document->root), key, (int) strlen(key), value) != NULL;
}

static const char *
get_text(const Jsonb *document, const char *key)
{
	JsonbValue	value;

	return get(document, key, &value) && value.type == jbvString ? pnstrdup(value.val.string.val, value.val.string.len) : NULL;
}

static bool
get_integer(const Jsonb *document, const char *key, int32 *number)
{
	JsonbValue	value;
	bool		fits = true;

	if (!get(document, key, &value) || value.type != jbvNumeric)
		return false;
	*number = numeric_int4_opt_error(value.val.numeric, &fits);
	return !fits;
}

static void
find(UsomMessage *message, const char *path, const char *words, const char *remedy)
{
	UsomMapFinding *finding = palloc0_object(UsomMapFinding);

	finding->path = path;
	finding->code = "US803";
	finding->message = words;
	finding->remedy = remedy;
	message->findings = lappend(message->findings, finding);
}

static Jsonb *
without(Jsonb *document, const char *key)
{
	return DatumGetJsonbP(DirectFunctionCall2(jsonb_delete, JsonbPGetDatum(document), CStringGetTextDatum(key)));
}

static void
push_text(JsonbParseState **state, const char *key, const char *string)
{
	JsonbValue	name = {.type = jbvString, .val.string = {.len = (int) strlen(key), .val = unconstify(char *, key)}};
	JsonbValue	value = {.type = jbvString, .val.string = {.len = (int) strlen(string), .val = unconstify(char *, string)}};

	pushJsonbValue(state, WJB_KEY, &name);
	pushJsonbValue(state, WJB_VALUE, &value);
}

/* The document says what the message knows of itself. */
static Jsonb *
with_identity(const UsomMessage *message)
{
	JsonbParseState *state = NULL;
	JsonbValue	key = {.type = jbvString, .val.string = {.len = (int) strlen("revision"), .val = (char *) "revision"}};
	JsonbValue	revision = {.type = jbvNumeric};

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	push_text(&state, "channel", message->channel);
	if (message->external_id != NULL)
		push_text(&state, "external_id", message->external_id);
	if (message->has_revision)
	{
		revision.val.numeric = DatumGetNumeric(DirectFunctionCall1(int4_numeric, Int32GetDatum(message->revision)));
		pushJsonbValue(&state, WJB_KEY, &key);
		pushJsonbValue(&state, WJB_VALUE, &revision);
	}
	return DatumGetJsonbP(DirectFunctionCall2(jsonb_concat, JsonbPGetDatum(message->document),
											  JsonbPGetDatum(JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL)))));
}

static void
take_identity(UsomMessage *message, const char *external_id, int32 revision, bool has_revision)
{
	const char *channel = get_text(message->document, "channel");

	message->external_id = external_id != NULL ? external_id : get_text(message->document, "external_id");
	message->order_named = get_text(message->document, "order_no");
	message->revision = 1;
	message->has_revision = has_revision || get_integer(message->document, "revision", &message->revision);
	if (has_revision)
		message->revision = revision;
	if (message->revision < 1)
	{
		message->revision = 1;
		find(message, "revision", "revision is below 1", "Count revisions from 1.");
	}
	if (channel != NULL && strcmp(channel, message->channel) != 0)
		find(message, "channel", psprintf("the payload is of channel \"%s\"", channel), psprintf("usom.ingest('%s', ...)", channel));
}

/* Of a change, what change_order() takes is left; of a cancellation, the reason. */
static void
take_document(UsomMessage *message)
{
	static const char *const identity[] = {"channel", "external_id", "revision", "order_no"};

	if (strcmp(message->kind, "order") == 0)
	{
		message->document = with_identity(message);
		return;
	}
	if (message->external_id == NULL && message->order_named == NULL)
		find(message, "external_id", psprintf("the %s names no order", message->kind), "Map external_id or order_no.");
	for (int i = 0; i < (int) lengthof(identity); i++)
		message->document = without(message->document, identity[i]);
}

/* A payload that says it cannot be used is known by its digest, so that the sender may send another one of the same order. */
static void
take_nothing(UsomMessage *message, const char *external_id, int32 revision, bool has_revision)
{
	message->document = NULL;
	message->external_id = external_id;
	message->has_revision = has_revision;
	message->revision = has_revision ? revision : 1;
}

void
usom_intake_read(UsomMessage *message, const char *external_id, int32 revision, bool has_revision)
{
	const UsomMapping *mapping = usom_mapping_find(message->org_id, message->channel, message->payload);

	message->findings = NIL;
	message->content = usom_mapping_content(mapping, message->payload);
	message->kind = mapping != NULL ? pstrdup(mapping->kind) : "order";
	message->mapping = mapping != NULL ? psprintf("%s %d", mapping->code, mapping->version) : NULL;
	if (mapping != NULL && usom_mapping_problems(mapping, message->payload, &message->findings))
	{
		take_nothing(message, external_id, revision, has_revision);
		return;
	}
	message->document = mapping != NULL ? usom_mapping_apply(mapping, message->payload, &message->findings, NULL) : message->payload;
	message->external_id = external_id;
	message->revision = has_revision ? revision : 1;
	if (!JB_ROOT_IS_OBJECT(message->document) || JB_ROOT_IS_SCALAR(message->document))
	{
		find(message, NULL, "the payload is no JSON object, and no mapping reads it", "usom.add_mapping(), or INSERT INTO usom.mapping ...");
		message->document = NULL;
		return;
	}
	take_identity(message, external_id, revision, has_revision);
	take_document(message);
}
