/*
 * draft.c
 *		Rows of drafts, and the units that are held for them.
 *
 * Locks: the message of a draft, then the draft; quoting locks and lets go
 * again; then stock rows in stock order.
 *
 * Somebody may take units between the quote and the holds.  Then it is quoted
 * once more: what is answered is what is held.
 *
 * Memory: CurrentMemoryContext.
 */
#include "postgres.h"

#include "intake/draft.h"

#include "api/place.h"
#include "audit/entry.h"
#include "base/call.h"
#include "base/errors.h"
#include "base/ident.h"
#include "base/query.h"
#include "base/settings.h"
#include "party/party.h"
#include "party/person.h"
#include "stock/place.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

#define DRAFT_COLUMNS "d.draft_id, d.draft_no, d.channel_id, c.code, d.agent, d.status, d.version, d.document, d.findings, d.told, d.submit_key, " \
	"o.order_no, d.dropped_because, d.inbox_message_id, m.message_no, m.external_id, m.revision::pg_catalog.int4, k.key " \
	"FROM usom.draft AS d JOIN usom.channel AS c ON c.org_id = $1 AND c.channel_id = d.channel_id " \
	"LEFT JOIN usom.sales_order AS o ON o.org_id = $1 AND o.sales_order_id = d.sales_order_id " \
	"LEFT JOIN usom.inbox_message AS m ON m.org_id = $1 AND m.inbox_message_id = d.inbox_message_id " \
	"LEFT JOIN usom.vault_key AS k ON k.org_id = $1 AND k.person_id = d.draft_id "

/* Which message a draft came of never changes: it is looked up before either is locked. */
static UsomQuery lock_message = {
	.text = "SELECT m.inbox_message_id FROM usom.inbox_message AS m WHERE m.org_id = $1 AND m.inbox_message_id = "
	"(SELECT d.inbox_message_id FROM usom.draft AS d WHERE d.org_id = $1 AND d.draft_no = $2) FOR NO KEY UPDATE",
	.nargs = 2,
	.argtypes = {"bigint", "text"},
};

static UsomQuery lock_draft = {
	.text = "SELECT d.draft_id FROM usom.draft AS d WHERE d.org_id = $1 AND d.draft_no = $2 AND ($3 IS NULL OR d.channel_id = ANY ($3)) FOR NO KEY UPDATE",
	.nargs = 3,
	.argtypes = {"bigint", "text", "bigint[]"},
};

/* After the wait for the lock: the order that it became meanwhile is seen, too. */
static UsomQuery find_draft = {
	.text = "SELECT " DRAFT_COLUMNS "WHERE d.org_id = $1 AND d.draft_id = $2",
	.nargs = 2,
	.argtypes = {"bigint", "bigint"},
};

static UsomQuery find_of_message = {
	.text = "SELECT " DRAFT_COLUMNS "WHERE d.org_id = $1 AND d.inbox_message_id = $2 AND d.status = 'open' FOR NO KEY UPDATE OF d",
	.nargs = 2,
	.argtypes = {"bigint", "bigint"},
};

static UsomQuery insert_draft = {
	.text = "WITH key AS (INSERT INTO usom.vault_key (org_id, person_id, key) VALUES ($1, $2, $9)) "
	"INSERT INTO usom.draft (org_id, draft_id, draft_no, channel_id, agent, document, inbox_message_id, findings, client_address, application, started_at, saved_at, held_until) "
	"VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $10, $11, $12, $12, $12)",
	.nargs = 12,
	.argtypes = {"bigint", "bigint", "text", "bigint", "text", "text", "bigint", "jsonb", "bytea", "text", "text", "timestamptz"},
};

