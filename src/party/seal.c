/*
 * seal.c
 *		What plain SQL writes about people is sealed: triggers of customer and
 *		customer_address.
 *
 * BEFORE ROW triggers put a sealed text in the place of each clear one, before
 * the row goes anywhere: COPY, MERGE and ON CONFLICT included.  A text that is
 * sealed for this person already stays as it is (an UPDATE of other columns, a
 * restore); one that is sealed for another person is handed over: that is how
 * EXCLUDED looks, whose row never came to be.
 *
 * AFTER STATEMENT triggers write what goes with the rows: the keys of new
 * customers, what they are found by, snapshots of addresses.  One statement of
 * each kind for thousands of rows.
 *
 * Memory: that of the trigger; texts that are gathered after the statement are
 * in a context that is reset when they are written.
 *
 * Locks: none beyond the rows, and the customers of addresses, by the foreign
 * key.
 */
#include "postgres.h"

#include "base/compat.h"

#include "party/party.h"
#include "party/person.h"

#include "access/htup_details.h"
#include "base/ident.h"
#include "base/query.h"
#include "base/trigger.h"
#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/tuplestore.h"

PG_FUNCTION_INFO_V1(usom__seal_customer);
PG_FUNCTION_INFO_V1(usom__seal_address);
PG_FUNCTION_INFO_V1(usom__customer_written);
PG_FUNCTION_INFO_V1(usom__address_written);

#define MAX_COLUMNS 16

/* Rows that are written by one statement. */
#define AT_ONCE 4096

/* A row on its way into the table. */
typedef struct Sealing
{
	TriggerData *trigdata;
	HeapTuple	row;
	int64		org_id;
	int64		person_id;
	bool		is_new;			/* a customer that is being inserted */
	bool		has_key;
	UsomPersonKey key;
	int			nchanges;		/* of the row */
	int			columns[MAX_COLUMNS];
	Datum		values[MAX_COLUMNS];
	bool		nulls[MAX_COLUMNS];
} Sealing;

static Datum
get_or_null(const Sealing *sealing, HeapTuple row, const char *column, Oid type, bool *isnull)
{
	int			attnum = usom_trigger_column(sealing->trigdata, column, type);

	return heap_getattr(row, attnum, RelationGetDescr(sealing->trigdata->tg_relation), isnull);
}

static int64
get_key_column(const Sealing *sealing, const char *column)
{
	bool		isnull;
	Datum		value = get_or_null(sealing, sealing->row, column, INT8OID, &isnull);

	if (isnull)
		ereport(ERROR, errcode(ERRCODE_NOT_NULL_VIOLATION),
				errmsg("null value in column \"%s\" of \"%s\"", column,
					   RelationGetRelationName(sealing->trigdata->tg_relation)));
	return DatumGetInt64(value);
}

static void
change(Sealing *sealing, const char *column, Oid type, Datum value, bool isnull)
{
	sealing->columns[sealing->nchanges] = usom_trigger_column(sealing->trigdata, column, type);
	sealing->values[sealing->nchanges] = value;
	sealing->nulls[sealing->nchanges++] = isnull;
}

static HeapTuple
changed_row(const Sealing *sealing)
{
	if (sealing->nchanges == 0)
		return sealing->row;
	return heap_modify_tuple_by_cols(sealing->row, RelationGetDescr(sealing->trigdata->tg_relation), sealing->nchanges,
									 (int *) sealing->columns, (Datum *) sealing->values, (bool *) sealing->nulls);
}

/* The same bytes as in the old row: nothing to do. */
static bool
is_old(const Sealing *sealing, const char *column, Oid type)
{
	bool		was_null;
	bool		is_null;
	Datum		was;
	Datum		is;
	Form_pg_attribute att;

	if (!TRIGGER_FIRED_BY_UPDATE(sealing->trigdata->tg_event))
		return false;
	was = get_or_null(sealing, sealing->trigdata->tg_trigtuple, column, type, &was_null);
	is = get_or_null(sealing, sealing->row, column, type, &is_null);
	att = TupleDescAttr(RelationGetDescr(sealing->trigdata->tg_relation),
						usom_trigger_column(sealing->trigdata, column, type) - 1);
	if (was_null || is_null)
		return was_null && is_null;
	return datum_image_eq(was, is, att->attbyval, att->attlen);
}

/* ---- sealing ---- */

