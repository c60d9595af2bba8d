/*
 * inbox.c
 *		Rows of the inbox.
 *
 * A payload may name people: it is sealed under a key that the vault keeps for
 * the message, so that erasing them is deleting it.
 *
 * Locks: the row of the message, before any order.  Memory:
 * CurrentMemoryContext.
 */
#include "postgres.h"

#include "intake/inbox.h"

#include "audit/sha256.h"
#include "base/call.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/ident.h"
#include "base/query.h"
#include "party/party.h"
#include "party/person.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

#define COLUMNS "m.inbox_message_id, m.message_no, m.channel_id, c.code, m.kind, m.external_id, m.revision::pg_catalog.int4, m.mapping, m.status, " \
	"m.outcome, m.attempts, m.sales_order_id, o.order_no, m.digest, m.findings, m.next_attempt_at IS NOT NULL"
#define TABLES "FROM usom.inbox_message AS m JOIN usom.channel AS c ON c.org_id = $1 AND c.channel_id = m.channel_id " \
	"LEFT JOIN usom.sales_order AS o ON o.org_id = $1 AND o.sales_order_id = m.sales_order_id "
#define PAYLOAD ", p.payload, k.key"
#define PAYLOAD_TABLES "LEFT JOIN usom.vault_key AS k ON k.org_id = $1 AND k.person_id = m.inbox_message_id " \
	"LEFT JOIN LATERAL (SELECT q.payload FROM usom.inbox_payload AS q WHERE q.org_id = $1 AND q.inbox_message_id = m.inbox_message_id " \
	"ORDER BY q.revision_no DESC LIMIT 1) AS p ON true "

static UsomQuery insert_message = {
	.text = "WITH message AS (INSERT INTO usom.inbox_message (org_id, inbox_message_id, message_no, channel_id, kind, external_id, revision, "
	"mapping, digest, status, next_attempt_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'received', $12) "
	"ON CONFLICT (org_id, channel_id, external_id, kind, revision) DO NOTHING RETURNING inbox_message_id), "
	"key AS (INSERT INTO usom.vault_key (org_id, person_id, key) SELECT $1, m.inbox_message_id, $11 FROM message AS m) "
	"INSERT INTO usom.inbox_payload (org_id, inbox_message_id, channel_id, revision_no, payload) SELECT $1, m.inbox_message_id, $4, 0, $10 FROM message AS m",
	.nargs = 12,
	.argtypes = {"bigint", "bigint", "text", "bigint", "text", "text", "usom.ordinal", "text", "bytea", "text", "bytea", "timestamptz"},
};

static UsomQuery find_message = {
	.text = "SELECT " COLUMNS " " TABLES
	"WHERE m.org_id = $1 AND m.channel_id = $2 AND m.external_id = $3 AND m.kind = $4 AND m.revision = $5 FOR NO KEY UPDATE OF m",
	.nargs = 5,
	.argtypes = {"bigint", "bigint", "text", "text", "usom.ordinal"},
};

#define NAMED "WHERE m.org_id = $1 AND m.message_no = $2 AND ($3 IS NULL OR m.channel_id = ANY ($3))"

static UsomQuery look_at_message = {
	.text = "SELECT " COLUMNS PAYLOAD " " TABLES PAYLOAD_TABLES NAMED,
	.nargs = 3,
	.argtypes = {"bigint", "text", "bigint[]"},
};

static UsomQuery open_message = {
	.text = "SELECT " COLUMNS PAYLOAD " " TABLES PAYLOAD_TABLES
	NAMED " FOR NO KEY UPDATE OF m",
	.nargs = 3,
	.argtypes = {"bigint", "text", "bigint[]"},
};

/* Channels that may not be seen are left out; so are those that are shut, and what another worker has. */
static UsomQuery take_due = {
	.text = "SELECT " COLUMNS PAYLOAD " " TABLES PAYLOAD_TABLES
	"WHERE m.org_id = $1 AND m.next_attempt_at <= $2 AND (m.leased_until IS NULL OR m.leased_until <= $2) "
	"AND ($3 IS NULL OR m.channel_id = ANY ($3)) AND m.channel_id <> ALL ($4) "
	"ORDER BY m.next_attempt_at, m.inbox_message_id LIMIT 1 FOR NO KEY UPDATE OF m SKIP LOCKED",
	.nargs = 4,
	.argtypes = {"bigint", "timestamptz", "bigint[]", "bigint[]"},
};