static UsomQuery save_draft = {
	.text = "UPDATE usom.draft AS d SET version = $3, document = $4, channel_id = $5, saved_at = $6, held_until = $7, quantity_held = $8, "
	"customer = CASE WHEN jsonb_typeof($10->'customer') = 'string' THEN left($10->>'customer', 200) END, "
	"quantity_told = ($9->>'quantity_reserved')::pg_catalog.numeric, "
	"told = jsonb_build_object('valid', $9->'valid', 'currency', $9->'currency', 'total', $9->'total', 'promised_at', $9->'promised_at', "
	"'quantity_reserved', $9->'quantity_reserved', 'quantity_backordered', $9->'quantity_backordered', 'lines', coalesce((SELECT jsonb_agg(jsonb_build_object("
	"'line_no', l.line->'line_no', 'sku', l.line->'sku', 'quantity', l.line->'quantity', 'unit_price', l.line->'unit_price', 'reserved', l.line->'reserved') ORDER BY l.n) "
	"FROM jsonb_array_elements(CASE WHEN jsonb_typeof($9->'lines') = 'array' THEN $9->'lines' END) WITH ORDINALITY AS l (line, n)), '[]')) "
	"WHERE d.org_id = $1 AND d.draft_id = $2 RETURNING d.told",
	.nargs = 10,
	.argtypes = {"bigint", "bigint", "integer", "text", "bigint", "timestamptz", "timestamptz", "numeric", "jsonb", "jsonb"},
};

static UsomQuery find_key = {
	.text = "SELECT d.draft_no FROM usom.draft AS d WHERE d.org_id = $1 AND d.submit_key = $2 AND d.draft_id <> $3",
	.nargs = 3,
	.argtypes = {"bigint", "text", "bigint"},
};

static UsomQuery submit_draft = {
	.text = "WITH key AS (DELETE FROM usom.vault_key AS k WHERE k.org_id = $1 AND k.person_id = $2) "
	"UPDATE usom.draft AS d SET status = 'submitted', document = NULL, submit_key = $3, submitted_at = $4, submitted_by = session_user, "
	"sales_order_id = o.sales_order_id, quantity_reserved = $6, quantity_held = 0, held_until = $4 "
	"FROM usom.sales_order AS o WHERE d.org_id = $1 AND d.draft_id = $2 AND o.org_id = $1 AND o.order_no = $5",
	.nargs = 6,
	.argtypes = {"bigint", "bigint", "text", "timestamptz", "text", "numeric"},
};

static UsomQuery drop_draft = {
	.text = "WITH key AS (DELETE FROM usom.vault_key AS k WHERE k.org_id = $1 AND k.person_id = $2) "
	"UPDATE usom.draft AS d SET status = 'dropped', document = NULL, dropped_at = $3, dropped_because = $4, quantity_held = 0, held_until = $3 "
	"WHERE d.org_id = $1 AND d.draft_id = $2",
	.nargs = 4,
	.argtypes = {"bigint", "bigint", "timestamptz", "text"},
};

static UsomQuery write_agent = {
	.text = "UPDATE usom.draft AS d SET agent = $3 WHERE d.org_id = $1 AND d.draft_id = $2",
	.nargs = 3,
	.argtypes = {"bigint", "bigint", "text"},
};

/* Of each line that was promised more than it got; and of the order, whose total is another one. */
static UsomQuery find_differences = {
	.text = "SELECT coalesce(jsonb_agg(d.message ORDER BY d.line_no), '[]') FROM (SELECT t.line_no, "
	"jsonb_build_object('line_no', t.line_no, 'code', 'promise_lost', 'quantity', trim_scale(t.reserved - l.quantity_reserved)) AS message "
	"FROM jsonb_to_recordset($3->'lines') AS t (line_no pg_catalog.int4, reserved pg_catalog.numeric) "
	"JOIN usom.sales_order AS o ON o.org_id = $1 AND o.order_no = $2 "
	"JOIN usom.order_line AS l ON l.org_id = $1 AND l.sales_order_id = o.sales_order_id AND l.line_no = t.line_no WHERE t.reserved > l.quantity_reserved "
	"UNION ALL SELECT 0, jsonb_build_object('code', 'total_changed', 'told', $3->'total', 'total', trim_scale(o.total)) "
	"FROM usom.sales_order AS o WHERE o.org_id = $1 AND o.order_no = $2 AND ($3->>'total')::pg_catalog.numeric <> o.total) AS d",
	.nargs = 3,
	.argtypes = {"bigint", "text", "jsonb"},
};