/* There is no key: was the customer erased, or never there? */
static void
refuse_unknown(const Sealing *sealing)
{
	if (!usom_person_pin_customer(sealing->org_id, sealing->person_id))
		ereport(ERROR, errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
				errmsg("customer " INT64_FORMAT " is not there", sealing->person_id),
				errhint("Use usom.customer_id('code')."));
	usom_person_refuse_keyless(psprintf("customer " INT64_FORMAT, sealing->person_id));
}

static const UsomPersonKey *
need_key(Sealing *sealing)
{
	if (sealing->has_key)
		return &sealing->key;
	if (sealing->is_new)
		usom_person_draft_key(sealing->org_id, sealing->person_id, &sealing->key);
	else if (!usom_person_find_key(sealing->org_id, sealing->person_id, &sealing->key))
		refuse_unknown(sealing);
	sealing->has_key = true;
	return &sealing->key;
}

static void
refuse_sealed(const char *why)
{
	ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			errmsg("%s", why), errhint("Write it in clear: usom seals it."));
}

/* What was sealed for another person, in clear. */
static text *
open_foreign(const Sealing *sealing, int64 person_id, const text *sealed)
{
	UsomPersonKey key;
	text	   *clear = NULL;

	if (usom_person_find_key(sealing->org_id, person_id, &key))
		clear = usom_vault_open(&key, sealed);
	if (clear == NULL)
		refuse_sealed("a text that is sealed for somebody else cannot be opened");
	return clear;
}

/*
 * A text that looks sealed for the person of the row: itself if it is, in clear
 * if it was sealed for a row that met this one by ON CONFLICT.  Else it is an
 * invention or comes before its key, as in a restore: it is taken from those
 * whom policies do not bind.
 */
static bool
is_settled(const Sealing *sealing, const char *column, text **string)
{
	UsomPersonKey key;
	text	   *clear = NULL;

	if (is_old(sealing, column, TEXTOID) ||
		(!sealing->is_new && usom_person_find_key(sealing->org_id, sealing->person_id, &key) &&
		 usom_vault_open(&key, *string) != NULL))
		return true;
	if (usom_person_find_draft(sealing->org_id, sealing->person_id, &key))
		clear = usom_vault_open(&key, *string);
	if (clear == NULL && usom_party_has_policies(sealing->trigdata->tg_relation))
		refuse_sealed("a text that only looks sealed is not written");
	if (clear != NULL)
		*string = clear;
	return clear == NULL;
}

static text *
seal_text(Sealing *sealing, const char *column, text *string, int kind)
{
	int64		person_id;

	if (usom_vault_is_sealed(string, &person_id))
	{
		if (person_id != sealing->person_id)
			string = open_foreign(sealing, person_id, string);
		else if (is_settled(sealing, column, &string))
			return string;
	}
	if (kind >= 0)
		return usom_address_seal(kind, string, need_key(sealing));
	return usom_vault_seal(need_key(sealing), string);
}

/* kind: of a text of an address; -1: of another. */
static void
seal_column(Sealing *sealing, const char *column, int kind)
{
	bool		isnull;
	Datum		value = get_or_null(sealing, sealing->row, column, TEXTOID, &isnull);
	text	   *clear;
	text	   *sealed;

	if (isnull)
		return;
	clear = DatumGetTextPP(value);
	if (VARSIZE_ANY_EXHDR(clear) == 0)
		return;
	sealed = seal_text(sealing, column, clear, kind);
	if (sealed != clear)
		change(sealing, column, TEXTOID, PointerGetDatum(sealed), false);
}

static void
begin_sealing(Sealing *sealing, TriggerData *trigdata, const char *person_column)
{
	*sealing = (Sealing) {.trigdata = trigdata, .row = usom_trigger_row(trigdata)};
	sealing->org_id = get_key_column(sealing, "org_id");
	usom_party_check_side(trigdata->tg_relation, sealing->org_id);
	sealing->person_id = get_key_column(sealing, person_column);
}

