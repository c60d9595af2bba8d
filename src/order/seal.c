/*
 * seal.c
 *		What plain SQL says about the buyer of an order is sealed.
 *
 * Part of the guard of sales_order: ship_to becomes a row of usom.address and
 * address_id, instructions become a sealed text.  The person of an order is
 * its customer, or the order itself for a guest.  When a draft goes to another
 * customer, its texts go along, under the key of the new one.
 *
 * An INSERT whose external id is there already will end in ON CONFLICT: it is
 * sealed for the buyer of the order that is there, so that EXCLUDED fits.
 *
 * Locks: the row of the customer, shared, against being erased meanwhile.
 * Memory: that of the trigger.
 */
#include "postgres.h"

#include "base/compat.h"

#include "order/order.h"

#include "access/htup_details.h"
#include "base/errors.h"
#include "base/query.h"
#include "base/trigger.h"
#include "catalog/pg_type.h"
#include "party/party.h"
#include "party/person.h"
#include "utils/builtins.h"
#include "utils/rel.h"

/* The columns of a row that tell who ordered and what is said of him. */
typedef struct Buyer
{
	int64		org_id;
	int64		sales_order_id;
	int64		customer_id;
	bool		is_guest;
	Jsonb	   *ship_to;		/* NULL: none */
	int64		address_id;
	bool		has_address;
	text	   *instructions;	/* NULL: none */
} Buyer;

typedef struct Sealing
{
	Buyer		before;			/* of an UPDATE */
	Buyer		after;
	bool		has_key;
	UsomPersonKey key;
} Sealing;

static Datum
get_or_null(TriggerData *trigdata, HeapTuple row, const char *name, Oid type, bool *isnull)
{
	return heap_getattr(row, usom_trigger_column(trigdata, name, type), RelationGetDescr(trigdata->tg_relation), isnull);
}

static int64
get_int64(TriggerData *trigdata, HeapTuple row, const char *name, bool *isnull)
{
	return DatumGetInt64(get_or_null(trigdata, row, name, INT8OID, isnull));
}

static Buyer
read_buyer(TriggerData *trigdata, HeapTuple row)
{
	Buyer		buyer;
	bool		isnull;
	Datum		value;

	buyer.org_id = get_int64(trigdata, row, "org_id", &isnull);
	buyer.sales_order_id = get_int64(trigdata, row, "sales_order_id", &isnull);
	buyer.customer_id = get_int64(trigdata, row, "customer_id", &buyer.is_guest);
	buyer.address_id = get_int64(trigdata, row, "address_id", &isnull);
	buyer.has_address = !isnull;
	value = get_or_null(trigdata, row, "ship_to", JSONBOID, &isnull);
	buyer.ship_to = isnull ? NULL : DatumGetJsonbP(value);
	value = get_or_null(trigdata, row, "instructions", TEXTOID, &isnull);
	buyer.instructions = isnull || VARSIZE_ANY_EXHDR(DatumGetTextPP(value)) == 0 ? NULL : DatumGetTextPP(value);
	return buyer;
}

static int64
person_of(const Buyer *buyer)
{
	return buyer->is_guest ? buyer->sales_order_id : buyer->customer_id;
}

/* Who ordered what an INSERT will meet: it has the same channel and external id. */
static void
look_for_conflict(TriggerData *trigdata, HeapTuple row, Buyer *buyer)
{
	static UsomQuery query = {
		.text = "SELECT o.sales_order_id, o.customer_id FROM usom.sales_order AS o "
		"WHERE o.org_id = $1 AND o.channel_id = $2 AND o.external_id = $3",
		.nargs = 3,
		.argtypes = {"bigint", "bigint", "text"},
	};
	bool		no_channel;
	bool		no_external_id;
	Datum		values[] = {
		Int64GetDatum(buyer->org_id),
		get_or_null(trigdata, row, "channel_id", INT8OID, &no_channel),
		get_or_null(trigdata, row, "external_id", TEXTOID, &no_external_id),
	};

	if (no_channel || no_external_id)
		return;
	SPI_connect();
	if (usom_query_run(&query, values, NULL) > 0)
	{
		buyer->sales_order_id = DatumGetInt64(usom_query_get(0, 1));
		buyer->customer_id = DatumGetInt64(usom_query_get_or_null(0, 2, &buyer->is_guest));
	}
	SPI_finish();
}