static UsomQuery lease_due = {
	.text = "UPDATE usom.inbox_message AS m SET leased_until = $2 + $5 FROM (SELECT d.inbox_message_id FROM usom.inbox_message AS d "
	"WHERE d.org_id = $1 AND d.next_attempt_at <= $2 AND (d.leased_until IS NULL OR d.leased_until <= $2) "
	"AND ($3 IS NULL OR d.channel_id = ANY ($3)) AND ($6 = 0 OR d.channel_id = $6) AND d.channel_id <> ALL ($7) "
	"ORDER BY d.next_attempt_at, d.inbox_message_id LIMIT $4 FOR NO KEY UPDATE SKIP LOCKED) AS d, "
	"usom.channel AS c WHERE m.org_id = $1 AND m.inbox_message_id = d.inbox_message_id AND c.org_id = $1 AND c.channel_id = m.channel_id "
	"RETURNING m.message_no, c.code, m.attempts, m.leased_until",
	.nargs = 7,
	.argtypes = {"bigint", "timestamptz", "bigint[]", "integer", "interval", "bigint", "bigint[]"},
};

/* The value of the goods, as far as quantities and prices are numbers of a sane size. */
static UsomQuery settle_message = {
	.text = "UPDATE usom.inbox_message AS m SET status = $3, outcome = $4, attempts = $11, findings = $6, mapping = $8, "
	"sales_order_id = coalesce((SELECT o.sales_order_id FROM usom.sales_order AS o WHERE o.org_id = $1 AND o.order_no = $7), m.sales_order_id), "
	"kind = CASE WHEN EXISTS (SELECT FROM usom.inbox_message AS x WHERE x.org_id = $1 AND x.channel_id = m.channel_id AND x.external_id = m.external_id "
	"AND x.kind = $12 AND x.revision = m.revision) THEN m.kind ELSE $12 END, "
	"attempted_at = $9, next_attempt_at = $10, leased_until = NULL, parked_because = $13, "
	"amount = coalesce((SELECT CASE WHEN abs(s.amount) < 1e14 THEN s.amount END FROM (SELECT sum(CASE WHEN jsonb_typeof(l.line->'quantity') = 'number' "
	"AND jsonb_typeof(l.line->'unit_price') = 'number' THEN CASE WHEN abs((l.line->>'quantity')::pg_catalog.numeric) < 1e12 "
	"AND abs((l.line->>'unit_price')::pg_catalog.numeric) < 1e15 "
	"THEN (l.line->>'quantity')::pg_catalog.numeric * (l.line->>'unit_price')::pg_catalog.numeric END END) AS amount "
	"FROM jsonb_array_elements(CASE WHEN jsonb_typeof($5->'lines') = 'array' THEN $5->'lines' END) AS l (line)) AS s), m.amount), "
	"currency = coalesce(substring($5->>'currency' FROM '^[A-Z]{3}$'), m.currency) "
	"WHERE m.org_id = $1 AND m.inbox_message_id = $2",
	.nargs = 13,
	.argtypes = {"bigint", "bigint", "text", "text", "jsonb", "jsonb", "text", "text", "timestamptz", "timestamptz", "integer", "text", "text"},
};

static UsomQuery park_message = {
	.text = "UPDATE usom.inbox_message AS m SET status = 'parked', parked_because = $3, next_attempt_at = NULL, leased_until = NULL "
	"WHERE m.org_id = $1 AND m.inbox_message_id = $2",
	.nargs = 3,
	.argtypes = {"bigint", "bigint", "text"},
};

static UsomQuery insert_payload = {
	.text = "INSERT INTO usom.inbox_payload (org_id, inbox_message_id, channel_id, revision_no, payload, reason) "
	"SELECT $1, $2, p.channel_id, max(p.revision_no) + 1, $3, $4 FROM usom.inbox_payload AS p WHERE p.org_id = $1 AND p.inbox_message_id = $2 GROUP BY p.channel_id",
	.nargs = 4,
	.argtypes = {"bigint", "bigint", "text", "text"},
};

static text *
payload_text(Jsonb *payload)
{
	return cstring_to_text(JsonbToCString(NULL, &payload->root, VARSIZE_ANY_EXHDR(payload)));
}

static bytea *
digest_of(int64 org_id, Jsonb *content)
{
	UsomPersonKey key;
	bytea	   *digest;

	usom_person_organisation_key(org_id, &key);
	digest = usom_vault_digest(&key, "message", VARDATA_ANY(content), VARSIZE_ANY_EXHDR(content));
	explicit_bzero(&key, sizeof(key));
	return digest;
}