/* usom._seal_customer(): BEFORE INSERT or UPDATE of a row of customer. */
Datum
usom__seal_customer(PG_FUNCTION_ARGS)
{
	static const UsomTriggerSpec spec = {"usom._seal_customer", .before = true, .row = true};
	static const char *const columns[] = {"name", "email", "phone"};
	TriggerData *trigdata = usom_trigger_check(fcinfo, &spec);
	Sealing		sealing;

	if (usom_query_is_writer() || usom_trigger_is_replay())
		return PointerGetDatum(usom_trigger_row(trigdata));
	begin_sealing(&sealing, trigdata, "customer_id");
	sealing.is_new = TRIGGER_FIRED_BY_INSERT(trigdata->tg_event);
	for (int i = 0; i < (int) lengthof(columns); i++)
		seal_column(&sealing, columns[i], -1);
	return PointerGetDatum(changed_row(&sealing));
}

static void
round_degrees(Sealing *sealing, const char *column)
{
	bool		isnull;
	Datum		value = get_or_null(sealing, sealing->row, column, FLOAT8OID, &isnull);

	if (!isnull && DatumGetFloat8(value) != usom_address_round(DatumGetFloat8(value)))
		change(sealing, column, FLOAT8OID, Float8GetDatum(usom_address_round(DatumGetFloat8(value))), false);
}

static bool
is_same_address(const Sealing *sealing)
{
	for (int i = 0; i < USOM_ADDRESS_TEXTS; i++)
		if (!is_old(sealing, usom_address_texts[i], TEXTOID))
			return false;
	return is_old(sealing, usom_address_degrees[0], FLOAT8OID) && is_old(sealing, usom_address_degrees[1], FLOAT8OID) &&
		is_old(sealing, "customer_id", INT8OID);
}

/* usom._seal_address(): BEFORE INSERT or UPDATE of a row of customer_address. */
Datum
usom__seal_address(PG_FUNCTION_ARGS)
{
	static const UsomTriggerSpec spec = {"usom._seal_address", .before = true, .row = true};
	TriggerData *trigdata = usom_trigger_check(fcinfo, &spec);
	Sealing		sealing;
	bool		isnull = false;
	Datum		snapshot = (Datum) 0;

	if (usom_query_is_writer() || usom_trigger_is_replay())
		return PointerGetDatum(usom_trigger_row(trigdata));
	begin_sealing(&sealing, trigdata, "customer_id");
	for (int i = 0; i < USOM_ADDRESS_TEXTS; i++)
		seal_column(&sealing, usom_address_texts[i], i);
	for (int i = 0; i < 2; i++)
		round_degrees(&sealing, usom_address_degrees[i]);
	if (is_same_address(&sealing))
		snapshot = get_or_null(&sealing, trigdata->tg_trigtuple, "address_id", INT8OID, &isnull);
	else
		snapshot = Int64GetDatum(usom_ident_next());
	change(&sealing, "address_id", INT8OID, snapshot, isnull);
	return PointerGetDatum(changed_row(&sealing));
}

/* ---- after the statement ---- */

typedef struct Rows
{
	TriggerData *trigdata;
	TupleTableSlot *before;		/* NULL for INSERT */
	TupleTableSlot *after;
} Rows;

static TupleTableSlot *
open_rows(TriggerData *trigdata, Tuplestorestate *rows)
{
	if (rows == NULL)
		ereport(ERROR, errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				errmsg("trigger \"%s\" needs transition tables", trigdata->tg_trigger->tgname));
	tuplestore_select_read_pointer(rows, 0);
	tuplestore_rescan(rows);
	return MakeSingleTupleTableSlot(RelationGetDescr(trigdata->tg_relation), &TTSOpsMinimalTuple);
}

static void
open_statement(Rows *rows, TriggerData *trigdata)
{
	rows->trigdata = trigdata;
	rows->after = open_rows(trigdata, trigdata->tg_newtable);
	rows->before = TRIGGER_FIRED_BY_INSERT(trigdata->tg_event) ? NULL : open_rows(trigdata, trigdata->tg_oldtable);
}

static bool
next_row(Rows *rows)
{
	CHECK_FOR_INTERRUPTS();
	if (rows->before != NULL)
		(void) tuplestore_gettupleslot(rows->trigdata->tg_oldtable, true, true, rows->before);
	return tuplestore_gettupleslot(rows->trigdata->tg_newtable, true, true, rows->after);
}

static void
close_statement(Rows *rows)
{
	if (rows->before != NULL)
		ExecDropSingleTupleTableSlot(rows->before);
	ExecDropSingleTupleTableSlot(rows->after);
}