static const UsomPersonKey *
need_key(Sealing *sealing)
{
	const Buyer *buyer = &sealing->after;

	if (!sealing->has_key)
		usom_person_require_key(buyer->org_id, buyer->customer_id, buyer->is_guest, buyer->sales_order_id, &sealing->key);
	sealing->has_key = true;
	return &sealing->key;
}

static bool
is_same(const text *a, const text *b)
{
	return a != NULL && VARSIZE_ANY_EXHDR(a) == VARSIZE_ANY_EXHDR(b) &&
		memcmp(VARDATA_ANY(a), VARDATA_ANY(b), VARSIZE_ANY_EXHDR(a)) == 0;
}

/* What looks sealed for the person of the row is, or comes from those whom policies do not bind, as in a restore. */
static void
check_sealed(Sealing *sealing, const text *string, Relation table)
{
	if (!is_same(sealing->before.instructions, string) && usom_party_has_policies(table) &&
		usom_vault_open(need_key(sealing), string) == NULL)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("a text that only looks sealed is not written"),
				errhint("Write it in clear: usom seals it."));
}

static text *
seal_instructions(Sealing *sealing, text *string, Relation table)
{
	const UsomPersonKey *key;
	UsomPersonKey owner;
	int64		person_id;

	if (!usom_vault_is_sealed(string, &person_id))
		return usom_vault_seal(need_key(sealing), string);
	if (person_id == person_of(&sealing->after))
	{
		check_sealed(sealing, string, table);
		return string;
	}
	key = need_key(sealing);
	if (!usom_person_find_key(key->org_id, person_id, &owner))
		return NULL;
	string = usom_vault_open(&owner, string);
	return string != NULL ? usom_vault_seal(key, string) : NULL;
}

/* The address that the row is to refer to; NULL: none. */
static UsomAddress *
settle_address(Sealing *sealing, bool is_update)
{
	const Buyer *before = &sealing->before;
	const Buyer *after = &sealing->after;
	UsomAddress *address;

	if (after->ship_to != NULL)
		address = usom_address_make(after->ship_to, need_key(sealing));
	else
	{
		address = palloc0(sizeof(UsomAddress));
		address->address_id = after->address_id;
		if (is_update && before->has_address && before->address_id == after->address_id &&
			person_of(before) == person_of(after))
			return address;
		address = usom_address_hand_over(after->org_id, after->address_id, need_key(sealing));
		if (address->address_id == after->address_id)
			return address;
	}
	if (address != NULL)
		usom_person_write(after->org_id, NULL, 0, &address, 1);
	return address;
}

static HeapTuple
replace(TriggerData *trigdata, HeapTuple row, const UsomAddress *address, text *instructions, bool set_instructions)
{
	int			columns[] = {
		usom_trigger_column(trigdata, "ship_to", JSONBOID),
		usom_trigger_column(trigdata, "address_id", INT8OID),
		usom_trigger_column(trigdata, "instructions", TEXTOID)
	};
	Datum		values[] = {
		(Datum) 0, Int64GetDatum(address != NULL ? address->address_id : 0), PointerGetDatum(instructions)
	};
	bool		nulls[] = {true, address == NULL, instructions == NULL};

	return heap_modify_tuple_by_cols(row, RelationGetDescr(trigdata->tg_relation), set_instructions ? 3 : 2,
									 columns, values, nulls);
}

HeapTuple
usom_order_seal(TriggerData *trigdata, HeapTuple row)
{
	bool		is_update = TRIGGER_FIRED_BY_UPDATE(trigdata->tg_event);
	Sealing		sealing = {.after = read_buyer(trigdata, row)};
	Buyer	   *after = &sealing.after;
	UsomAddress *address = NULL;
	text	   *instructions = NULL;

	if (is_update)
		sealing.before = read_buyer(trigdata, trigdata->tg_trigtuple);
	if (!after->is_guest && (!is_update || sealing.before.is_guest || sealing.before.customer_id != after->customer_id))
		(void) usom_person_pin_customer(after->org_id, after->customer_id);
	if (after->ship_to == NULL && !after->has_address && after->instructions == NULL)
		return row;
	if (!is_update)
		look_for_conflict(trigdata, row, after);
	if (after->ship_to != NULL || after->has_address)
		address = settle_address(&sealing, is_update);
	if (after->instructions != NULL)
		instructions = seal_instructions(&sealing, after->instructions, trigdata->tg_relation);
	row = replace(trigdata, row, address, instructions, after->instructions != NULL);
	explicit_bzero(&sealing.key, sizeof(sealing.key));
	return row;
}