char *
usom_draft_owner(const char *draft_no)
{
	return psprintf("draft:%s", draft_no);
}

const char *
usom_draft_agent(void)
{
	UsomActor	actor = usom_audit_actor();

	return pstrdup(actor.app_user[0] != '\0' ? actor.app_user : actor.active_role);
}

static text *
seal(const UsomDraft *draft, Jsonb *document)
{
	UsomPersonKey key;
	text	   *sealed;

	if (!usom_person_find_key(draft->org_id, draft->draft_id, &key))
		usom_person_refuse_erased(psprintf("draft \"%s\"", draft->draft_no));
	sealed = usom_vault_seal(&key, cstring_to_text(JsonbToCString(NULL, &document->root, VARSIZE_ANY_EXHDR(document))));
	explicit_bzero(&key, sizeof(key));
	return sealed;
}

static Jsonb *
empty_document(void)
{
	return DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum("{}")));
}

UsomDraft *
usom_draft_make(int64 org_id, const UsomChannel *channel, const UsomMessage *message)
{
	UsomDraft  *draft = palloc0_object(UsomDraft);
	UsomActor	actor;
	UsomPersonKey key;
	Datum		values[12] = {Int64GetDatum(org_id)};
	bool		nulls[12] = {false};
	Jsonb	   *document = empty_document();

	draft->org_id = org_id;
	draft->draft_id = usom_ident_next();
	draft->draft_no = usom_ident_document_no(org_id, "draft");
	draft->channel_id = channel->channel_id;
	draft->channel = pstrdup(channel->code);
	draft->agent = usom_draft_agent();
	draft->status = "open";
	draft->document = document;
	draft->findings = message != NULL && message->told != NULL ? message->told : usom_inbox_findings_json(NIL);
	if (message != NULL)
	{
		draft->inbox_message_id = message->inbox_message_id;
		draft->message_no = message->message_no;
		draft->external_id = message->external_id;
		draft->revision = message->revision;
	}
	usom_vault_make_key(&key, org_id, draft->draft_id);
	actor = usom_audit_actor();
	values[1] = Int64GetDatum(draft->draft_id);
	values[2] = CStringGetTextDatum(draft->draft_no);
	values[3] = Int64GetDatum(draft->channel_id);
	values[4] = CStringGetTextDatum(draft->agent);
	values[5] = PointerGetDatum(usom_vault_seal(&key, cstring_to_text("{}")));
	values[6] = Int64GetDatum(draft->inbox_message_id);
	nulls[6] = message == NULL;
	values[7] = JsonbPGetDatum(draft->findings);
	values[8] = PointerGetDatum(cstring_to_text_with_len((const char *) key.bytes, USOM_KEY_BYTES));
	values[9] = CStringGetTextDatum(actor.client_addr);
	values[10] = CStringGetTextDatum(actor.application_name);
	values[11] = TimestampTzGetDatum(usom_call_time());
	usom_query_write(&insert_draft, values, nulls);
	explicit_bzero(&key, sizeof(key));
	return draft;
}

/* NULL if it is not open, or its key is gone. */
static Jsonb *
read_document(const UsomDraft *draft)
{
	bool		no_document;
	bool		no_key;
	Datum		sealed = usom_query_get_or_null(0, 8, &no_document);
	Datum		stored = usom_query_get_or_null(0, 18, &no_key);
	UsomPersonKey key = {0};
	text	   *clear = NULL;

	if (!no_document && !no_key && usom_person_take_key(stored, draft->org_id, draft->draft_id, &key))
		clear = usom_vault_open(&key, DatumGetTextPP(sealed));
	explicit_bzero(&key, sizeof(key));
	return clear != NULL ? DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(text_to_cstring(clear)))) : NULL;
}