static Datum
slot_value(const Rows *rows, TupleTableSlot *slot, const char *column, Oid type, bool *isnull)
{
	return slot_getattr(slot, usom_trigger_column(rows->trigdata, column, type), isnull);
}

static int64
slot_int64(const Rows *rows, const char *column)
{
	bool		isnull;

	return DatumGetInt64(slot_value(rows, rows->after, column, INT8OID, &isnull));
}

/* A copy, good beyond the row; NULL for null. */
static text *
slot_text(const Rows *rows, TupleTableSlot *slot, const char *column)
{
	bool		isnull;
	Datum		value = slot_value(rows, slot, column, TEXTOID, &isnull);

	return isnull ? NULL : DatumGetTextPCopy(value);
}

static bool
is_same_text(const text *a, const text *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	return VARSIZE_ANY_EXHDR(a) == VARSIZE_ANY_EXHDR(b) &&
		memcmp(VARDATA_ANY(a), VARDATA_ANY(b), VARSIZE_ANY_EXHDR(a)) == 0;
}

static text *
open_contact(const UsomPersonKey *key, const text *sealed)
{
	int64		person_id;

	return sealed != NULL && usom_vault_is_sealed(sealed, &person_id) ? usom_vault_open(key, sealed) : NULL;
}

/* What is gathered of some customers of one organisation. */
typedef struct Customers
{
	int64		org_id;
	int			nkeys;
	int			ncontacts;
	UsomPersonKey *keys;		/* AT_ONCE of each */
	UsomContact *contacts;
	MemoryContext texts;		/* reset when they are written */
} Customers;

static void
flush_customers(Customers *customers, bool is_insert)
{
	MemoryContext outer = MemoryContextSwitchTo(customers->texts);

	usom_person_write(customers->org_id, customers->keys, customers->nkeys, NULL, 0);
	usom_contact_write(customers->org_id, customers->contacts, customers->ncontacts, !is_insert);
	while (customers->nkeys > 0)
		explicit_bzero(&customers->keys[--customers->nkeys], sizeof(UsomPersonKey));
	customers->ncontacts = 0;
	MemoryContextSwitchTo(outer);
	MemoryContextReset(customers->texts);
}

static void
note_customer(Customers *customers, const Rows *rows)
{
	int64		person_id = slot_int64(rows, "customer_id");
	text	   *email = slot_text(rows, rows->after, "email");
	text	   *phone = slot_text(rows, rows->after, "phone");
	bool		is_insert = rows->before == NULL;
	bool		is_same = is_insert ? email == NULL && phone == NULL
		: is_same_text(email, slot_text(rows, rows->before, "email")) &&
		is_same_text(phone, slot_text(rows, rows->before, "phone"));
	UsomPersonKey key;

	if (is_insert)
		usom_person_take_draft(customers->org_id, person_id, &key);
	else if (is_same || !usom_person_find_key(customers->org_id, person_id, &key))
		return;
	if (is_insert)
		customers->keys[customers->nkeys++] = key;
	if (!is_same)
		customers->contacts[customers->ncontacts++] = (UsomContact)
		{
			person_id, open_contact(&key, email), open_contact(&key, phone)
		};
}

/* usom._customer_written(): AFTER INSERT or UPDATE of customer, for each statement. */
Datum
usom__customer_written(PG_FUNCTION_ARGS)
{
	static const UsomTriggerSpec spec = {"usom._customer_written", .before = false, .row = false};
	TriggerData *trigdata = usom_trigger_check(fcinfo, &spec);
	bool		is_insert = TRIGGER_FIRED_BY_INSERT(trigdata->tg_event);
	Customers	customers = {0};
	Rows		rows;

	if (usom_query_is_writer() || usom_trigger_is_replay())
		return PointerGetDatum(NULL);
	customers.keys = palloc(AT_ONCE * sizeof(UsomPersonKey));
	customers.contacts = palloc(AT_ONCE * sizeof(UsomContact));
	customers.texts = AllocSetContextCreate(CurrentMemoryContext, "usom customers written", ALLOCSET_DEFAULT_SIZES);
	open_statement(&rows, trigdata);
	while (next_row(&rows))
	{
		int64		org_id = slot_int64(&rows, "org_id");
		MemoryContext outer;

		if (org_id != customers.org_id || Max(customers.nkeys, customers.ncontacts) == AT_ONCE)
			flush_customers(&customers, is_insert);
		customers.org_id = org_id;
		outer = MemoryContextSwitchTo(customers.texts);
		note_customer(&customers, &rows);
		MemoryContextSwitchTo(outer);
	}
	flush_customers(&customers, is_insert);
	close_statement(&rows);
	return PointerGetDatum(NULL);
}