/* A payload that does not say what it is about is known by its digest: written as a UUID. */
static const char *
name_of_digest(const bytea *digest)
{
	const unsigned char *b = (const unsigned char *) VARDATA_ANY(digest);

	return psprintf("%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7],
					b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
}

/* Columns of a row that stay what they are, whatever the payload is read as now. */
static void
take_row(UsomMessage *message, uint64 row)
{
	bool		isnull;

	message->inbox_message_id = DatumGetInt64(usom_query_get(row, 1));
	message->message_no = usom_query_get_text(row, 2);
	message->channel_id = DatumGetInt64(usom_query_get(row, 3));
	message->channel = usom_query_get_text(row, 4);
	message->kind = usom_query_get_text(row, 5);
	message->external_id = usom_query_get_text(row, 6);
	message->revision = DatumGetInt32(usom_query_get(row, 7));
	message->mapping = usom_query_get_text(row, 8);
	message->status = usom_query_get_text(row, 9);
	message->outcome = usom_query_get_text(row, 10);
	message->attempts = DatumGetInt32(usom_query_get(row, 11));
	message->sales_order_id = DatumGetInt64(usom_query_get_or_null(row, 12, &isnull));
	message->order_no = usom_query_get_text(row, 13);
	message->digest = DatumGetByteaPCopy(usom_query_get(row, 14));
	message->told = DatumGetJsonbPCopy(usom_query_get(row, 15));
}

/* Erased, or tampered with: there is nothing to read. */
static void
take_payload(UsomMessage *message, uint64 row)
{
	bool		no_payload;
	bool		no_key;
	Datum		payload = usom_query_get_or_null(row, 17, &no_payload);
	Datum		stored = usom_query_get_or_null(row, 18, &no_key);
	UsomPersonKey key = {0};
	text	   *clear = NULL;

	if (!no_payload && !no_key && usom_person_take_key(stored, message->org_id, message->inbox_message_id, &key))
		clear = usom_vault_open(&key, DatumGetTextPP(payload));
	explicit_bzero(&key, sizeof(key));
	if (clear != NULL)
		message->payload = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(text_to_cstring(clear))));
}

/* The same message again is answered as before; another payload under its name is refused. */
static void
take_known(UsomMessage *message)
{
	Datum		values[] = {
		Int64GetDatum(message->org_id), Int64GetDatum(message->channel_id), CStringGetTextDatum(message->external_id),
		CStringGetTextDatum(message->kind), Int32GetDatum(message->revision)
	};

	if (usom_query_run(&find_message, values, NULL) == 0)
		ereport(ERROR, errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				errmsg("message \"%s\" of channel \"%s\" was there and is gone", message->external_id, message->channel),
				errhint("Send it again."));
	if (!DatumGetBool(DirectFunctionCall2(byteaeq, usom_query_get(0, 14), PointerGetDatum(message->digest))))
		ereport(ERROR, errcode(USOM_ERR(KEY_REUSED)),
				errmsg("\"%s\" of channel \"%s\" came before with another payload", message->external_id, message->channel),
				errdetail("Message \"%s\" of revision %d is %s.", usom_query_get_text(0, 2), message->revision, usom_query_get_text(0, 9)),
				strcmp(usom_query_get_text(0, 9), "processed") == 0 ? errhint("Send it with a higher revision to change the order.")
				: errhint("Mend the message: usom.mend('%s', ...), or send this one with a higher revision.", usom_query_get_text(0, 2)));
	take_row(message, 0);
	message->repeated = !DatumGetBool(usom_query_get(0, 16));
}

bool
usom_inbox_is_nameless(const UsomMessage *message)
{
	return strcmp(message->external_id, name_of_digest(message->digest)) == 0;
}