static UsomDraft *
read_draft(int64 org_id)
{
	UsomDraft  *draft = palloc0_object(UsomDraft);
	bool		isnull;
	Datum		told = usom_query_get_or_null(0, 10, &isnull);

	draft->org_id = org_id;
	draft->draft_id = DatumGetInt64(usom_query_get(0, 1));
	draft->draft_no = usom_query_get_text(0, 2);
	draft->channel_id = DatumGetInt64(usom_query_get(0, 3));
	draft->channel = usom_query_get_text(0, 4);
	draft->agent = usom_query_get_text(0, 5);
	draft->status = usom_query_get_text(0, 6);
	draft->version = DatumGetInt32(usom_query_get(0, 7));
	draft->findings = DatumGetJsonbPCopy(usom_query_get(0, 9));
	draft->told = isnull ? NULL : DatumGetJsonbPCopy(told);
	draft->submit_key = usom_query_get_text(0, 11);
	draft->order_no = usom_query_get_text(0, 12);
	draft->dropped_because = usom_query_get_text(0, 13);
	draft->inbox_message_id = usom_query_get_key(0, 14);
	draft->message_no = usom_query_get_text(0, 15);
	draft->external_id = usom_query_get_text(0, 16);
	draft->revision = usom_query_get_number(0, 17);
	draft->document = read_document(draft);
	return draft;
}

UsomDraft *
usom_draft_lock(int64 org_id, const char *draft_no)
{
	bool		nulls[3] = {false};
	Datum		values[3] = {Int64GetDatum(org_id), CStringGetTextDatum(draft_no)};
	Datum		found[2] = {Int64GetDatum(org_id)};

	usom_query_run(&lock_message, values, NULL);
	values[2] = usom_party_channels(&nulls[2]);
	if (usom_query_run(&lock_draft, values, nulls) == 0)
		ereport(ERROR, errcode(USOM_ERR(UNKNOWN_DRAFT)),
				errmsg("no draft \"%s\"", draft_no),
				errhint("Look it up in usom.drafts."));
	found[1] = usom_query_get(0, 1);
	usom_query_run(&find_draft, found, NULL);
	return read_draft(org_id);
}

UsomDraft *
usom_draft_of_message(const UsomMessage *message)
{
	Datum		values[] = {Int64GetDatum(message->org_id), Int64GetDatum(message->inbox_message_id)};

	return usom_query_run(&find_of_message, values, NULL) > 0 ? read_draft(message->org_id) : NULL;
}

void
usom_draft_check_open(const UsomDraft *draft)
{
	if (strcmp(draft->status, "open") == 0)
		return;
	ereport(ERROR, errcode(USOM_ERR(DRAFT_DONE)),
			errmsg("draft \"%s\" was %s", draft->draft_no, draft->status),
			draft->order_no != NULL ? errdetail("It is order \"%s\".", draft->order_no) : errdetail("Reason: %s.", draft->dropped_because),
			draft->order_no != NULL ? errhint("Change the order: usom.change_order('%s', ...).", draft->order_no)
			: errhint("Begin another one: usom.start_draft()."));
}

void
usom_draft_check_mine(const UsomDraft *draft)
{
	const char *agent = usom_draft_agent();

	if (strcmp(agent, draft->agent) != 0)
		ereport(ERROR, errcode(USOM_ERR(DRAFT_OF_ANOTHER)),
				errmsg("draft \"%s\" is of agent \"%s\"", draft->draft_no, draft->agent),
				errdetail("You are \"%s\".", agent),
				errhint("Have it handed over: usom.hand_over_draft('%s', %s).", draft->draft_no, quote_literal_cstr(agent)));
}

/* ---- units ---- */