static UsomAddress *
address_of_row(const Rows *rows)
{
	UsomAddress *address = palloc0(sizeof(UsomAddress));

	address->address_id = slot_int64(rows, "address_id");
	address->person_id = slot_int64(rows, "customer_id");
	for (int i = 0; i < USOM_ADDRESS_TEXTS; i++)
		address->texts[i] = slot_text(rows, rows->after, usom_address_texts[i]);
	for (int i = 0; i < 2; i++)
	{
		bool		isnull;

		address->degrees[i] = DatumGetFloat8(slot_value(rows, rows->after, usom_address_degrees[i], FLOAT8OID, &isnull));
		address->has_degrees[i] = !isnull;
	}
	return address;
}

/* Has the row another snapshot than before? */
static bool
is_moved(const Rows *rows)
{
	bool		isnull;

	return rows->before == NULL ||
		DatumGetInt64(slot_value(rows, rows->before, "address_id", INT8OID, &isnull)) != slot_int64(rows, "address_id");
}

/*
 * An erasure that ended meanwhile took the key and left the row that it did not
 * see.  The foreign key has locked the customers by now, and a further erasure
 * waits, so one look is enough.
 */
static void
check_customers(int64 org_id, UsomAddress *const *addresses, int count)
{
	static UsomQuery query = {
		.text = "SELECT c.code FROM usom.customer AS c WHERE c.org_id = $1 AND c.customer_id = ANY ($2) "
		"AND c.erased_at IS NOT NULL LIMIT 1",
		.nargs = 2,
		.argtypes = {"bigint", "bigint[]"},
	};
	Datum	   *persons = palloc(count * sizeof(Datum));
	Datum		values[2] = {Int64GetDatum(org_id)};

	for (int i = 0; i < count; i++)
		persons[i] = Int64GetDatum(addresses[i]->person_id);
	values[1] = PointerGetDatum(construct_array(persons, count, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
	SPI_connect();
	if (usom_query_run(&query, values, NULL) > 0)
		usom_person_refuse_erased(psprintf("customer \"%s\"", usom_query_get_text(0, 1)));
	SPI_finish();
}

static void
flush_addresses(int64 org_id, UsomAddress *const *addresses, int *count, MemoryContext texts)
{
	MemoryContext outer = MemoryContextSwitchTo(texts);

	if (*count > 0)
	{
		check_customers(org_id, addresses, *count);
		usom_person_write(org_id, NULL, 0, addresses, *count);
	}
	*count = 0;
	MemoryContextSwitchTo(outer);
	MemoryContextReset(texts);
}

/* usom._address_written(): AFTER INSERT or UPDATE of customer_address, for each statement. */
Datum
usom__address_written(PG_FUNCTION_ARGS)
{
	static const UsomTriggerSpec spec = {"usom._address_written", .before = false, .row = false};
	TriggerData *trigdata = usom_trigger_check(fcinfo, &spec);
	UsomAddress **addresses;
	int			count = 0;
	int64		last_org_id = 0;
	MemoryContext texts;
	Rows		rows;

	if (usom_query_is_writer() || usom_trigger_is_replay())
		return PointerGetDatum(NULL);
	addresses = palloc(AT_ONCE * sizeof(UsomAddress *));
	texts = AllocSetContextCreate(CurrentMemoryContext, "usom addresses written", ALLOCSET_DEFAULT_SIZES);
	open_statement(&rows, trigdata);
	while (next_row(&rows))
	{
		int64		org_id = slot_int64(&rows, "org_id");
		MemoryContext outer;

		if (!is_moved(&rows))
			continue;
		if (count == AT_ONCE || org_id != last_org_id)
			flush_addresses(last_org_id, addresses, &count, texts);
		last_org_id = org_id;
		outer = MemoryContextSwitchTo(texts);
		addresses[count++] = address_of_row(&rows);
		MemoryContextSwitchTo(outer);
	}
	flush_addresses(last_org_id, addresses, &count, texts);
	close_statement(&rows);
	return PointerGetDatum(NULL);
}