void
usom_inbox_write(UsomMessage *message)
{
	UsomPersonKey key;
	Datum		values[12] = {Int64GetDatum(message->org_id)};
	bool		nulls[12] = {false};

	message->digest = digest_of(message->org_id, message->content);
	if (message->external_id == NULL)
		message->external_id = name_of_digest(message->digest);
	message->inbox_message_id = usom_ident_next();
	message->message_no = usom_ident_document_no(message->org_id, "message");
	usom_vault_make_key(&key, message->org_id, message->inbox_message_id);
	values[1] = Int64GetDatum(message->inbox_message_id);
	values[2] = CStringGetTextDatum(message->message_no);
	values[3] = Int64GetDatum(message->channel_id);
	values[4] = CStringGetTextDatum(message->kind);
	values[5] = CStringGetTextDatum(message->external_id);
	values[6] = Int32GetDatum(message->revision);
	nulls[7] = message->mapping == NULL;
	values[7] = message->mapping != NULL ? CStringGetTextDatum(message->mapping) : (Datum) 0;
	values[8] = PointerGetDatum(message->digest);
	values[9] = PointerGetDatum(usom_vault_seal(&key, payload_text(message->payload)));
	values[10] = PointerGetDatum(cstring_to_text_with_len((const char *) key.bytes, USOM_KEY_BYTES));
	values[11] = TimestampTzGetDatum(usom_call_time());
	explicit_bzero(&key, sizeof(key));
	message->status = "received";
	if (usom_query_write(&insert_message, values, nulls) == 0)
		take_known(message);
}

/* Locked, or only read. */
static UsomMessage *
get_message(UsomQuery *query, int64 org_id, const char *message_no)
{
	UsomMessage *message = palloc0_object(UsomMessage);
	bool		nulls[3] = {false};
	Datum		values[3] = {Int64GetDatum(org_id), CStringGetTextDatum(message_no)};

	values[2] = usom_party_channels(&nulls[2]);
	message->org_id = org_id;
	if (usom_query_run(query, values, nulls) == 0)
		ereport(ERROR, errcode(USOM_ERR(UNKNOWN_MESSAGE)),
				errmsg("no message \"%s\"", message_no),
				errhint("Look it up in usom.inbox."));
	take_row(message, 0);
	take_payload(message, 0);
	return message;
}

UsomMessage *
usom_inbox_look(int64 org_id, const char *message_no)
{
	return get_message(&look_at_message, org_id, message_no);
}

UsomMessage *
usom_inbox_open(int64 org_id, const char *message_no)
{
	UsomMessage *message = get_message(&open_message, org_id, message_no);

	if (message->outcome != NULL)
		ereport(ERROR, errcode(USOM_ERR(MESSAGE_DONE)),
				errmsg("message \"%s\" was processed", message_no),
				errdetail("Its outcome is %s, its order \"%s\".", message->outcome, message->order_no),
				errhint("Change the order: usom.change_order('%s', ...).", message->order_no));
	return message;
}

UsomMessage *
usom_inbox_take_due(int64 org_id, const int64 *shut, int nshut)
{
	bool		nulls[4] = {false};
	Datum		values[4] = {Int64GetDatum(org_id), TimestampTzGetDatum(usom_call_time()), 0, usom_query_keys(shut, nshut)};
	UsomMessage *message;

	values[2] = usom_party_channels(&nulls[2]);
	if (usom_query_run(&take_due, values, nulls) == 0)
		return NULL;
	message = palloc0_object(UsomMessage);
	message->org_id = org_id;
	take_row(message, 0);
	take_payload(message, 0);
	return message;
}

uint64
usom_inbox_lease(int64 org_id, int limit, const Interval *lease, int64 channel_id, const int64 *shut, int nshut)
{
	bool		nulls[7] = {false};
	Datum		values[7] = {
		Int64GetDatum(org_id), TimestampTzGetDatum(usom_call_time()), 0, Int32GetDatum(limit), IntervalPGetDatum(lease),
		Int64GetDatum(channel_id), usom_query_keys(shut, nshut)
	};

	values[2] = usom_party_channels(&nulls[2]);
	return usom_query_write(&lease_due, values, nulls);
}

static void
push_text(JsonbParseState **state, const char *key, const char *string)
{
	JsonbValue	value = {.type = jbvString};

	if (string == NULL)
		return;
	value.val.string.val = unconstify(char *, key);
	value.val.string.len = (int) strlen(key);
	pushJsonbValue(state, WJB_KEY, &value);
	value.val.string.val = unconstify(char *, string);
	value.val.string.len = (int) strlen(string);
	pushJsonbValue(state, WJB_VALUE, &value);
}