/* What placing would reserve: one hold for each row of stock. */
static UsomStockHold *
reserved_by(const UsomOrderSet *set, int *nholds)
{
	UsomStockHold *holds = palloc_array(UsomStockHold, set->npieces + 1);

	*nholds = 0;
	for (int i = 0; i < set->npieces; i++)
	{
		const UsomPiece *piece = &set->pieces[i];

		if (piece->status == USOM_PIECE_RESERVED && piece->quantity > 0 && piece->location_id != 0 && set->lines[piece->line].stocked)
			holds[(*nholds)++] = (UsomStockHold) {{set->lines[piece->line].product_id, piece->location_id, piece->lot ? piece->lot : "", 0}, piece->quantity};
	}
	return holds;
}

static UsomQuantity
sum_of(const UsomStockHold *holds, int nholds)
{
	UsomQuantity sum = 0;

	for (int i = 0; i < nholds; i++)
		sum = usom_quantity_add(sum, holds[i].held);
	return sum;
}

static bool
has_lines(Jsonb *document)
{
	JsonbValue	lines;

	return getKeyJsonValueFromContainer(&document->root, "lines", (int) strlen("lines"), &lines) != NULL &&
		lines.type == jbvBinary && JsonContainerSize(lines.val.binary.data) > 0;
}

/* Quoted and held; false if somebody has taken units of it in between. */
static bool
hold_quoted(UsomDraft *draft, Jsonb *document, const char *owner)
{
	UsomOrderSet *set;
	UsomStockHold *wanted = NULL;
	int			nwanted = 0;
	int			nheld;
	UsomStockHold *held;

	draft->quote = usom_api_quote(usom_draft_document(draft, document), &set);
	if (set != NULL)
		wanted = reserved_by(set, &nwanted);
	else if (has_lines(document))
		wanted = usom_stock_holds_of(draft->org_id, owner, &nwanted);
	held = usom_stock_hold(draft->org_id, owner, wanted, nwanted, draft->held_until, &nheld);
	draft->held = sum_of(held, nheld);
	return set == NULL || draft->held == sum_of(wanted, nwanted);
}

/* What cannot be placed as it stands keeps what was held for it: the next letter may mend it. */
static void
hold(UsomDraft *draft, Jsonb *document)
{
	const char *owner = usom_draft_owner(draft->draft_no);

	draft->held_until = usom_call_time() + usom_setting_draft_hold * INT64CONST(1000);
	if (!hold_quoted(draft, document, owner))
		(void) hold_quoted(draft, document, owner);
}

void
usom_draft_save(UsomDraft *draft, Jsonb *document, const UsomChannel *channel)
{
	Datum		values[10] = {Int64GetDatum(draft->org_id), Int64GetDatum(draft->draft_id)};

	hold(draft, document);
	draft->document = document;
	draft->channel_id = channel->channel_id;
	values[2] = Int32GetDatum(++draft->version);
	values[3] = PointerGetDatum(seal(draft, document));
	values[4] = Int64GetDatum(draft->channel_id);
	values[5] = TimestampTzGetDatum(usom_call_time());
	values[6] = TimestampTzGetDatum(draft->held_until);
	values[7] = NumericGetDatum(usom_quantity_numeric(draft->held));
	values[8] = JsonbPGetDatum(draft->quote);
	values[9] = JsonbPGetDatum(document);
	usom_query_write(&save_draft, values, NULL);
	draft->told = DatumGetJsonbPCopy(usom_query_get(0, 1));
}

/* ---- what becomes of it ---- */

static void
push_text(JsonbParseState **state, const char *key, const char *string)
{
	JsonbValue	name = {.type = jbvString, .val.string = {.len = (int) strlen(key), .val = unconstify(char *, key)}};
	JsonbValue	value = {.type = jbvString, .val.string = {.len = (int) strlen(string), .val = unconstify(char *, string)}};

	pushJsonbValue(state, WJB_KEY, &name);
	pushJsonbValue(state, WJB_VALUE, &value);
}

