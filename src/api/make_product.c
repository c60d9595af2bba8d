/*
 * make_product.c
 *		A product outside the catalogue, made on the spot with its order.
 *
 * Locks: the unique key of the product's code, after that of the order: a
 * second call that makes the same waits for the first, and is refused.
 *
 * Memory: CurrentMemoryContext.
 */
#include "postgres.h"

#include "api/make_product.h"

#include "base/errors.h"
#include "base/ident.h"
#include "base/query.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"

#define MOST_BYTES 256			/* of a sku, of which documents allow fewer */

typedef struct UsomMade
{
	int			line;
	const char *sku;
	int64		product_id;
	Jsonb	   *make;
} UsomMade;

/* A product that some document of the call brings with it. */
typedef struct Planned
{
	char		sku[MOST_BYTES];	/* key of the table */
	int64		product_id;
	const UsomMade *as;			/* of the first order that is placed with it; NULL: none is */
	bool		is_written;
} Planned;

struct UsomMaking
{
	HTAB	   *planned;		/* NULL: none */
};

/* By sku: two calls that make the same products do not cross. */
static UsomQuery insert_products = {
	.text = "INSERT INTO usom.product AS p (org_id, product_id, sku, name, unit, category, weight, decoupling, based_on, attributes) "
	"SELECT $1, r.product_id, r.sku, coalesce(r.make->>'name', b.name), coalesce(b.unit, 'each'), b.category, coalesce(b.weight, 0), "
	"'engineer_to_order', b.sku, r.make->'attributes' FROM unnest($2, $3, $4) AS r (product_id, sku, make) "
	"LEFT JOIN usom.product AS b ON b.org_id = $1 AND b.sku = r.make->>'based_on' "
	"WHERE r.make->>'based_on' IS NULL OR b.sku IS NOT NULL ORDER BY r.sku ON CONFLICT (org_id, sku) DO NOTHING RETURNING p.sku",
	.nargs = 4,
	.argtypes = {"bigint", "bigint[]", "text[]", "jsonb[]"},
};

UsomMaking *
usom_api_making_begin(void)
{
	return palloc0_object(UsomMaking);
}

static Planned *
find_planned(const UsomMaking *making, const char *sku)
{
	return hash_search(making->planned, sku, HASH_FIND, NULL);
}

static Planned *
plan(UsomMaking *making, const char *sku)
{
	HASHCTL		control = {.keysize = MOST_BYTES, .entrysize = sizeof(Planned), .hcxt = CurrentMemoryContext};
	Planned    *planned;
	bool		is_there;

	if (making->planned == NULL)
		making->planned = hash_create("usom products that are made", 64, &control, HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
	planned = hash_search(making->planned, sku, HASH_ENTER, &is_there);
	if (!is_there)
	{
		planned->product_id = usom_ident_next();
		planned->as = NULL;
		planned->is_written = false;
	}
	return planned;
}

/* The statements of usom run as the owner; here it is for the caller to be allowed. */
static void
check_right(int line)
{
	Oid			product = get_relname_relid("product", get_namespace_oid("usom", false));

	if (pg_class_aclcheck(product, GetUserId(), ACL_INSERT) == ACLCHECK_OK)
		return;
	ereport(ERROR, errcode(USOM_ERR(INVALID_DOCUMENT)),
			errmsg("order document: lines[%d].make is not for this role", line),
			errdetail("It may not insert products."),
			errhint("Name a product that there is, or have somebody insert it first."));
}

int64
usom_api_plan_product(Placing *placing, int line)
{
	const UsomDocumentLine *from = &placing->document->lines[line];
	UsomMade   *made;

	check_right(line);
	Ensure(strlen(from->sku) < MOST_BYTES, "a sku of a document is too long");
	if (placing->made == NULL)
		placing->made = palloc_array(UsomMade, placing->document->nlines);
	made = &placing->made[placing->nmade++];
	*made = (UsomMade) {line, from->sku, plan(placing->making, from->sku)->product_id, from->make};
	return made->product_id;
}

void
usom_api_refuse_made(const Placing *placing)
{
	ereport(ERROR, errcode(USOM_ERR(INVALID_DOCUMENT)),
			errmsg("order document: lines[%d].make cannot make product \"%s\"", placing->unmade->line, placing->unmade->sku),
			errdetail("The product that it is based on does not exist, or another call has made it meanwhile."),
			errhint("Correct based_on, or send the document again."));
}

/* As the first order that wants it says. */
static int
gather(Placing *const *placings, int count, int64 *ids, const char **skus, Datum *makes)
{
	int			n = 0;

	for (int i = 0; i < count; i++)
		for (int j = 0; j < placings[i]->nmade; j++)
		{
			const UsomMade *made = &placings[i]->made[j];
			Planned    *planned = find_planned(placings[i]->making, made->sku);

			if (planned->as != NULL)
				continue;
			planned->as = made;
			ids[n] = made->product_id;
			skus[n] = made->sku;
			makes[n++] = JsonbPGetDatum(made->make);
		}
	return n;
}

/* Others that name the same product may yet make it their way. */
static void
find_unmade(Placing *const *placings, int count)
{
	const Placing *first = NULL;

	for (int i = 0; i < count; i++)
	{
		for (int j = 0; j < placings[i]->nmade && placings[i]->unmade == NULL; j++)
		{
			const Planned *planned = find_planned(placings[i]->making, placings[i]->made[j].sku);

			if (planned->as == &placings[i]->made[j] && !planned->is_written)
				placings[i]->unmade = planned->as;
		}
		if (first == NULL && placings[i]->unmade != NULL)
			first = placings[i];
	}
	Ensure(first != NULL, "products were not written that nobody wants");
	usom_api_refuse_made(first);
}

void
usom_api_write_products(Placing *const *placings, int count)
{
	int			most = 0;
	int			n;
	int64	   *ids;
	const char **skus;
	Datum	   *makes;
	Datum		values[4] = {Int64GetDatum(placings[0]->org_id)};
	uint64		written;

	for (int i = 0; i < count; i++)
		most += placings[i]->nmade;
	if (likely(most == 0))
		return;
	ids = palloc_array(int64, most);
	skus = palloc_array(const char *, most);
	makes = palloc_array(Datum, most);
	n = gather(placings, count, ids, skus, makes);
	values[1] = usom_query_keys(ids, n);
	values[2] = usom_api_texts(skus, n);
	values[3] = PointerGetDatum(construct_array(makes, n, JSONBOID, -1, false, TYPALIGN_INT));
	written = usom_query_write(&insert_products, values, NULL);
	for (uint64 row = 0; row < written; row++)
		find_planned(placings[0]->making, usom_query_get_text(row, 1))->is_written = true;
	if (written < (uint64) n)
		find_unmade(placings, count);
}