Jsonb *
usom_inbox_findings_json(List *findings)
{
	JsonbParseState *state = NULL;
	ListCell   *cell;

	pushJsonbValue(&state, WJB_BEGIN_ARRAY, NULL);
	foreach(cell, findings)
	{
		const UsomMapFinding *finding = lfirst(cell);

		pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
		push_text(&state, "path", finding->path);
		push_text(&state, "source", finding->source);
		push_text(&state, "code", finding->code);
		push_text(&state, "message", finding->message);
		push_text(&state, "detail", finding->detail);
		push_text(&state, "remedy", finding->remedy);
		pushJsonbValue(&state, WJB_END_OBJECT, NULL);
	}
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_ARRAY, NULL));
}

/* What is stale is not fresher tomorrow, and what could not be read is not readable. */
static bool
is_hopeless(const UsomMessage *message)
{
	ListCell   *cell;

	foreach(cell, message->findings)
	{
		const UsomMapFinding *finding = lfirst(cell);

		if (finding->final || strcmp(finding->code, "US802") == 0)
			return true;
	}
	return false;
}

static void
set_time(Datum *values, bool *nulls, int argument, TimestampTz when)
{
	nulls[argument] = when == DT_NOEND;
	values[argument] = TimestampTzGetDatum(when);
}

static void
set_text(Datum *values, bool *nulls, int argument, const char *string)
{
	nulls[argument] = string == NULL;
	values[argument] = string != NULL ? CStringGetTextDatum(string) : (Datum) 0;
}

/* What the message says of itself; times: DT_NOEND, none. */
static void
write_state(const UsomMessage *message, TimestampTz attempted_at, TimestampTz next_attempt_at, const char *because)
{
	Datum		values[13] = {Int64GetDatum(message->org_id), Int64GetDatum(message->inbox_message_id)};
	bool		nulls[13] = {false};

	set_text(values, nulls, 2, message->status);
	set_text(values, nulls, 3, message->outcome);
	nulls[4] = message->document == NULL;
	values[4] = JsonbPGetDatum(message->document);
	values[5] = JsonbPGetDatum(message->told);
	set_text(values, nulls, 6, message->order_no);
	set_text(values, nulls, 7, message->mapping);
	set_time(values, nulls, 8, attempted_at);
	set_time(values, nulls, 9, next_attempt_at);
	values[10] = Int32GetDatum(message->attempts);
	set_text(values, nulls, 11, message->kind);
	set_text(values, nulls, 12, because);
	usom_query_write(&settle_message, values, nulls);
}

void
usom_inbox_settle(UsomMessage *message)
{
	TimestampTz next = DT_NOEND;
	bool		again = message->outcome == NULL && !is_hopeless(message) &&
		usom_intake_next_attempt(message->org_id, message->channel, message->attempts, usom_call_time(), &next);

	message->status = message->outcome != NULL ? "processed" : again ? "failed" : "dead";
	message->told = usom_inbox_findings_json(message->findings);
	write_state(message, usom_call_time(), next, NULL);
}

/* It is due at once: what circuits hold back is passed over, and nobody needs to bring it back. */
void
usom_inbox_hold_back(UsomMessage *message)
{
	UsomMapFinding finding = {
		.code = unpack_sql_state(USOM_ERR(ACTION_HELD)), .message = psprintf("the circuit of channel \"%s\" is open", message->channel),
		.remedy = psprintf("The message is tried when it closes; now: usom.replay('%s').", message->message_no)
	};

	if (strcmp(message->status, "received") != 0)
		return;
	message->status = "parked";
	message->told = usom_inbox_findings_json(list_make1(&finding));
	write_state(message, DT_NOEND, usom_call_time(), finding.message);
}

void
usom_inbox_park(const UsomMessage *message, const char *reason)
{
	Datum		values[] = {Int64GetDatum(message->org_id), Int64GetDatum(message->inbox_message_id), CStringGetTextDatum(reason)};

	usom_query_write(&park_message, values, NULL);
}

void
usom_inbox_mend(UsomMessage *message, Jsonb *payload, const char *reason)
{
	UsomPersonKey key;
	bool		nulls[4] = {false, false, false, reason == NULL};
	Datum		values[4] = {Int64GetDatum(message->org_id), Int64GetDatum(message->inbox_message_id)};

	if (!usom_person_find_key(message->org_id, message->inbox_message_id, &key))
		usom_person_refuse_erased(psprintf("the payload of message \"%s\"", message->message_no));
	values[2] = PointerGetDatum(usom_vault_seal(&key, payload_text(payload)));
	values[3] = reason != NULL ? CStringGetTextDatum(reason) : (Datum) 0;
	explicit_bzero(&key, sizeof(key));
	usom_query_write(&insert_payload, values, nulls);
	message->payload = payload;
}