static void
push_revision(JsonbParseState **state, int32 revision)
{
	JsonbValue	name = {.type = jbvString, .val.string = {.len = (int) strlen("revision"), .val = (char *) "revision"}};
	JsonbValue	value = {.type = jbvNumeric};

	value.val.numeric = DatumGetNumeric(DirectFunctionCall1(int4_numeric, Int32GetDatum(revision)));
	pushJsonbValue(state, WJB_KEY, &name);
	pushJsonbValue(state, WJB_VALUE, &value);
}

Jsonb *
usom_draft_document(const UsomDraft *draft, Jsonb *document)
{
	JsonbParseState *state = NULL;
	Datum		without = DirectFunctionCall2(jsonb_delete, JsonbPGetDatum(document), CStringGetTextDatum("draft"));

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	push_text(&state, "reservation_owner", usom_draft_owner(draft->draft_no));
	if (draft->inbox_message_id != 0)
	{
		push_text(&state, "channel", draft->channel);
		push_text(&state, "external_id", draft->external_id);
		push_revision(&state, draft->revision);
	}
	return DatumGetJsonbP(DirectFunctionCall2(jsonb_concat, without,
											  JsonbPGetDatum(JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL)))));
}

void
usom_draft_check_key(const UsomDraft *draft, const char *key)
{
	Datum		values[] = {Int64GetDatum(draft->org_id), CStringGetTextDatum(key), Int64GetDatum(draft->draft_id)};

	if (usom_query_run(&find_key, values, NULL) > 0)
		ereport(ERROR, errcode(USOM_ERR(KEY_REUSED)),
				errmsg("key \"%s\" has submitted another draft", key),
				errdetail("It was draft \"%s\".", usom_query_get_text(0, 1)),
				errhint("Draw a key for each draft, and send it again only with that draft."));
}

Jsonb *
usom_draft_differences(const UsomDraft *draft, const char *order_no)
{
	Datum		values[] = {Int64GetDatum(draft->org_id), CStringGetTextDatum(order_no), JsonbPGetDatum(draft->told)};

	usom_query_run(&find_differences, values, NULL);
	return DatumGetJsonbPCopy(usom_query_get(0, 1));
}

/* Units that are still held come back when they are given up: an order that is held back takes none. */
static void
give_up_holds(const UsomDraft *draft)
{
	int			nheld;

	(void) usom_stock_hold(draft->org_id, usom_draft_owner(draft->draft_no), NULL, 0, usom_call_time(), &nheld);
}

void
usom_draft_write_submitted(const UsomDraft *draft, const char *key, const UsomPlaced *placed)
{
	bool		nulls[6] = {false, false, key == NULL};
	Datum		values[6] = {
		Int64GetDatum(draft->org_id), Int64GetDatum(draft->draft_id), key != NULL ? CStringGetTextDatum(key) : (Datum) 0,
		TimestampTzGetDatum(usom_call_time()), CStringGetTextDatum(placed->order_no), NumericGetDatum(usom_quantity_numeric(placed->reserved))
	};

	give_up_holds(draft);
	usom_query_write(&submit_draft, values, nulls);
	usom_person_forget_key();
}

void
usom_draft_write_dropped(const UsomDraft *draft, const char *reason)
{
	Datum		values[] = {
		Int64GetDatum(draft->org_id), Int64GetDatum(draft->draft_id), TimestampTzGetDatum(usom_call_time()), CStringGetTextDatum(reason)
	};

	give_up_holds(draft);
	usom_query_write(&drop_draft, values, NULL);
	usom_person_forget_key();
}

void
usom_draft_write_agent(const UsomDraft *draft, const char *agent)
{
	Datum		values[] = {Int64GetDatum(draft->org_id), Int64GetDatum(draft->draft_id), CStringGetTextDatum(agent)};

	usom_query_write(&write_agent, values, NULL);
}
